"""Processes of this machine: joblib's own backend, loky."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsBytes

from harness.config import ScaleConfig
from harness.scale._gpus import Gpus, names_here
from harness.scale._needs import Needs, workers_here

if TYPE_CHECKING:
    import joblib

PACKAGE = None
ADDRESS = "no scale.address: processes are of this machine"


def is_address(text: str) -> bool:  # noqa: ARG001  every backend is asked
    """Whether this names workers; nothing does."""
    return False


@contextmanager
def opened(settings: ScaleConfig, needs: Needs) -> Iterator[Processes]:
    """Workers for the block; they end with it."""
    with ExitStack() as stack:
        gpus = None
        if needs.gpus > 0:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="emoharness-gpus-"))
            gpus = Gpus(Path(folder), names_here(needs.gpus))
        stack.push(_end)
        yield Processes(workers_here(settings, needs), needs.threads, gpus)


def _end(kind: type[BaseException] | None, *_: object) -> None:
    """Workers that are done go by themselves and clean up; after an error nobody waits for what they are at."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=kind is not None)


class Processes:
    """See `Workers`."""

    def __init__(self, workers: int, threads: int, gpus: Gpus | None) -> None:
        from joblib.externals.loky.process_executor import BrokenProcessPool

        self.lost: tuple[type[BaseException], ...] = (BrokenProcessPool,)
        self.gpus = gpus if gpus is not None and gpus.names else None
        self._workers, self._threads = workers, threads

    def parallel(self, cells: int) -> joblib.Parallel:
        """At least two processes, for joblib would work on the cells of one in this process."""
        from joblib import Parallel, parallel_config

        with parallel_config("loky", inner_max_num_threads=self._threads):
            return Parallel(max(2, min(self._workers, cells)), batch_size=1, return_as="generator_unordered")

    def share(self, content: bytes) -> SupportsBytes:
        """An array, which joblib maps into every process from one file."""
        import numpy as np

        array: Any = np.frombuffer(content, np.uint8)
        return array  # type: ignore[no-any-return]
