"""A pre-training over its updates: the losses of its history, and recorded runs of its milestones."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import ConfigError
from harness.figures._records import all_records, largest_group, synthetic_first, told, unit
from harness.figures._write import write_figure
from harness.plots import Probe, milestone_figure
from harness.record import Record

if TYPE_CHECKING:
    import pandas as pd

TRAINED = ("frame_loss", "target_std", "prediction_std")
"""Columns of the history that stand beside a probe's score."""


def draw_milestones(
    model: str, recipes: Sequence[str], results: Path, *, metric: str = "ua", figure: str = "fold_mean"
) -> str:
    """Draw a pre-trained model over its updates; returns what to say.

    Args:
        model: its name, as `pretrain` gave it.
        recipes: of the evaluations; empty means all that are recorded.
        results: folder that holds the model and the records.
        metric: what is drawn of the evaluations.
        figure: `fold_mean` or `pooled`.

    Raises:
        ConfigError: no such model, or none of its milestones is evaluated; the message holds the command.
    """
    folder = results / "pretrained" / model
    history = _history(folder, model)
    last = int(history[-1]["update"])
    mine = {one.stem: at for one in all_records(results) if (at := _updates(one, model, last)) is not None}
    chosen = [
        one for one in all_records(results) if one.stem in mine and (not recipes or one.recipe in recipes)
    ]
    if not chosen:
        raise _nothing(folder, model, recipes)
    groups = [largest_group(ones, _alike, lambda one: mine[one.stem]) for ones in _by_recipe(chosen, recipes)]
    probes = [_probe(drawn, mine, metric, figure) for drawn, _ in groups]
    drawn = [one for ones, _ in groups for one in ones]
    title = [*synthetic_first(drawn), f"{model}: what it learns, and what a probe reads from it"]
    notes = [*dict.fromkeys(note.replace(one.upstream["name"], model) for one in drawn for note in one.notes)]
    notes += [note for _, others in groups for note in others]
    facts = {"title": title[-1], "notes": notes, "records": sorted(one.stem for one in drawn)}
    picture = milestone_figure(history, probes, unit(drawn, metric, figure), title)
    return write_figure(f"pretraining--{model}--{metric}", picture, _table(probes, history), facts, results)


def _history(folder: Path, model: str) -> list[dict[str, float]]:
    path = folder / "history.csv"
    if not path.is_file():
        known = sorted(one.parent.name for one in folder.parent.glob("*/history.csv"))
        raise ConfigError(
            "there is no such pre-trained model",
            got=model or "no model=NAME",
            wanted=f"one of {', '.join(known)}" if known else f"a model under {folder.parent}",
            next_step="python -m harness pretrain --help",
        )
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            {name: float(value) for name, value in row.items() if value} for row in csv.DictReader(stream)
        ]


def _updates(one: Record, model: str, last: int) -> int | None:
    """The milestone that a record evaluates; None for another upstream's."""
    name = str(one.upstream["name"])
    found = re.fullmatch(rf"{re.escape(model)}_at_(\d+)", name)
    return int(found[1]) if found else last if name == model else None


def _by_recipe(found: Sequence[Record], order: Sequence[str]) -> Iterator[list[Record]]:
    for recipe in order or sorted({one.recipe for one in found}):
        ones = [one for one in found if one.recipe == recipe]
        if ones:
            yield ones


def _alike(one: Record) -> list[tuple[str, str]]:
    return [
        ("corpus", str(one.corpus["name"])),
        ("head", str(one.head["name"])),
        ("view", str(one.view["kind"])),
    ]


def _probe(drawn: Sequence[Record], updates: dict[str, int], metric: str, figure: str) -> Probe:
    nothing = float("nan")
    rows = sorted((updates[one.stem], *told(one, metric, figure)) for one in drawn)
    return Probe(
        name=_name(drawn[0]),
        updates=tuple(row[0] for row in rows),
        scores=tuple(row[1] for row in rows),
        low=tuple(nothing if row[2] is None else row[2] for row in rows),
        high=tuple(nothing if row[3] is None else row[3] for row in rows),
    )


def _name(one: Record) -> str:
    """The recipe, with the corpus where one that is for any corpus does not say it."""
    corpus = str(one.corpus["name"])
    return f"{one.recipe}, {one.head['name']}" + ("" if corpus in one.recipe else f" on {corpus}")


def _table(probes: Sequence[Probe], history: Sequence[dict[str, float]]) -> pd.DataFrame:
    """One line per milestone and probe, with the row of the history that is next to it."""
    import pandas as pd

    rows = []
    for probe in probes:
        for at, score, low, high in zip(probe.updates, probe.scores, probe.low, probe.high, strict=True):
            near = min(history, key=lambda row: abs(row["update"] - max(at, 1)))
            trained = {
                name: near.get(name, float("nan")) for name in ("frame_loss", "target_std", "prediction_std")
            }
            rows.append(
                {"updates": at, "probe": probe.name, "score": score, "low": low, "high": high, **trained}
            )
    return pd.DataFrame(rows)


def _nothing(folder: Path, model: str, recipes: Sequence[str]) -> ConfigError:
    kept = sorted(int(one.name) for one in (folder / "milestones").glob("*"))
    names = ",".join([*(f"{model}_at_{number}" for number in kept), model])
    recipe = recipes[0] if recipes else "NAME"
    return ConfigError(
        f"no milestone of {model} is evaluated",
        got=f"recipe={','.join(recipes)}" if recipes else "no record of it",
        wanted="recorded runs of the models that were kept on its way",
        next_step=f"python -m harness run recipe={recipe} upstream={names} corpus.root=DIR -m",
    )
