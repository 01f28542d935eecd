"""The calls that a network file system without a lock daemon refuses, refused by the kernel for this process.

`flock` and `fcntl` locks fail with ENOLCK, as on NFS without lockd; two names cannot be exchanged in one step.
Everything else is the disk's own. A seccomp filter cannot be taken back: install it in a process of its own.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys
from typing import Any, ClassVar

SUPPORTED = sys.platform == "linux" and platform.machine() == "x86_64"
FLOCK, FCNTL, RENAMEAT2 = 73, 72, 316
LOCKING = (6, 7, 37, 38)  # F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW
EXCHANGE = 2
LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
NUMBER, SECOND, FIFTH = 0, 24, 48  # offsets of the call's number and arguments in what a filter sees


def refuse_locks() -> None:
    """From now on, in this process and its children."""
    ways: list[list[tuple[int, int, int, int]]] = [
        _when(FLOCK, [], errno.ENOLCK),
        *(_when(FCNTL, [(LOAD, 0, 0, SECOND), (EQUAL, 0, 1, kind)], errno.ENOLCK) for kind in LOCKING),
        _when(RENAMEAT2, [(LOAD, 0, 0, FIFTH), (ANY_BIT, 0, 1, EXCHANGE)], errno.EINVAL),
        [(RETURN, 0, 0, ALLOW)],
    ]
    packed = b"".join(struct.pack("HBBI", *step) for way in ways for step in way)
    code = ctypes.create_string_buffer(packed)
    program = _Program(len(packed) // 8, ctypes.cast(code, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(program)):
        raise OSError(ctypes.get_errno(), "the kernel takes no filter")


def _when(
    call: int, further: list[tuple[int, int, int, int]], answer: int
) -> list[tuple[int, int, int, int]]:
    """Refuse a call; where `further` says no, go on behind these steps."""
    return [
        (LOAD, 0, 0, NUMBER),
        (EQUAL, 0, len(further) + 1, call),
        *further,
        (RETURN, 0, 0, REFUSE | answer),
    ]


class _Program(ctypes.Structure):
    _fields_: ClassVar[Any] = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
