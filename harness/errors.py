"""What can go wrong, said in one message: what was got, what was wanted, what to do next.

Every error a user can cause derives from `HarnessError`; the command line prints it without a traceback and
leaves with exit code 2. Anything else is a defect of the harness and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HarnessError(Exception):
    """A fault in the input, described so that the reader can mend it.

    Args:
        what: the fact, one sentence without a full stop.
        got: what was found.
        wanted: what would have been right.
        next_step: what to type or to look at next.
    """

    exit_code = 2

    def __init__(
        self, what: str, *, got: object = None, wanted: object = None, next_step: str | None = None
    ) -> None:
        self.what, self.got, self.wanted, self.next_step = what, got, wanted, next_step
        parts = (("got", got), ("wanted", wanted), ("next", next_step))
        lines = [f"  {name}: {value}" for name, value in parts if value is not None]
        super().__init__("\n".join([what, *lines]))

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way back from a worker process, keyword arguments included."""
        return _rebuild, (type(self), self.what, self.got, self.wanted, self.next_step)


def _rebuild(
    kind: type[HarnessError], what: str, got: object, wanted: object, next_step: str | None
) -> HarnessError:
    return kind(what, got=got, wanted=wanted, next_step=next_step)


class ConfigError(HarnessError):
    """A recipe, an override or a command-line argument is wrong."""


class UnknownNameError(ConfigError):
    """Nothing is registered under the name that was asked for."""


class PluginError(HarnessError):
    """A plug-in cannot be loaded, or takes a name that is already taken."""


class CorpusError(HarnessError):
    """The folder is not the corpus it should be, or files in it are missing or damaged."""


class AudioError(HarnessError):
    """A sound file cannot be read, or holds nothing that can be used."""


class WeightsError(HarnessError):
    """Weights are missing, truncated, or belong to another architecture."""


class LabelError(HarnessError):
    """A label that the task does not know."""


class SplitError(HarnessError):
    """A split that cannot be made, or that must not be used."""


class MetricError(HarnessError):
    """A score that is not defined for these inputs."""


class StoreError(HarnessError):
    """The feature store cannot be read or written."""


class ScaleError(HarnessError):
    """Workers that cannot be reached, or that were lost more often than is tolerated."""


class CheckError(HarnessError):
    """An upstream breaks a promise that every upstream has to keep."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest known name as a hint, or the whole list where nothing is near.

    >>> did_you_mean("wavlm_bse", ["wavlm_base", "hubert_base"])
    'did you mean wavlm_base?'
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"one of {', '.join(names) if names else '(none registered)'}"
