"""What travels to a worker, and what happens there."""

from __future__ import annotations

import hashlib
import os
import pickle
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, SupportsBytes

from harness.scale._gpus import Gpus
from harness.scale._limits import limited

FORWARDED = "EMOHARNESS_"
"""Variables of the environment that say where weights and caches lie."""
_ONE_AT_A_TIME = threading.Lock()
"""A Dask worker may have several threads; seeds, threads of torch and the working folder are a process's own."""


@dataclass(frozen=True)
class Packed:
    """What all cells of a stage share, on its way to a worker."""

    token: str
    """Names it: equal tokens, equal contents."""
    content: SupportsBytes = field(compare=False)
    """Where the bytes are to be had in a worker."""

    @classmethod
    def of(cls, value: Any, share: Callable[[bytes], SupportsBytes]) -> Packed:  # noqa: ANN401  the stage's own
        """Pack a value once; modules in it travel by name."""
        import cloudpickle

        packed = cloudpickle.dumps(value)
        return cls(hashlib.sha256(packed).hexdigest(), share(packed))


@dataclass(frozen=True)
class Outcome:
    """What a worker says of a cell."""

    number: int
    value: Any = None
    error: Exception | None = None


@dataclass(frozen=True)
class Lost:
    """What a backend says of a cell whose worker is gone."""

    reason: str

    @classmethod
    def by(cls, error: BaseException) -> Lost:
        """The first sentence of what a library says, which may go on for a page."""
        said = str(error).strip().partition("\n")[0].partition(". ")[0]
        return cls(f"{type(error).__name__}: {said}")


@dataclass(frozen=True, eq=False, repr=False)
class Job:
    """The work on any cell of a stage; no equality, for joblib's backend for Dask wants to hash it."""

    work: Callable[[Any, Any], Any]
    """Takes what is common to all cells, and a cell."""
    token: str
    """Of what is common to all cells."""
    threads: int
    folder: Path
    """Where the command was given: paths may be relative."""
    environment: Mapping[str, str]
    gpus: Gpus | None = None

    def __repr__(self) -> str:
        return "cell"

    def __call__(self, number: int, cell: Any, content: SupportsBytes) -> Outcome:  # noqa: ANN401
        """Work on a cell; an error of the work is an answer like any other, so that no cell disturbs the rest."""
        with _ONE_AT_A_TIME, self._set_up():
            try:
                return Outcome(number, self.work(unpacked(Packed(self.token, content)), cell))
            except Exception as error:
                return Outcome(number, error=_portable(error))

    @contextmanager
    def _set_up(self) -> Iterator[None]:
        if self.gpus is not None:
            self.gpus.take()
        os.environ.update(self.environment)
        with chdir(self.folder) if self.folder.is_dir() else nullcontext(), limited(self.threads):
            yield


def forwarded() -> dict[str, str]:
    """The variables that a worker has to know."""
    return {name: value for name, value in os.environ.items() if name.startswith(FORWARDED)}


@lru_cache(maxsize=1)
def unpacked(packed: Packed) -> Any:  # noqa: ANN401  what the stage put there
    """What all cells of a stage share, once per process: a model that it loads serves all cells."""
    return pickle.loads(bytes(packed.content))  # noqa: S301  packed by the command that this worker serves


def _portable(error: Exception) -> Exception:
    """The error with its trace in words, as one that survives the way back."""
    trace = traceback.format_exc()
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301
    except Exception:
        return RuntimeError(trace)
    error.add_note(f"in a worker:\n{trace}")
    return error
