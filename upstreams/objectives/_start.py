"""A pre-training that begins with the weights of another: whatever is not in their file is said aloud."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from harness.errors import WeightsError
from upstreams._emotion2vec_files import EMA, Checkpoint, read

LOG = logging.getLogger(__name__)
TEACHER = f"{EMA}."
"""What names of the teacher's weights begin with in a checkpoint."""
WITH_TEACHER = "checkpoint_ema.pt"
"""What a run of ours leaves beside its student for those who go on."""
SHOWN = 4
"""Names that a message lists of each kind."""


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """What a file may lack, and what it may hold besides: beginnings of names, and what they are called."""

    lacking: Mapping[str, str] = field(default_factory=dict)
    """Only as a whole; the weights then stay as the seed drew them."""
    besides: Mapping[str, str] = field(default_factory=dict)


def read_start(path: Path) -> Checkpoint:
    """The checkpoint to begin with, its teacher included where one lies beside it.

    Raises:
        WeightsError: there is none, or it cannot be read.
    """
    beside = (path if path.is_dir() else path.parent) / WITH_TEACHER
    try:
        found = read(beside if path.is_dir() and beside.is_file() else path)
        if beside.is_file() and not any(name.startswith(TEACHER) for name in found.tensors):
            LOG.info("%s holds the teacher as well and is read in place of %s", beside, found.path)
            found = read(beside)
    except WeightsError as fault:
        raise refused(fault.what, got=fault.got, wanted=fault.wanted) from fault
    return found


def refused(what: str, *, got: object, wanted: object) -> WeightsError:
    """The error of a checkpoint that a pre-training cannot begin with."""
    return WeightsError(
        f"the pre-training cannot begin with this checkpoint: {what}",
        got=got,
        wanted=wanted,
        next_step="correct init.path, give the network the file's sizes, or set init.card=null for a cold start",
    )


def load_student(student: nn.Module, checkpoint: Checkpoint, allowed: Allowed) -> None:
    """Take the student's weights from a checkpoint.

    Raises:
        WeightsError: tensors are missing that may not be, or are of no use, or of other shapes.
    """
    tensors = {name: tensor for name, tensor in checkpoint.tensors.items() if not name.startswith(TEACHER)}
    _load(student, tensors, checkpoint.path, allowed)


def load_teacher(teacher: nn.Module, checkpoint: Checkpoint, allowed: Allowed) -> None:
    """Take the teacher's weights from a checkpoint's moving average; without one it stays the student's copy.

    Raises:
        WeightsError: the moving average is not one of this network.
    """
    tensors = {
        name.removeprefix(TEACHER): tensor
        for name, tensor in checkpoint.tensors.items()
        if name.startswith(TEACHER)
        and not name.startswith(f"{TEACHER}__")  # `__sq_mom`: statistics, no weights
    }
    if tensors:
        _load(teacher, tensors, checkpoint.path, allowed)
    else:
        LOG.warning("%s holds no moving average: the teacher begins as the student's copy", checkpoint.path)


def _load(module: nn.Module, tensors: dict[str, Tensor], path: Path, allowed: Allowed) -> None:
    own = module.state_dict()
    lacking = [start for start in allowed.lacking if not any(name.startswith(start) for name in tensors)]
    drawn = {name for name in own if name.startswith(tuple(lacking))}
    given = {name: x for name, x in tensors.items() if not name.startswith(tuple(allowed.besides))}
    _check(
        {name: tensor.shape for name, tensor in own.items() if name not in drawn},
        {name: tensor.shape for name, tensor in given.items()},
        path,
    )
    for start in lacking if drawn else ():
        LOG.warning("%s holds no %s: drawn anew from the seed", path, allowed.lacking[start])
    for start, what in allowed.besides.items():
        if any(name.startswith(start) for name in tensors):
            LOG.warning("%s holds a %s, which pre-training has no use for: left out", path, what)
    module.load_state_dict({**own, **given})


def _check(wanted: Mapping[str, torch.Size], got: Mapping[str, torch.Size], path: Path) -> None:
    common = wanted.keys() & got.keys()
    faults = {
        "missing": sorted(wanted.keys() - got.keys()),
        "of no use": sorted(got.keys() - wanted.keys()),
        "of another shape": sorted(name for name in common if wanted[name] != got[name]),
    }
    if not any(faults.values()):
        return
    found = "; ".join(f"{len(names)} {what}: {_some(names, got)}" for what, names in faults.items() if names)
    named = [name for names in faults.values() for name in names if name in wanted]
    raise refused(
        "its tensors are not those of the network",
        got=f"{path.absolute()}: {found}",
        wanted=f"{len(wanted)} tensors{', among them ' + _some(named, wanted) if named else ''}",
    )


def _some(names: Iterable[str], shapes: Mapping[str, torch.Size]) -> str:
    listed = [f"{name} {tuple(shapes[name])}" if name in shapes else name for name in names]
    rest = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + rest
