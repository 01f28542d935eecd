"""All shortcuts over the folds of a run: what each predicts, what it knew, or why it says nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from harness.contracts import Example, Fold, Kind
from harness.predictions import Predictions, concatenate, predictions_of
from harness.shortcuts._cues import Cue
from harness.shortcuts._duration_level import DurationLevel
from harness.shortcuts._identity import Identity

Predict = Callable[[Sequence[Cue]], NDArray[np.float32]]


class Method(Protocol):
    """Learns from the cues and targets of a training part."""

    def fit(self, cues: Sequence[Cue], targets: NDArray[np.float64], kind: Kind) -> Predict:
        """Gives a function from cues to (examples, classes) log shares, or (examples, scales) numbers.

        Args:
            cues: (examples,).
            targets: (examples, classes) shares, 1 for the one class where there is one; or (examples, scales).
            kind: of the targets.
        """
        ...


class Targets(NamedTuple):
    """What is to be predicted."""

    names: tuple[str, ...]
    """Classes, or scales, in the order of the task."""
    kind: Kind = "classes"

    def of(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """(examples, names) shares, 1 for the one class where there is one; or numbers."""
        if self.kind != "classes":
            return np.array([example.values for example in examples], dtype=np.float64)
        index = {name: number for number, name in enumerate(self.names)}
        return np.eye(len(self.names))[[index[example.target] for example in examples]]


class Shortcut(NamedTuple):
    """One way to predict without listening."""

    title: str
    method: Method
    name_of: Callable[[Cue], str] | None = None
    """What has to be known from training for it to say more than the majority; None: nothing."""
    repeats: int = 0
    """How often one name has to occur in the corpus for the shortcut to be defined."""
    otherwise: str = ""
    """What is said where none does."""


SHORTCUTS: Mapping[str, Shortcut] = {
    "majority": Shortcut("majority", Identity(lambda _: "")),
    "duration_level": Shortcut("duration and level", DurationLevel()),
    "speaker": Shortcut(
        "speaker identity",
        Identity(lambda cue: cue.speaker),
        lambda cue: cue.speaker,
        1,
        "the corpus names no speaker",
    ),
    "sentence": Shortcut(
        "sentence identity",
        Identity(lambda cue: cue.sentence),
        lambda cue: cue.sentence,
        2,
        "no two utterances are known to share a sentence",
    ),
}


CONSTANT: Mapping[Kind, str] = {"scales": "training mean", "shares": "mean shares"}
"""What `majority` is called where there is no majority."""


class Guessed(NamedTuple):
    """What a shortcut came to."""

    name: str
    title: str
    undefined: str
    """Why this corpus has nothing to offer to it; empty where it has."""
    known: float | None
    """Share of tested examples whose speaker or sentence occurs in training; None where that is no question."""
    predictions: Predictions | None
    """Of all folds together; None where it is not defined."""


def guess(
    folds: Sequence[Fold],
    examples: Sequence[Example],
    targets: Targets,
    cues: Mapping[str, Cue],
    run: str,
) -> list[Guessed]:
    """What every shortcut predicts for the test parts of these folds, each fitted on the training part.

    Args:
        folds: of the run.
        examples: of the task, at least those in the folds.
        targets: names and kind of what is predicted.
        cues: by the id of an example.
        run: name for the predictions.
    """
    ground = _Ground(tuple(folds), {example.id: example for example in examples}, targets, cues, run)
    return [ground.guessed(name, shortcut) for name, shortcut in SHORTCUTS.items()]


@dataclass(frozen=True)
class _Ground:
    """What all shortcuts of a run share."""

    folds: tuple[Fold, ...]
    examples: Mapping[str, Example]
    targets: Targets
    cues: Mapping[str, Cue]
    run: str

    def guessed(self, name: str, shortcut: Shortcut) -> Guessed:
        title = CONSTANT.get(self.targets.kind, shortcut.title) if name == "majority" else shortcut.title
        if self._most_frequent(shortcut) < shortcut.repeats:
            return Guessed(name, title, shortcut.otherwise, None, None)
        parts = [self._predicted(shortcut.method, fold) for fold in self.folds]
        return Guessed(name, title, "", self._known(shortcut), concatenate(parts))

    def _predicted(self, method: Method, fold: Fold) -> Predictions:
        targets = self.targets.of([self.examples[i] for i in fold.train])
        predict = method.fit([self.cues[i] for i in fold.train], targets, self.targets.kind)
        return predictions_of(
            [self.examples[i] for i in fold.test],
            predict([self.cues[i] for i in fold.test]),
            classes=self.targets.names,
            run=self.run,
            fold=fold.name,
            seed=0,
            kind=self.targets.kind,
        )

    def _most_frequent(self, shortcut: Shortcut) -> int:
        """How often the most frequent name occurs among the examples; the empty name is none."""
        if shortcut.name_of is None:
            return 0
        counts = Counter(shortcut.name_of(self.cues[i]) for i in self.examples)
        return max((count for name, count in counts.items() if name), default=0)

    def _known(self, shortcut: Shortcut) -> float | None:
        if shortcut.name_of is None:
            return None
        hits = tested = 0
        for fold in self.folds:
            trained = {shortcut.name_of(self.cues[i]) for i in fold.train} - {""}
            hits += sum(shortcut.name_of(self.cues[i]) in trained for i in fold.test)
            tested += len(fold.test)
        return round(hits / tested, 4)
