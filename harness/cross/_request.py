"""What is to be crossed: directions, upstreams, switches; and each of it as a composed recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import NamedTuple

from harness import config, parts
from harness.config import RunConfig, direction
from harness.errors import ConfigError

RECIPE = "cross_corpus"
ARROWS = (">", "_to_")


class Pair(NamedTuple):
    """One direction."""

    train: tuple[str, ...]
    """In alphabetical order."""
    test: str

    @property
    def name(self) -> str:
        """As the record has it: `emodb_to_urdu`."""
        return direction(self.train, self.test)


class Switches(NamedTuple):
    """One setting of the two switches."""

    speakers: str
    prior: str

    @property
    def words(self) -> list[str]:
        """As overrides of a recipe."""
        return [f"speakers={self.speakers}", f"prior={self.prior}"]

    @property
    def title(self) -> str:
        """`none`, or those that are on."""
        on = [f"{name}={value}" for name, value in self._asdict().items() if value != "none"]
        return ", ".join(on) or "no switch"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A sweep."""

    pairs: tuple[Pair, ...]
    upstreams: tuple[str, ...]
    speakers: tuple[str, ...] = ("none",)
    priors: tuple[str, ...] = ("none",)
    roots: Mapping[str, str] = field(default_factory=dict)
    """Corpus -> folder; not for a corpus that makes its own audio."""
    paths: Mapping[str, str] = field(default_factory=dict)
    """Upstream -> its weights on disk."""
    words: tuple[str, ...] = ()
    """Overrides for every run: `head=NAME`, `seeds=[0,1]`, `task.view=big4`."""
    within: str = ""
    """Recipe for the diagonal, trained and tested within each corpus; empty: none."""
    within_words: tuple[str, ...] = ()
    """Overrides of that recipe alone."""

    @property
    def corpora(self) -> list[str]:
        """Every corpus, those that train first, each once."""
        trained = [name for pair in self.pairs for name in pair.train]
        return list(dict.fromkeys([*trained, *(pair.test for pair in self.pairs)]))

    @property
    def switches(self) -> Iterator[Switches]:
        """Every combination of the switches, in the order in which they were named."""
        return (Switches(speakers, prior) for speakers in self.speakers for prior in self.priors)

    def check(self) -> None:
        """Refuse names that do not exist, before anything is read.

        Raises:
            UnknownNameError: a corpus, an upstream or a recipe is not known.
            ConfigError: a corpus is on both sides, or a root or a path is for something that is not asked for.
        """
        for name in self.corpora:
            parts.require("corpus part", name, parts.part_names("corpus"))
        for name in self.upstreams:
            parts.require("upstream part", name, parts.part_names("upstream"))
        if self.within:
            parts.require("recipe", self.within, parts.recipe_names())
        _refuse_strays("roots", self.roots, self.corpora)
        _refuse_strays("paths", self.paths, self.upstreams)
        for pair in self.pairs:
            if pair.test in pair.train:
                raise _same_side(pair)

    def composed(self, pair: Pair, upstream: str, switches: Switches) -> RunConfig:
        """One run of the sweep.

        Raises:
            ConfigError: a setting cannot be used.
        """
        words = [f"train=[{','.join(pair.train)}]", f"corpus={pair.test}", *self._common(upstream, switches)]
        words += [
            f"roots.{name}={self.roots[name]}" for name in (*pair.train, pair.test) if name in self.roots
        ]
        return config.compose(RECIPE, words)

    def composed_within(self, corpus: str, upstream: str, switches: Switches) -> RunConfig:
        """The diagonal's run of a corpus, before its labels and its head are those of the sweep.

        Raises:
            ConfigError: a setting cannot be used.
        """
        shared = [word for word in self._common(upstream, switches) if not word.startswith(("split", "task"))]
        root = [f"corpus.root={self.roots[corpus]}"] if corpus in self.roots else []
        return config.compose(self.within, [f"corpus={corpus}", *shared, *root, *self.within_words])

    def _common(self, upstream: str, switches: Switches) -> list[str]:
        path = [f"upstream.path={self.paths[upstream]}"] if upstream in self.paths else []
        on = [word for word in switches.words if not word.endswith("=none")]
        return [f"upstream={upstream}", *path, *on, *self.words]


def pairs_of(
    corpora: Sequence[str], pairs: Sequence[str], train: Sequence[str], test: Sequence[str]
) -> tuple[Pair, ...]:
    """The directions that a command names, in one of its three ways.

    Args:
        corpora: every ordered pair of these.
        pairs: `emodb>urdu` or `emodb_to_urdu`, several that train joined by `+`.
        train: all of these train together ...
        test: ... and each of these is tested.

    Raises:
        ConfigError: none of the three, more than one, or something that is no direction.

    >>> [pair.name for pair in pairs_of(["emodb", "urdu"], [], [], [])]
    ['emodb_to_urdu', 'urdu_to_emodb']
    """
    ways = [bool(corpora), bool(pairs), bool(train or test)]
    if sum(ways) != 1 or bool(train) != bool(test) or len(set(corpora)) == 1:
        raise _unclear(corpora, pairs, train, test)
    if corpora:
        return tuple(Pair((one,), other) for one, other in permutations(dict.fromkeys(corpora), 2))
    if pairs:
        return tuple(dict.fromkeys(_pair(text) for text in pairs))
    return tuple(Pair(tuple(sorted(set(train))), name) for name in dict.fromkeys(test))


def _pair(text: str) -> Pair:
    for arrow in ARROWS:
        train, found, test = text.partition(arrow)
        if found and train and test:
            names = train.replace("_and_", "+").split("+")
            return Pair(tuple(sorted({name.strip() for name in names})), test.strip())
    raise ConfigError(
        "a pair is a direction",
        got=text,
        wanted="emodb_to_urdu, or 'emodb>urdu' in quotes; several that train: a+b_to_c",
        next_step="python -m harness cross --help",
    )


def _unclear(*given: Sequence[str]) -> ConfigError:
    names = ("corpora", "pairs", "train", "test")
    told = [f"{name}=[{','.join(values)}]" for name, values in zip(names, given, strict=True) if values]
    return ConfigError(
        "cross needs to know which corpora train and which are tested, in one way",
        got=" ".join(told) or "nothing",
        wanted="corpora=[A,B,...] (every ordered pair), pairs=[A_to_B,...], or train=[A,B] test=C",
        next_step="python -m harness cross corpora=[emodb,urdu] roots.emodb=DIR roots.urdu=DIR upstream=egemaps",
    )


def _same_side(pair: Pair) -> ConfigError:
    return ConfigError(
        "a corpus trains and is tested",
        got=pair.name,
        wanted="two corpora",
        next_step="within=loso puts figures from within each corpus on the diagonal",
    )


def _refuse_strays(what: str, given: Mapping[str, str], asked: Sequence[str]) -> None:
    strays = [name for name in given if name not in asked]
    if strays:
        raise ConfigError(
            f"{what} is given for something that is not asked for",
            got=", ".join(f"{what}.{name}" for name in strays),
            wanted=f"{what}.NAME, NAME one of {', '.join(asked)}",
            next_step=f"take it out, or mend the name of {strays[0]}",
        )
