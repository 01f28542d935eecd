"""Loading a checkpoint through somebody else's code, without letting it run code or leave traces.

s3prl seeds Python's and torch's random numbers while it builds a model (s3prl/util/pseudo_data.py), opens some
checkpoints with `weights_only=False` (s3prl/upstream/mockingjay/builder.py, distiller/builder.py) and evaluates
a string of the checkpoint as Python (`conv_feature_layers`, in every fairseq-like model). The three are met here.
"""

from __future__ import annotations

import argparse
import os
import pickle
import random
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from harness.errors import WeightsError

HARMLESS_CLASSES = (argparse.Namespace,)
"""Plain data that old checkpoints carry beside their tensors; unpickling it runs no code of the file's."""

_SHAPE_EXPRESSION = re.compile(r"[\d\s()\[\],+*]*")
"""`[(512,10,5)] + [(512,3,2)] * 4`: numbers, brackets, sums and repetitions, nothing that can call."""

_FORCE, _FORBID = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


@contextmanager
def untouched_randomness() -> Iterator[None]:
    """Give Python's, NumPy's and torch's random states back as they were."""
    python, legacy_numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy_numpy)


@contextmanager
def only_tensors() -> Iterator[None]:
    """Within, every `torch.load` of this process is `weights_only=True`, whatever its caller says."""
    before = {name: os.environ.pop(name, None) for name in (_FORCE, _FORBID)}
    os.environ[_FORCE] = "1"
    try:
        with torch.serialization.safe_globals([*HARMLESS_CLASSES]):
            yield
    finally:
        del os.environ[_FORCE]
        os.environ.update({name: value for name, value in before.items() if value is not None})


def inspect(path: Path) -> None:
    """Open a checkpoint file as plain tensors and data, and look for code in its model description.

    Raises:
        WeightsError: truncated, not a torch checkpoint, needs classes of its own, or carries an expression.
    """
    with only_tensors():
        try:
            state = torch.load(path, map_location="cpu", mmap=zipfile.is_zipfile(path) or None)
        except pickle.UnpicklingError as fault:
            raise unsafe(path, fault) from fault
        except (OSError, EOFError, RuntimeError, ValueError, KeyError) as fault:
            raise _unreadable(path, fault) from fault
    for expression in _shape_expressions(state):
        if not _SHAPE_EXPRESSION.fullmatch(expression):
            raise WeightsError(
                f"the checkpoint {path.name} carries code where a list of layer shapes belongs",
                got=f"conv_feature_layers: {expression[:80]!r}",
                wanted="lists of numbers such as [(512,10,5)] + [(512,3,2)] * 4",
                next_step="do not use this file; get the checkpoint again from its owners",
            )


def unsafe(path: Path | str, fault: Exception) -> WeightsError:
    """The refusal of a file that would have to run code to be read."""
    return WeightsError(
        f"the checkpoint {Path(path).name} is damaged, or holds more than tensors and plain data",
        got=str(fault).split("\n", maxsplit=1)[0],
        wanted="a file that torch.load reads with weights_only=True",
        next_step="get it again; if you trust its owners, load it once elsewhere and save its tensors and a "
        "plain dictionary with torch.save",
    )


def _unreadable(path: Path, fault: Exception) -> WeightsError:
    return WeightsError(
        f"the checkpoint {path.name} cannot be read",
        got=f"{type(fault).__name__}: {str(fault)[:200]}",
        wanted="a whole file written by torch.save",
        next_step="it may be truncated: compare its size with the original's and get it again",
    )


def _shape_expressions(state: object) -> Iterator[str]:
    """Every `conv_feature_layers` of the nested settings of a checkpoint."""
    if isinstance(state, argparse.Namespace):
        state = vars(state)
    if not isinstance(state, Mapping):
        return
    for key, value in state.items():
        if isinstance(value, str) and str(key).endswith("conv_feature_layers"):
            yield value
        elif isinstance(value, Mapping | argparse.Namespace):
            yield from _shape_expressions(value)
