"""`score`: predictions first, scores later. Re-scores stored predictions without the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness import record
from harness.config import HEADLINE_METRICS
from harness.errors import ConfigError
from harness.predictions import read_predictions
from harness.report import score_lines, shortcut_lines
from harness.statistics import score


def score_files(
    paths: Sequence[Path],
    *,
    metrics: Sequence[str] | str | None = None,
    resamples: int = 2000,
    results: str = "results",
    recipe: str | None = None,
) -> str:
    """The score tables of predictions files.

    Args:
        paths: parquet files; none means those under `results/predictions`.
        metrics: names; None means those that the kind of target is usually scored by.
        resamples: bootstrap draws behind every interval.
        results: the results folder.
        recipe: only the predictions of this recipe.

    Raises:
        HarnessError: no predictions there, or a file that holds none.
    """
    asked = [metrics] if isinstance(metrics, str) else metrics
    tables = []
    for path in list(paths) or _stored(Path(results), recipe):
        predictions = read_predictions(path)
        chosen = asked or HEADLINE_METRICS[predictions.kind]
        scores = score(predictions, metrics=chosen, resamples=int(resamples))
        plain = asdict(scores)
        tables.append("\n".join([path.stem, *score_lines(plain), *_beside(path, plain)]))
    return "\n\n".join(tables)


def _beside(path: Path, scores: dict[str, Any]) -> list[str]:
    """What the run's record says of the shortcuts, where the file lies in a results folder with its record."""
    kept = path.parent.parent / "records" / f"{path.stem}.json"
    shortcuts = record.load(kept).shortcuts if kept.is_file() else {}
    return ["", *shortcut_lines(scores, shortcuts)] if shortcuts else []


def _stored(results: Path, recipe: str | None) -> list[Path]:
    found = sorted((results / "predictions").glob(f"{recipe or '*'}--*.parquet"))
    if not found:
        raise ConfigError(
            "there are no predictions to score",
            got=f"nothing under {results / 'predictions'}" + (f" for {recipe}" if recipe else ""),
            wanted="the predictions of a run",
            next_step=f"python -m harness run recipe={recipe or 'synthetic_5fold'}",
        )
    return found
