"""What every run costs beside its stages: constants, scaled by how long a process takes to start here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from harness.forecast._lines import Line
from harness.study import Study

USUAL_START_S = 4.0
"""Of a new process with torch, pandas and scikit-learn, where the constants were measured: an AMD EPYC, quiet."""
_RECIPE_S = 1.2
"""Hydra and the recipe, beside those."""
_PICTURES_S = 2.6
"""Importing matplotlib and seaborn, one picture, the record."""
_TRACKING_S = 3.6
"""Importing mlflow and writing a run."""
_LEVELS_S_PER_AUDIO_S = 0.0022
"""Decoding and measuring the levels of every utterance, for the shortcuts."""
_SCORING_S_PER_CELL_METRIC = 0.01
"""Bootstrap of the scores and of those of five shortcuts, for 2,000 draws."""
_SLOWEST, _FASTEST = 5.0, 0.5


class Fixed(NamedTuple):
    """A constant, and what it is for."""

    stage: str
    what: str
    seconds: float


def pace_of(start_s: float | None) -> float:
    """How much slower than usual this machine is, by the start of a process; 1 where none was started."""
    return 1.0 if start_s is None else min(max(start_s / USUAL_START_S, _FASTEST), _SLOWEST)


def fixed_lines(study: Study, corpus_s: float, pace: float, *, recorded: bool) -> Iterator[Line]:
    """Start, corpus, shortcuts, scores, record."""
    slower = "" if pace == 1.0 else f", x {pace:.2f} for this machine"
    for part in _parts(study, recorded):
        yield Line(
            stage=part.stage,
            arithmetic=f"{part.what}: {part.seconds:.1f} s{slower}",
            seconds=part.seconds * pace,
            basis="assumed",
        )
    yield Line(
        stage="corpus", arithmetic="reading and checking it once more", seconds=corpus_s, basis="measured"
    )


def _parts(study: Study, recorded: bool) -> Iterator[Fixed]:
    yield Fixed("start", "Python, torch, pandas, scikit-learn, the recipe", USUAL_START_S + _RECIPE_S)
    if recorded:
        return
    audio_s = float(study.manifest.table["duration_s"].sum())
    yield Fixed(
        "shortcuts",
        f"{audio_s:,.0f} s of audio x {_LEVELS_S_PER_AUDIO_S} s per s",
        audio_s * _LEVELS_S_PER_AUDIO_S,
    )
    draws = study.config.resamples / 2000
    cells = len(study.folds.folds) * len(study.config.seeds) * len(study.metrics)
    yield Fixed(
        "score",
        f"{cells} cells x metrics, {study.config.resamples:,} draws",
        cells * draws * _SCORING_S_PER_CELL_METRIC,
    )
    yield Fixed("record", "record and pictures", _PICTURES_S)
    if study.config.track:
        yield Fixed("record", "MLflow", _TRACKING_S)
