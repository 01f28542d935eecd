"""Which property of an utterance, known alone, tells its label.

Every cue has the same small guesser: the utterances of the training part with the same name (numbers are cut into
up to 16 bins of equal counts) vote for their class. Five-fold cross-validation within the corpus, so nothing is
scored that it has seen; once with random folds, once with folds that share no speaker. UA weighs every class
the same, so that guessing has 1 / classes whatever the balance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.portrait._traits import NO_LABEL

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Classes = NDArray[np.int64]

FOLDS = 5
MOST_BINS = 16
LEAST_PER_BIN = 10
NORMAL_95 = 1.96

NUMBERS = {"level": "level_dbfs", "duration": "duration_s", "silence": "silence_share"}
NAMED = ("speaker", "sentence", "gender", "session")


class CueReport(NamedTuple):
    """What one cue tells; shares from 0 to 1."""

    cue: str
    effect: float
    """Numbers: eta squared, the share of its variance that lies between classes. Names: mutual information with
    the label, adjusted for chance (0 by chance, 1 where each names the other)."""
    effect_name: str
    effect_within_speakers: float
    """Eta squared after each speaker's own mean is taken off; NaN for names and where speakers are unknown."""
    wa: float
    majority: float
    ua: float
    ua_half_width: float
    """Of a 95 % interval as if utterances were independent draws. They are not: the true one is wider."""
    ua_new_speakers: float
    """The same with folds that share no speaker; NaN where that cannot be."""
    chance: float

    @property
    def skill(self) -> float:
        """How far from guessing (0) to knowing (1)."""
        return (self.ua - self.chance) / (1 - self.chance)


class Cues(NamedTuple):
    """All cues of a corpus, the most telling first."""

    reports: tuple[CueReport, ...]
    not_asked: tuple[str, ...]
    """Why a cue or a class is missing."""


def cues_of(traits: pd.DataFrame) -> Cues:
    """Ask every cue; classes with fewer utterances than folds are left out and told."""
    counts = traits.loc[traits["label"] != NO_LABEL, "label"].value_counts()
    small = sorted(counts.index[counts < FOLDS])
    told = [f"class {name} has {counts[name]} utterance(s), fewer than {FOLDS} folds" for name in small]
    asked = traits[traits["label"].isin(counts.index[counts >= FOLDS])].reset_index(drop=True)
    if asked["label"].nunique() < 2:
        return Cues((), (*told, "fewer than two classes are left: there is no label to tell"))
    found, missing = [], []
    for cue in (*NUMBERS, *NAMED):
        values = asked[NUMBERS.get(cue, cue)]
        if values.nunique() < 2:
            missing.append(f"{cue}: the corpus names none, or one alone")
        else:
            found.append(_asked(cue, asked))
    found.sort(key=lambda report: -report.ua)
    return Cues(tuple(found), (*told, *missing))


def _asked(cue: str, traits: pd.DataFrame) -> CueReport:
    import pandas as pd

    truth, classes = pd.factorize(traits["label"], sort=True)
    column = traits[NUMBERS.get(cue, cue)]
    values = column.to_numpy() if cue in NUMBERS else pd.factorize(column)[0]
    binned = cue in NUMBERS
    parts = list(_random_folds(truth))
    plain = _guesses(values, truth, parts, binned=binned, balanced=False)
    fair = _guesses(values, truth, parts, binned=binned, balanced=True)
    recalls, half_width = _recalls(truth, fair)
    return CueReport(
        cue=cue,
        effect=_eta_squared(column, traits["label"]) if binned else _shared_information(values, truth),
        effect_name="eta2" if binned else "AMI",
        effect_within_speakers=_within_speakers(column, traits) if binned else math.nan,
        wa=float((plain == truth).mean()),
        majority=float(traits["label"].value_counts(normalize=True).iloc[0]),
        ua=float(recalls.mean()),
        ua_half_width=half_width,
        ua_new_speakers=_with_new_speakers(cue, values, truth, traits["speaker"]),
        chance=1 / len(classes),
    )


def _random_folds(truth: Classes) -> Iterator[tuple[Classes, Classes]]:
    from sklearn.model_selection import StratifiedKFold

    yield from StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(truth, truth)


def _with_new_speakers(cue: str, values: NDArray[Any], truth: Classes, speakers: pd.Series) -> float:
    from sklearn.model_selection import GroupKFold

    if cue == "speaker" or (speakers == "").any() or speakers.nunique() < FOLDS:
        return math.nan
    folds = list(GroupKFold(FOLDS).split(truth, truth, speakers))
    guesses = _guesses(values, truth, folds, binned=cue in NUMBERS, balanced=True)
    return float(_recalls(truth, guesses)[0].mean())


def _guesses(
    values: NDArray[Any],
    truth: Classes,
    folds: list[tuple[Classes, Classes]],
    *,
    binned: bool,
    balanced: bool,
) -> Classes:
    """The class that every utterance is given by the folds it is not in."""
    import numpy as np

    guessed = np.zeros_like(truth)
    for train, test in folds:
        place: Callable[[NDArray[Any]], Classes] = _bins(values[train]) if binned else _as_it_is
        votes = np.zeros((int(place(values).max()) + 1, int(truth.max()) + 1))
        np.add.at(votes, (place(values[train]), truth[train]), 1.0)
        prior = np.bincount(truth[train], minlength=votes.shape[1]) / len(train)
        votes += prior  # a name that was never heard is given the most frequent class
        guessed[test] = (votes / np.maximum(prior, 1e-12) if balanced else votes)[place(values[test])].argmax(
            1
        )
    return guessed


def _as_it_is(values: NDArray[Any]) -> Classes:
    import numpy as np

    return values.astype(np.int64)


def _bins(train: NDArray[np.float64]) -> Callable[[NDArray[Any]], Classes]:
    import numpy as np

    count = min(MOST_BINS, max(2, len(train) // LEAST_PER_BIN))
    borders = np.unique(np.quantile(train, np.linspace(0, 1, count + 1)[1:-1]))
    return lambda values: np.searchsorted(borders, values, side="right")


def _recalls(truth: Classes, guessed: Classes) -> tuple[NDArray[np.float64], float]:
    """Recall of every class, and the half width of a 95 % interval of their mean."""
    import numpy as np

    counts = np.bincount(truth)
    recalls = np.bincount(truth, weights=guessed == truth) / counts
    error = np.sqrt((recalls * (1 - recalls) / counts).sum()) / len(counts)
    return recalls, float(NORMAL_95 * error)


def _eta_squared(values: pd.Series, labels: pd.Series) -> float:
    """Sum of squares between the classes over the total; 0 where nothing varies."""
    total = float(((values - values.mean()) ** 2).sum())
    between = float(((values.groupby(labels).transform("mean") - values.mean()) ** 2).sum())
    return between / total if total > 0 else 0.0


def _within_speakers(values: pd.Series, traits: pd.DataFrame) -> float:
    if (traits["speaker"] == "").any():
        return math.nan
    return _eta_squared(values - values.groupby(traits["speaker"]).transform("mean"), traits["label"])


def _shared_information(names: Classes, truth: Classes) -> float:
    from sklearn.metrics import adjusted_mutual_info_score

    return float(adjusted_mutual_info_score(truth, names))
