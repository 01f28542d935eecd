"""A Ray cluster. Each cell is a task of Ray's: it waits for a node with room, and its loss disturbs no other.

Ray's own backend for joblib ties cells to a fixed pool of actors: one that is lost ends the cells of all others, a
pool that has no room for all of its actors waits for ever, and a pool of one is the process that gave the command.
So the backend here hands cells to Ray as tasks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, SupportsBytes

from joblib._parallel_backends import ParallelBackendBase

from harness.config import ScaleConfig
from harness.errors import ScaleError
from harness.scale._address import parsed, require_listener
from harness.scale._job import Lost
from harness.scale._needs import GIB, Needs, cores_here, workers_here

if TYPE_CHECKING:
    from concurrent.futures import Future

    import joblib

PACKAGE = "ray"
ADDRESS = "scale.address=auto or HOST:PORT of the head, on a machine of the cluster"
_SCHEMES = ("",)
_START = (
    "ray start --head on one node, ray start --address=HEAD:6379 on the others; there, scale.address=auto"
)
_OR_ASK = (
    "scale.address=auto on a node of the cluster, or RAY_AUTH_MODE=token where the cluster asks for a token"
)


def is_address(text: str) -> bool:
    """Whether this names a cluster."""
    return text == "auto" or parsed(text, _SCHEMES) is not None


@contextmanager
def opened(settings: ScaleConfig, needs: Needs) -> Iterator[RayWorkers]:
    """A connection for the block, to the cluster at the address, or to one that ends with the block."""
    import ray

    mine = not ray.is_initialized()
    if mine:
        _connect(settings, needs)
    try:
        yield RayWorkers(settings, needs)
    finally:
        if mine:
            ray.shutdown()


def _connect(settings: ScaleConfig, needs: Needs) -> None:
    import ray

    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if settings.address is None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        cpus = max(cores_here(), workers_here(settings, needs) * needs.threads)
        ray.init("local", num_cpus=cpus, include_dashboard=False, **quiet)
        return
    place = parsed(_found() if settings.address == "auto" else settings.address, _SCHEMES)
    if place is not None:
        require_listener(place, "the Ray cluster", _START)
    try:
        ray.init(settings.address, **quiet)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, ray.exceptions.RayError) as fault:
        raise _unreachable(settings.address, str(fault), _OR_ASK) from fault


def _found() -> str:
    """The address of the cluster that this machine belongs to, as Ray finds it."""
    from ray._private.services import get_ray_address_from_environment

    try:
        return str(get_ray_address_from_environment("auto", None))
    except ConnectionError as fault:
        raise _unreachable("auto", str(fault)) from fault


def _unreachable(address: str, reason: str, next_step: str = _START) -> ScaleError:
    return ScaleError(
        "the Ray cluster cannot be reached",
        got=f"scale.address={address}: {reason.strip().partition(chr(10))[0]}",
        wanted=ADDRESS,
        next_step=next_step,
    )


class RayWorkers:
    """See `Workers`."""

    def __init__(self, settings: ScaleConfig, needs: Needs) -> None:
        self.lost: tuple[type[BaseException], ...] = ()
        self.gpus = None
        self._settings, self._needs = settings, needs

    def parallel(self, cells: int) -> joblib.Parallel:
        """All cells are handed to Ray at once, which gives each to a node with room, new ones included."""
        from joblib import Parallel

        _require_room(self._needs)
        at_once = self._settings.workers or max(2, cells)
        return Parallel(
            at_once, backend=_Tasks(self._needs), batch_size=1, pre_dispatch=at_once,
            return_as="generator_unordered",
        )  # fmt: skip

    def share(self, content: bytes) -> SupportsBytes:
        """A reference into Ray's object store."""
        import ray

        return _Referenced(ray.put(content))


class _Referenced:
    """Bytes in Ray's object store."""

    def __init__(self, reference: Any) -> None:  # noqa: ANN401
        self._reference = reference

    def __bytes__(self) -> bytes:
        import ray

        return bytes(ray.get(self._reference))


def _require_room(needs: Needs) -> None:
    """Ray would wait for a node that never comes.

    Raises:
        ScaleError: no node that is alive could ever hold a cell.
    """
    import ray

    wanted = {"CPU": float(needs.threads), "GPU": needs.gpus, "memory": needs.memory_gib * GIB}
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if any(all(node.get(name, 0.0) >= least for name, least in wanted.items()) for node in nodes):
        return
    has = [
        f"{n.get('CPU', 0):g} CPU, {n.get('GPU', 0):g} GPU, {n.get('memory', 0) / GIB:.1f} GiB" for n in nodes
    ]
    raise ScaleError(
        "no node of the Ray cluster has room for a cell",
        got="; ".join(has) or "no node",
        wanted=f"{needs.threads} CPU, {needs.gpus:g} GPU, {needs.memory_gib:.1f} GiB on one node",
        next_step="scale.threads=, scale.gpus= or scale.memory_gib=, or a larger node",
    )


def _called(batch: Callable[[], Any]) -> Any:  # noqa: ANN401  joblib's own
    return batch()


class _Tasks(ParallelBackendBase):  # type: ignore[misc]  # joblib has no types
    """Ray tasks, as joblib asks for them."""

    supports_retrieve_callback = True

    def __init__(self, needs: Needs) -> None:
        import ray

        super().__init__()
        self._references: set[Any] = set()
        self._remote = ray.remote(_called).options(
            num_cpus=needs.threads,
            num_gpus=needs.gpus,
            memory=int(needs.memory_gib * GIB) or None,
            max_retries=0,
        )

    def effective_n_jobs(self, n_jobs: int) -> int:
        """At least two, for joblib would work on the cells of one in this process; Ray knows its room."""
        return max(2, n_jobs)

    def configure(self, n_jobs: int = 1, parallel: Any = None, **_: Any) -> int:  # noqa: ANN401
        """Nothing has to be set up."""
        self.parallel = parallel
        return self.effective_n_jobs(n_jobs)

    def submit(self, func: Callable[[], Any], callback: Callable[[Any], None]) -> Future[Any]:
        """Hand a cell to Ray, and tell joblib when it ends."""
        reference = self._remote.remote(func)
        self._references.add(reference)
        future: Future[Any] = reference.future()

        def ended(done: Future[Any]) -> None:
            self._references.discard(reference)
            error = done.exception()
            callback(done.result() if error is None else _loss_or_error(error))

        future.add_done_callback(ended)
        return future

    def retrieve_result_callback(self, out: Any) -> Any:  # noqa: ANN401
        """What `submit` told joblib."""
        if isinstance(out, BaseException):
            raise out
        return out

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """End what runs and drop what waits."""
        self.terminate()

    def terminate(self) -> None:
        """As `abort_everything`; after a whole round there is nothing left."""
        import ray

        for reference in list(self._references):
            with suppress(ray.exceptions.RayError, ValueError, RuntimeError):
                ray.cancel(reference, force=True)


def _loss_or_error(error: BaseException) -> list[Lost] | BaseException:
    """What Ray says about a worker or a node is a loss; what the task itself raised is not."""
    from ray.exceptions import RayError, RayTaskError

    if isinstance(error, RayError) and not isinstance(error, RayTaskError):
        return [Lost.by(error)]
    return error
