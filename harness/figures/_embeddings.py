"""Figures of what heads see: one panel per upstream, the numbers under each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contracts import Example, Fold
from harness.errors import ConfigError
from harness.figures._layout import Layout, Request, compose
from harness.figures._numbers import Separation, check_points, coordinates, separation
from harness.figures._vectors import Embedded, chosen_fold, embedded
from harness.figures._write import write_figure
from harness.plots import Panel, embedding_figure
from harness.predictions import predictions_of
from harness.record import run_key
from harness.statistics import Score, score
from harness.study import Study, plan

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """One panel with everything behind it."""

    study: Study
    fold: Fold
    made: Embedded
    labels: tuple[str, ...]
    """Of the drawn utterances, in the order of the points."""
    points: NDArray[np.float64]
    apart: Separation
    head: Score
    """UA of the head on the whole test part."""


def draw_embeddings(request: Request) -> str:
    """Train what is missing, draw, write; returns what to say.

    Raises:
        HarnessError: settings, corpora or weights that cannot be used, or nothing to tell apart.
    """
    layout, configs = compose(request)
    clouds: list[Cloud] = []
    for config in configs.values():
        manifest = clouds[0].study.manifest if clouds else None
        clouds.append(_cloud(plan(config, manifest), layout))
    order = _order(layout, clouds)
    title = _title(layout, clouds)
    picture = embedding_figure([_panel(cloud, layout) for cloud in clouds], order, title)
    facts = {"title": layout.title, **_facts(layout, clouds), "order": order}
    results = Path(clouds[0].study.config.results)
    return write_figure(_stem(request, layout, clouds), picture, _table(layout, clouds), facts, results)


def _cloud(study: Study, layout: Layout) -> Cloud:
    fold = chosen_fold(study, layout.fold)
    examples = study.by_id(fold.test)
    named = _label_of(study, layout)
    rows = [row for row, example in enumerate(examples) if example.target in named]
    labels = tuple(named[examples[row].target] for row in rows)
    check_points(labels, layout.neighbours, study.config.upstream.name)
    made = embedded(study, fold)
    vectors = made.vectors[rows]
    points = coordinates(
        vectors, neighbours=layout.umap_neighbours, min_dist=layout.umap_min_dist, seed=layout.umap_seed
    )
    return Cloud(
        study=study,
        fold=fold,
        made=made,
        labels=labels,
        points=points,
        apart=separation(vectors, points, labels, layout.neighbours),
        head=_ua(study, fold, examples, made),
    )


def _label_of(study: Study, layout: Layout) -> Mapping[str, str]:
    """Class -> what colours it.

    Raises:
        ConfigError: a class is in two groups.
    """
    if layout.groups is None:
        return {name: name for name in study.examples.classes}
    pairs = [(name, group) for group, names in layout.groups.items() for name in names]
    if len(dict(pairs)) < len(pairs):
        raise ConfigError(
            "a class is in two groups of the figure",
            got=str(layout.groups),
            wanted="each class in one group",
            next_step="mend figure.groups",
        )
    return {name: group for name, group in pairs if name in study.examples.classes}


def _ua(study: Study, fold: Fold, examples: Sequence[Example], made: Embedded) -> Score:
    predictions = predictions_of(
        examples,
        made.logits,
        classes=study.examples.classes,
        run=study.cell_key[:24],
        fold=fold.name,
        seed=study.config.seeds[0],
    )
    return score(predictions, metrics=["ua"], resamples=study.config.resamples).metrics["ua"]


def _order(layout: Layout, clouds: Sequence[Cloud]) -> list[str]:
    """The labels in the order of the task or of the layout; those that no panel shows are left out."""
    drawn = {label for cloud in clouds for label in cloud.labels}
    known = list(layout.groups) if layout.groups is not None else list(clouds[0].study.examples.classes)
    return [name for name in known if name in drawn]


def _panel(cloud: Cloud, layout: Layout) -> Panel:
    width, apart = cloud.made.vectors.shape[1], cloud.apart
    return Panel(
        title=cloud.study.config.upstream.name,
        points=cloud.points,
        labels=cloud.labels,
        caption=(
            f"silhouette {apart.silhouette:.3f} ({width}-d)",
            f"silhouette {apart.silhouette_picture:.3f} (picture)",
            f"{layout.neighbours}-NN accuracy {100 * apart.knn:.1f} % ({width}-d)",
            f"UA of the head {100 * cloud.head.pooled:.1f} %",
        ),
    )


def _title(layout: Layout, clouds: Sequence[Cloud]) -> list[str]:
    first = clouds[0]
    examples = first.study.by_id(first.fold.test)
    speakers = len({example.speaker for example in examples})
    where = (
        f"{first.study.manifest.facts.title}, fold {first.fold.name}: {len(first.labels)} test utterances of "
        f"{speakers} speaker{'' if speakers == 1 else 's'}; k-NN leaves one out"
    )
    synthetic = ["SYNTHETIC AUDIO"] if first.study.manifest.facts.synthetic else []
    return [
        *synthetic,
        layout.title,
        where,
        *(note for note in notes_of(clouds) if "SYNTHETIC" not in note),
    ]


def notes_of(clouds: Sequence[Cloud]) -> list[str]:
    """What the studies have to say aloud, each once, and who is not in the picture."""
    said = dict.fromkeys(note for cloud in clouds for note in cloud.study.notes())
    absent = len(clouds[0].fold.test) - len(clouds[0].labels)
    left_out = [f"{absent} test utterances are in no group and not drawn"] if absent else []
    return [*said, *left_out]


def _table(layout: Layout, clouds: Sequence[Cloud]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([_row(cloud, layout) for cloud in clouds])


def _row(cloud: Cloud, layout: Layout) -> dict[str, Any]:
    """Figures in full, for whoever computes on."""
    limits, width = cloud.head.pooled_interval, cloud.made.vectors.shape[1]
    return {
        "upstream": cloud.study.config.upstream.name,
        "utterances": len(cloud.labels),
        "labels": len(set(cloud.labels)),
        f"silhouette ({width}-d)": round(cloud.apart.silhouette, 6),
        "silhouette (picture)": round(cloud.apart.silhouette_picture, 6),
        f"{layout.neighbours}-NN accuracy (%, leave-one-out, {width}-d)": round(100 * cloud.apart.knn, 4),
        "UA of the head (%)": round(100 * cloud.head.pooled, 4),
        "UA low": None if limits.low is None else round(100 * limits.low, 4),
        "UA high": None if limits.high is None else round(100 * limits.high, 4),
        "selected": cloud.made.selected,
    }


def _facts(layout: Layout, clouds: Sequence[Cloud]) -> dict[str, Any]:
    study, fold = clouds[0].study, clouds[0].fold
    return {
        "corpus": {"name": study.manifest.facts.name, "content": study.manifest.content_hash()},
        "protocol": {"name": study.split.name, "settings": asdict(study.split.settings)}
        | {"fingerprint": study.folds.fingerprint, "fold": fold.name}
        | {part: len(getattr(fold, part)) for part in ("train", "dev", "test")},
        "head": study.head.identity,
        "seed": study.config.seeds[0],
        "layout": asdict(layout),
        "upstreams": [cloud.study.upstream_identity for cloud in clouds],
        "interval": clouds[0].head.pooled_interval.note,
        "notes": notes_of(clouds),
        "points_sha256": {cloud.study.config.upstream.name: _digest(cloud.points) for cloud in clouds},
    }


def _digest(points: NDArray[np.float64]) -> str:
    return hashlib.sha256(points.tobytes()).hexdigest()


def _stem(request: Request, layout: Layout, clouds: Sequence[Cloud]) -> str:
    """`emotion2vec-5--emodb--1a2b3c4d`: the figure, the corpus, and a hash of all that shapes the picture."""
    keys = [cloud.study.cell_key for cloud in clouds]
    shaping = {"cells": keys, "seed": clouds[0].study.config.seeds, "layout": asdict(layout)}
    corpus = clouds[0].study.manifest.facts.name
    return f"{request.name.replace('/', '-')}--{corpus}--{run_key(shaping)[:8]}"
