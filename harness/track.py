"""MLflow: a parent run per recipe, a child per fold and seed. The only file that imports mlflow.

`MLFLOW_TRACKING_URI` is honoured; without it an SQLite file `mlflow.db` beside the results folder is used, with
the artifacts in `mlartifacts/`. Metrics are written in batches: one at a time costs 6 ms each on SQLite. A
tracking server that cannot be reached costs a warning, never the numbers: record and predictions are on disk
before this module is called.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

from harness.metrics import shown
from harness.record import Record, public_overrides
from harness.shortcuts import best_shortcut, defined, warnings

_LOG = logging.getLogger("harness")
_BATCH = 900
"""MLflow takes at most 1,000 metrics and 100 parameters in one call."""
_PARAM_BATCH = 90
_PARAM_LENGTH = 500


@dataclass(frozen=True, kw_only=True)
class CellLog:
    """What is logged of one fold and seed."""

    fold: str
    seed: int
    scores: Mapping[str, float]
    """metric name -> value in percent."""
    history: Sequence[Mapping[str, float]]
    selected: str


def tracking_uri(results: Path) -> str:
    """The tracking store: the environment's, else an SQLite file beside the results."""
    named = os.environ.get("MLFLOW_TRACKING_URI")
    return named or f"sqlite:///{(results.resolve().parent / 'mlflow.db').as_posix()}"


def log_run(results: Path, record: Record, cells: Iterable[CellLog], artifacts: Sequence[Path]) -> str | None:
    """Log a run with its cells and files; returns the parent's run id, None where tracking failed."""
    try:
        return _log_run(results, record, list(cells), artifacts)
    except Exception as fault:  # whatever a tracking server may throw, the numbers are safe on disk
        _LOG.warning(
            "MLflow did not take this run; record and predictions are on disk\n  got: %s: %s\n  next: check %s, "
            "then run again with force=true",
            type(fault).__name__,
            str(fault).split("\n")[0],
            tracking_uri(results),
        )
        return None


def _log_run(results: Path, record: Record, cells: list[CellLog], artifacts: Sequence[Path]) -> str:
    client = _client(results)
    experiment = _experiment(client, results, record.recipe)
    name = f"{record.recipe} / {record.upstream['name']} / {record.head['name']}"
    parent = client.create_run(experiment, run_name=name, tags=_tags(record)).info.run_id
    _params(client, parent, params_of(record))
    _metrics(client, parent, [*_summary_metrics(record), *_shortcut_metrics(record)])
    for cell in cells:
        _log_cell(client, experiment, parent, cell)
    for path in artifacts:
        client.log_artifact(parent, str(path))
    client.set_terminated(parent)
    return str(parent)


