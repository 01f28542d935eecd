"""Large arrays in the cache: written once, block by block, then mapped into the memory of whoever reads them.

A mapped array costs a process the pages that it touches, and the system takes those back when it needs them; two
processes of a machine share them. Files are found again by their names, which say what is in them; one that nobody
has opened for a week goes when another is written.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.paths import remove_unused
from harness.store import claims
from harness.store.faults import explained

if TYPE_CHECKING:
    import torch

UNUSED_S = 7 * 24 * 3600.0
"""Without having been opened, after which a file is in the way."""
POLL_S = 0.2
_PENDING = "pending"
_LOG = logging.getLogger("harness")

Floats = NDArray[np.float32]


def mapped(
    path: Path,
    shape: tuple[int, ...],
    blocks: Callable[[], Iterable[Floats]],
    finish: Callable[[Floats], None] | None = None,
) -> torch.Tensor:
    """The array in a file, to be read only; written first where it is not there.

    Any number of processes may ask for it at once: one of them writes it, the others wait.

    Args:
        path: of the `.npy` file; its name says all that shapes the array.
        shape: of the array.
        blocks: gives its parts along the first axis, in order; asked for only if it has to be written.
        finish: changes the written array in its place, before anybody else sees it.

    Returns:
        float32; what writes into it kills the process.

    Raises:
        StoreError: the disk is full, or may not be written or read.
    """
    size = 4 * prod(shape)
    with explained(path.parent, size):
        if not path.is_file():
            claims.sweep(path.parent / _PENDING)
            remove_unused(path.parent.glob("*.npy"), UNUSED_S)
        while (array := _opened(path, shape)) is None:
            claim = claims.take(path.parent / _PENDING, path.stem)
            if claim is None:
                time.sleep(POLL_S)
                continue
            with claim:
                if _opened(path, shape) is None:
                    _write(path, claim.scratch, shape, blocks, finish)
    return _tensor(array)


def _opened(path: Path, shape: tuple[int, ...]) -> Floats | None:
    """None where it is not there, or is not what it should be."""
    try:
        array: Floats = np.load(path, mmap_mode="r", allow_pickle=False)
    except (FileNotFoundError, ValueError, EOFError):
        return None
    if array.shape != shape or array.dtype != np.float32:
        return None
    with suppress(OSError):
        os.utime(path)
    return array


def _tensor(array: Floats) -> torch.Tensor:
    """Torch warns that it cannot protect what is read-only; whoever gets it is told not to write."""
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable.*", category=UserWarning)
        return torch.from_numpy(array)


def _write(
    path: Path,
    scratch: Path,
    shape: tuple[int, ...],
    blocks: Callable[[], Iterable[Floats]],
    finish: Callable[[Floats], None] | None,
) -> None:
    """Blocks are written and not mapped: a full disk is then an error and no killed process."""
    _LOG.info("%.1f GiB of features are put together in %s", 4 * prod(shape) / 2**30, path.parent)
    temporary = claims.emptied(scratch) / path.name
    with temporary.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks():
            file.write(np.ascontiguousarray(block, "<f4").data.cast("B"))
    if finish is not None:
        array = np.load(temporary, mmap_mode="r+", allow_pickle=False)
        finish(array)
        array.flush()
    temporary.replace(path)
