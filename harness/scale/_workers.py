"""What a backend gives: workers that are there, as joblib is told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, SupportsBytes

from harness.scale._gpus import Gpus

if TYPE_CHECKING:
    import joblib


class Workers(Protocol):
    """Of one stage."""

    lost: tuple[type[BaseException], ...]
    """Errors of `Parallel` that say that a worker is gone, and nothing about the cell."""
    gpus: Gpus | None
    """To be shared out by the workers themselves, where the backend does not do it."""

    def parallel(self, cells: int) -> joblib.Parallel:
        """A `Parallel` for one round over so many cells, which gives results as they come.

        Raises:
            ScaleError: there are no workers (any more), or none that a cell fits on.
        """
        ...

    def share(self, content: bytes) -> SupportsBytes:
        """Bytes that every cell reads, as what a cell is handed of them."""
        ...