class Curves:
    """A run that is logged while it goes on; a store that cannot be reached costs one warning."""

    def __init__(self, results: Path, name: str, params: Mapping[str, Any], run_id: str | None) -> None:
        """Begin a run, or go on with the one of this id."""
        self._results, self.run_id = results, run_id
        self._client: MlflowClient | None = None
        self._try(lambda: self._begin(name, params))

    def _begin(self, name: str, params: Mapping[str, Any]) -> None:
        self._client = _client(self._results)
        if self.run_id is None:
            experiment = _experiment(self._client, self._results, "pretrain")
            self.run_id = str(self._client.create_run(experiment, run_name=name).info.run_id)
            _params(
                self._client, self.run_id, {key: str(text)[:_PARAM_LENGTH] for key, text in params.items()}
            )
        else:
            self._client.update_run(self.run_id, status="RUNNING")

    def add(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Log rows, each at its `update`."""
        values = [
            (name, value, int(row["update"]))
            for row in rows
            for name, value in row.items()
            if name != "update" and not math.isnan(value)
        ]
        self._try(lambda: _metrics(self._reached(), str(self.run_id), values))

    def end(self, artifacts: Sequence[Path]) -> None:
        """Log the files that explain the run, and close it."""
        for path in artifacts:
            self._try(partial(self._log_file, path))
        self._try(lambda: self._reached().set_terminated(str(self.run_id)))

    def _log_file(self, path: Path) -> None:
        self._reached().log_artifact(str(self.run_id), str(path))

    def _reached(self) -> MlflowClient:
        if self._client is None:
            raise _GivenUpError
        return self._client

    def _try(self, work: Callable[[], object]) -> None:
        try:
            work()
        except _GivenUpError:
            return
        except Exception as fault:  # whatever a tracking server may throw, the run goes on
            self._client = None
            _LOG.warning(
                "MLflow does not take the curves of this run; they are kept in its folder\n  got: %s: %s\n  next: "
                "check %s",
                type(fault).__name__,
                str(fault).split("\n")[0],
                tracking_uri(self._results),
            )


class _GivenUpError(Exception):
    """The tracking store was out of reach before."""


def _client(results: Path) -> MlflowClient:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri(results))


def _experiment(client: MlflowClient, results: Path, name: str) -> str:
    """The experiment of a recipe; made on first use, with the artifacts beside our own SQLite file."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    if os.environ.get("MLFLOW_TRACKING_URI"):
        return str(client.create_experiment(name))
    artifacts = (results.resolve().parent / "mlartifacts" / name).as_uri()
    return str(client.create_experiment(name, artifact_location=artifacts))


def _tags(record: Record) -> dict[str, str]:
    tags = {
        "emoharness.key": record.key,
        "emoharness.fingerprint": str(record.protocol["fingerprint"]),
        "emoharness.ranked": str(record.ranked),
        "emoharness.synthetic": str(record.corpus["synthetic"]),
    }
    best = best_shortcut(record.scores, record.shortcuts)
    if best is not None:
        tags["emoharness.best_shortcut"] = best.title
    notes = [*record.notes, *warnings(record.scores, record.shortcuts)]
    if notes:
        tags["mlflow.note.content"] = "\n".join(notes)
    return tags


def params_of(record: Record) -> dict[str, str]:
    """Flat parameters of a run: recipe, corpus, protocol, upstream, view, head and its settings."""
    flat: dict[str, Any] = {
        "recipe": record.recipe,
        "recipe_version": record.recipe_version,
        "overrides": " ".join(public_overrides(record.overrides)),
        "corpus": record.corpus["name"],
        "protocol": record.protocol["name"],
        "select": record.protocol["select"],
        "upstream": record.upstream["name"],
        "weights": record.upstream["weights"],
        "head": record.head["name"],
        "seeds": record.seeds,
    }
    trained = [facts["name"] for facts in record.corpus.get("trained_on", [])]
    flat |= {"trained_on_corpora": " ".join(trained)} if trained else {}
    flat |= {name: record.adapted[name] for name in ("speakers", "prior") if name in record.adapted}
    flat |= {f"view.{key}": value for key, value in record.view.items()}
    flat |= {f"head.{key}": value for key, value in record.head["settings"].items()}
    return {key: str(value)[:_PARAM_LENGTH] for key, value in flat.items()}


def _params(client: MlflowClient, run: str, values: Mapping[str, str]) -> None:
    from mlflow.entities import Param

    items = [Param(key, value) for key, value in values.items()]
    for start in range(0, len(items), _PARAM_BATCH):
        client.log_batch(run, params=items[start : start + _PARAM_BATCH])


def _summary_metrics(record: Record) -> Iterator[tuple[str, float, int]]:
    for name, score in record.scores["metrics"].items():
        yield name.upper(), shown(score, score["fold_mean"]), 0
        yield f"{name.upper()}_pooled", shown(score, score["pooled"]), 0
        for figure in ("fold_mean", "pooled"):
            limits = score[f"{figure}_interval"]
            for end in ("low", "high"):
                if limits[end] is not None:
                    yield f"{name.upper()}_{figure}_{end}", shown(score, limits[end]), 0


def _shortcut_metrics(record: Record) -> Iterator[tuple[str, float, int]]:
    """`shortcut/majority/wa` and so on, fold means as tables show them; `shortcut/gain/ua` over the best."""
    for name, entry in defined(record.shortcuts).items():
        for metric, score in entry["metrics"].items():
            yield f"shortcut/{name}/{metric}", shown(score, score["fold_mean"]), 0
    best = best_shortcut(record.scores, record.shortcuts)
    if best is not None:
        yield f"shortcut/gain/{best.metric}", shown(record.scores["metrics"][best.metric], best.gain), 0


def _metrics(client: MlflowClient, run: str, values: Iterable[tuple[str, float, int]]) -> None:
    from mlflow.entities import Metric

    stamp = int(time.time() * 1000)
    items: list[Metric] = [Metric(name, float(value), stamp, step) for name, value, step in values]
    for start in range(0, len(items), _BATCH):
        client.log_batch(run, metrics=items[start : start + _BATCH])


def _log_cell(client: MlflowClient, experiment: str, parent: str, cell: CellLog) -> None:
    tags = {"mlflow.parentRunId": parent}
    run = client.create_run(experiment, run_name=f"{cell.fold} seed {cell.seed}", tags=tags).info.run_id
    _params(
        client, run, {"fold": cell.fold, "seed": str(cell.seed), "selected": cell.selected[:_PARAM_LENGTH]}
    )
    scores = [(name.upper(), value, 0) for name, value in cell.scores.items()]
    _metrics(client, run, [*scores, *_curves(cell.history)])
    client.set_terminated(run)


def _curves(history: Sequence[Mapping[str, float]]) -> Iterator[tuple[str, float, int]]:
    """Training curves; NaN is left out, because tracking stores refuse it."""
    for number, row in enumerate(history):
        step = int(row.get("step", row.get("epoch", number)))
        for name, value in row.items():
            if name not in ("step", "epoch") and not math.isnan(value):
                yield f"train_{name}", value, step
