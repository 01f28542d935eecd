"""What lies on disk: checkpoint files of fairseq, FunASR and safetensors, and the small files beside them.

Nothing is unpickled but tensors and plain containers (`weights_only=True`).
"""

from __future__ import annotations

import argparse
import json
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from harness.errors import WeightsError

KNOWN_NAMES = (
    "emotion2vec_base.pt",
    "base_libri.pt",
    "model.pt",
    "model.safetensors",
    "weights.safetensors",
    "pytorch_model.bin",
)
"""File names of the released checkpoints, then those of converted ones; the first that is there is taken."""
SUFFIXES = (".pt", ".safetensors")
"""In this order, a folder's only file of a kind is its checkpoint whatever its name."""
WRAPPER = "d2v_model."
"""FunASR's name for the network inside its classifier."""
EMA = "_ema"
"""fairseq's name for the teacher's weights, a dictionary of their own inside the model's."""


class Checkpoint(NamedTuple):
    """A checkpoint as read, before it becomes a network."""

    path: Path
    tensors: dict[str, Tensor]
    """The network's own names, without FunASR's prefix; the head is `proj.weight` and `proj.bias`. Names of the
    moving average that a pre-training leaves begin with `_ema.`."""
    settings: Mapping[str, Any]
    """The training configuration in the file or beside it, nested as it was; may be empty."""


def read(weights: Path) -> Checkpoint:
    """Read a checkpoint file, or the one in a folder.

    Raises:
        WeightsError: nothing is there, or it is truncated, or it is no checkpoint.
    """
    path = _file_in(weights)
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    settings = content.get("cfg") or content.get("args") or {}
    if isinstance(settings, argparse.Namespace):
        settings = vars(settings)
    beside = _settings_beside(path.parent)
    return Checkpoint(path, _tensors(content), {"file": settings, "beside": beside})


def tokens_beside(path: Path) -> tuple[str, ...]:
    """Class names from `tokens.txt` in the checkpoint's folder, one per line; empty where there is none."""
    names = path.parent / "tokens.txt"
    if not names.is_file():
        return ()
    return tuple(line.strip() for line in names.read_text(encoding="utf-8").splitlines() if line.strip())


def find_setting(settings: object, name: str) -> Any:  # noqa: ANN401  (a value of somebody's YAML)
    """The first value called `name` at any depth, so that nested and flat configurations read alike."""
    if not isinstance(settings, Mapping):
        return None
    if settings.get(name) is not None:
        return settings[name]
    found = (find_setting(value, name) for value in settings.values())
    return next((value for value in found if value is not None), None)


def _file_in(weights: Path) -> Path:
    if weights.is_file():
        return weights
    if not weights.is_dir():
        raise WeightsError(
            "the checkpoint is not there",
            got=str(weights.absolute()),
            wanted="a file, or a folder with one",
            next_step="correct upstream.path",
        )
    for name in KNOWN_NAMES:
        if (weights / name).is_file():
            return weights / name
    found: list[Path] = []
    for suffix in SUFFIXES:
        found += sorted(path for path in weights.glob(f"*{suffix}") if path.is_file())
        if len(found) == 1:
            return found[0]
    raise WeightsError(
        f"the folder holds {'several files that could be' if found else 'no'} checkpoint",
        got=f"{weights.absolute()}: {', '.join(path.name for path in found) or 'no .pt, no .safetensors'}",
        wanted=f"one of {', '.join(KNOWN_NAMES)}, or a single .pt or .safetensors",
        next_step="name the file itself: upstream.path=FOLDER/FILE",
    )


def _unreadable(path: Path, fault: Exception) -> WeightsError:
    reason = str(fault).strip().split("\n")[0][:160]
    return WeightsError(
        "the checkpoint cannot be read: truncated, or not a checkpoint",
        got=f"{path.absolute()}, {path.stat().st_size:,} bytes ({type(fault).__name__}: {reason})",
        wanted="a whole PyTorch or safetensors file with nothing but tensors and plain values",
        next_step="compare its size with the publisher's and download it again",
    )


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, OSError, ValueError) as fault:
        raise _unreadable(path, fault) from fault


def _read_torch(path: Path) -> dict[str, Any]:
    # Mapped, not read: a released file is three times its weights, the rest is the optimiser's.
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):  # fairseq's `args`
            content = torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path) or None
            )
    except (
        RuntimeError,
        pickle.UnpicklingError,
        EOFError,
        OSError,
        ValueError,
        KeyError,
        IndexError,
    ) as fault:
        raise _unreadable(path, fault) from fault
    if not isinstance(content, dict):
        raise _unreadable(path, TypeError(f"holds a {type(content).__name__}, not a dictionary"))
    return content


def _tensors(content: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of the model, those of its moving average as `_ema.NAME`; what is no tensor is left out."""
    inner = next(
        (content[key] for key in ("model", "state_dict") if isinstance(content.get(key), Mapping)), content
    )
    teacher = inner.get(EMA)
    averages = teacher.items() if isinstance(teacher, Mapping) else ()
    flat = {**inner, **{f"{EMA}.{name}": value for name, value in averages}}
    return {
        str(name).removeprefix(WRAPPER): value for name, value in flat.items() if isinstance(value, Tensor)
    }


def _settings_beside(folder: Path) -> Mapping[str, Any]:
    for name in ("config.yaml", "config.json"):
        path = folder / name
        if path.is_file():
            return _parse(path)
    return {}


def _parse(path: Path) -> Mapping[str, Any]:
    import yaml

    text = path.read_text(encoding="utf-8")
    try:
        parsed = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as fault:
        raise WeightsError(
            "the configuration beside the checkpoint cannot be read",
            got=f"{path.absolute()} ({type(fault).__name__})",
            wanted=f"valid {path.suffix[1:].upper()}",
            next_step="download it again, or remove it",
        ) from fault
    return parsed if isinstance(parsed, Mapping) else {}
