"""How many cores the libraries of a process take, for as long as a cell lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Hold torch, BLAS and OpenMP to so many threads inside the block."""
    import scipy.linalg  # noqa: F401  it brings a BLAS of its own, which can be held back only once it is loaded
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield
    finally:
        torch.set_num_threads(before)
