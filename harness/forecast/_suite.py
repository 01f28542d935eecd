"""A suite: many corpora whose sizes are known and whose audio need not be here, under one head."""

from __future__ import annotations

from dataclasses import dataclass

from harness import parts
from harness.config import build
from harness.errors import ConfigError

FOLDER = "suite"
ONE_FOLD_TRAINS = 0.75
"""Share of a corpus that trains where it has a single fold."""


@dataclass(frozen=True, kw_only=True)
class SuiteHead:
    """Linear -> ReLU -> mean over frames -> Linear, as in `downstreams/e2v_linear.py`."""

    hidden_dim: int
    epochs: int
    layers: int
    """Layers whose frames are kept."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """`recipes/suite/<name>.yaml`."""

    name: str
    about: str
    source: str
    upstreams: list[str]
    head: SuiteHead
    corpora: dict[str, list[float]]
    """Corpus -> utterances, hours, folds."""

    def sizes(self) -> list[CorpusSize]:
        """The corpora one by one."""
        return [CorpusSize(name, int(row[0]), row[1], int(row[2])) for name, row in self.corpora.items()]


@dataclass(frozen=True)
class CorpusSize:
    """What a plan needs of a corpus."""

    name: str
    utterances: int
    hours: float
    folds: int

    @property
    def clip_s(self) -> float:
        """Mean length of an utterance."""
        return self.hours * 3600 / self.utterances

    @property
    def trains(self) -> float:
        """Share of it that trains in a fold."""
        return (self.folds - 1) / self.folds if self.folds > 1 else ONE_FOLD_TRAINS


def read_suite(name: str) -> Suite:
    """The suite of that name.

    Raises:
        UnknownNameError: there is none.
        ConfigError: its file is not what it should be.
    """
    found = {
        path.stem: path for folder in reversed(parts.folders()) for path in (folder / FOLDER).glob("*.yaml")
    }
    parts.require("suite", name, list(found))
    suite = build(Suite, parts.read_yaml(found[name]), where=f"suite {name}")
    wrong = [corpus for corpus, row in suite.corpora.items() if len(row) != 3 or not min(row) > 0]
    if wrong:
        raise ConfigError(
            f"suite {name} does not state the sizes of {', '.join(wrong)}",
            got=str(suite.corpora[wrong[0]]),
            wanted="[utterances, hours, folds], all above 0",
            next_step=f"mend {found[name].name}",
        )
    return suite
