"""A Dask cluster, through joblib's backend for it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, SupportsBytes

from harness.config import ScaleConfig
from harness.errors import ScaleError
from harness.scale._address import PATIENCE_S, parsed, require_listener
from harness.scale._job import Lost
from harness.scale._needs import Needs, workers_here

if TYPE_CHECKING:
    from concurrent.futures import Future

    import joblib
    from distributed import Client

PACKAGE = "distributed"
ADDRESS = "scale.address=tcp://HOST:PORT of the scheduler"
_SCHEMES = ("tcp", "tls")
_START = "dask scheduler on one node, dask worker tcp://HOST:8786 --nthreads 1 on the others; scale.address=tcp://HOST:8786"


def is_address(text: str) -> bool:
    """Whether this names a scheduler."""
    return parsed(text, _SCHEMES) is not None


@contextmanager
def opened(settings: ScaleConfig, needs: Needs) -> Iterator[DaskWorkers]:
    """A client for the block, of the scheduler at the address, or of a cluster that ends with the block."""
    from distributed import Client

    with ExitStack() as stack:
        address = settings.address or stack.enter_context(_local(workers_here(settings, needs)))
        place = parsed(address, _SCHEMES)
        if place is not None:
            require_listener(place, "the Dask scheduler", _START)
        try:
            client = stack.enter_context(Client(address, timeout=PATIENCE_S, set_as_default=False))
        except (OSError, ValueError) as fault:
            raise ScaleError(
                "the Dask scheduler cannot be reached",
                got=f"{address}: {fault}",
                wanted=ADDRESS,
                next_step=_START,
            ) from fault
        yield DaskWorkers(client, settings, needs)


@contextmanager
def _local(workers: int) -> Iterator[str]:
    """One thread per process: a cell is alone in its process, and its own threads are set by us."""
    import logging

    from distributed import LocalCluster

    with (
        tempfile.TemporaryDirectory(prefix="emoharness-dask-") as folder,
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=0, local_directory=folder, silence_logs=logging.CRITICAL,
            scheduler_kwargs={"allowed_failures": 0},
        ) as cluster,
    ):  # fmt: skip
        yield str(cluster.scheduler_address)


class DaskWorkers:
    """See `Workers`."""

    def __init__(self, client: Client, settings: ScaleConfig, needs: Needs) -> None:
        from distributed.client import FutureCancelledError

        self.lost: tuple[type[BaseException], ...] = (FutureCancelledError,)
        self.gpus = None
        self._client, self._settings, self._needs = client, settings, needs

    def parallel(self, cells: int) -> joblib.Parallel:
        """All cells are handed to the scheduler at once, unless the user wants so many workers and no more."""
        from joblib import Parallel

        self._require_workers()
        at_once = self._settings.workers or max(2, cells)
        backend = _told_of_losses(self._client, at_once, self._resources())
        return Parallel(
            at_once, backend=backend, batch_size=1, pre_dispatch=at_once, return_as="generator_unordered"
        )

    def _require_workers(self) -> None:
        """Wait a while for the first one.

        Raises:
            ScaleError: the scheduler has none.
        """
        try:
            self._client.wait_for_workers(1, timeout=3 * PATIENCE_S)
        except (TimeoutError, OSError) as fault:
            raise ScaleError(
                "the Dask scheduler has no workers",
                got=str(fault),
                wanted="at least one worker",
                next_step=_START,
            ) from fault

    def _resources(self) -> dict[str, float]:
        """GPUs, where the cluster's workers say that they have any (`dask worker --resources GPU=1`)."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        declared = any("GPU" in worker["resources"] for worker in workers)
        return {"GPU": self._needs.gpus} if declared and self._needs.gpus > 0 else {}

    def share(self, content: bytes) -> SupportsBytes:
        """An array, which joblib's backend sends to each worker once."""
        import numpy as np

        array: Any = np.frombuffer(content, np.uint8)
        return array  # type: ignore[no-any-return]


def _told_of_losses(client: Client, at_once: int, resources: dict[str, float]) -> Any:  # noqa: ANN401
    """Joblib's backend, but for this: it tells joblib nothing of a cell that Dask gives up on."""
    from joblib._dask import DaskDistributedBackend

    class Told(DaskDistributedBackend):  # type: ignore[misc]  # joblib has no types
        """Adds the losses, and a limit to the cells at a time."""

        def submit(self, func: Any, callback: Any = None) -> Any:  # noqa: ANN401
            future = super().submit(func, callback)
            future.add_done_callback(lambda done: _tell(done, callback))
            return future

        def effective_n_jobs(self, n_jobs: int) -> int:
            return max(2, at_once)

        def retrieve_result_callback(self, out: Any) -> Any:  # noqa: ANN401
            return out if isinstance(out, list) else super().retrieve_result_callback(out)

    return Told(client=client, **({"resources": resources} if resources else {}))


def _tell(done: Future[Any], callback: Callable[[Any], None]) -> None:
    """Dask's own errors reach joblib's backend as the error of the future, those of a cell as its result."""
    from distributed.scheduler import KilledWorker, NoValidWorkerError

    error = done.exception()
    if isinstance(error, KilledWorker | NoValidWorkerError):
        callback([Lost.by(error)])
    elif error is not None:
        callback(error)
