"""Score by layer, from the records of a sweep over `view.layer`."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.board import read_published
from harness.errors import ConfigError
from harness.figures._records import all_records, largest_group, matching, synthetic_first, told, unit
from harness.figures._write import write_figure
from harness.plots import Curve, Published, layer_figure
from harness.record import Record, public_overrides

if TYPE_CHECKING:
    import pandas as pd

BUNDLES = {
    "HUBERT_BASE": "hubert_base", "HUBERT_LARGE": "hubert_large", "WAV2VEC2_BASE": "wav2vec2_base",
    "WAV2VEC2_LARGE": "wav2vec2_large", "WAV2VEC2_LARGE_XLSR": "xlsr_53", "WAV2VEC2_LARGE_XLSR300M": "xls_r_300m",
}  # fmt: skip
"""torchaudio's names, which Decoding Emotions (arXiv 2308.08713) prints its best layers for -> our cards."""
BEST_LAYER = "probe, best layer"
"""How that project's systems on one layer are called."""


def draw_layers(
    results: Path,
    recipe: str,
    upstreams: Sequence[str],
    wanted: Mapping[str, str],
    *,
    metric: str,
    figure: str,
) -> str:
    """Draw the recorded layers of these upstreams, and say how to fill those that lack; returns what to say.

    Args:
        results: folder of the records.
        recipe: whose records.
        upstreams: in order of drawing; empty means all that have a recorded layer.
        wanted: facts that narrow the choice: `corpus`, `select`, `head`.
        metric: what is drawn.
        figure: `fold_mean` or `pooled`.

    Raises:
        ConfigError: no layer is recorded; the message holds the command that does it.
    """
    found = [one for one in all_records(results) if one.recipe == recipe and layer_of(one) is not None]
    found = [one for one in found if not upstreams or one.upstream["name"] in upstreams]
    if not found:
        raise _nothing(recipe, upstreams)
    cell = lambda one: (one.upstream["name"], layer_of(one))  # noqa: E731
    drawn, others = largest_group(matching(found, _facts, wanted), _group, cell)
    curves = {name: _curve(name, ones, metric, figure) for name, ones in _by_upstream(drawn, upstreams)}
    printed = list(_published(drawn, results, metric))
    said = ", ".join(f"{name} {value}" for name, value in _group(drawn[0]))
    title = [*synthetic_first(drawn), f"{recipe}: score by layer ({said})"]
    title += [] if all(one.ranked for one in drawn) else ["the test part selected: never ranked"]
    picture = layer_figure(list(curves.values()), printed, unit(drawn, metric, figure), title)
    notes = [
        *dict.fromkeys(note for one in drawn for note in one.notes),
        *_missing(drawn, upstreams),
        *others,
    ]
    facts = {"title": title[-1], "notes": notes, "records": sorted(one.stem for one in drawn)}
    stem = "--".join(["layers", recipe, drawn[0].corpus["name"], *curves, drawn[0].head["name"], metric])
    return write_figure(stem, picture, _table(curves.values(), printed), facts, results)


def layer_of(one: Record) -> int | None:
    """The one layer that a run read, counted from 0; None where it read several.

    `last` is the last layer by another name; an upstream of one layer has no curve.
    """
    layers = int(one.upstream["layers"])
    if layers < 2 or one.view["kind"] not in ("layer", "last"):
        return None
    return layers - 1 if one.view["kind"] == "last" else int(one.view["layer"])


def _facts(one: Record) -> dict[str, str]:
    return dict(_group(one))


def _group(one: Record) -> list[tuple[str, str]]:
    return [
        ("corpus", str(one.corpus["name"])),
        ("select", str(one.protocol["select"])),
        ("head", str(one.head["name"])),
    ]


def _by_upstream(drawn: Sequence[Record], order: Sequence[str]) -> list[tuple[str, list[Record]]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for one in drawn:
        found[one.upstream["name"]].append(one)
    return [(name, found[name]) for name in (order or sorted(found)) if name in found]


def _curve(name: str, ones: Sequence[Record], metric: str, figure: str) -> Curve:
    rows = sorted((layer_of(one) or 0, *told(one, metric, figure)) for one in ones)
    layers, scores, low, high = zip(*rows, strict=True)
    count = int(ones[0].upstream["layers"])
    return Curve(name=name, layers=layers, scores=scores, low=low, high=high, count=count)


def _missing(drawn: Sequence[Record], upstreams: Sequence[str]) -> Iterator[str]:
    """Layers without a record, each upstream with the one command that fills them."""
    for name, ones in _by_upstream(drawn, upstreams):
        known = {layer_of(one) for one in ones}
        absent = [layer for layer in range(int(ones[0].upstream["layers"])) if layer not in known]
        if absent:
            yield f"{name} has no record of layer {', '.join(map(str, absent))}: {fill_command(ones[0], absent)}"
    for name in upstreams:
        if name not in {one.upstream["name"] for one in drawn}:
            yield f"{name} has no layer in this picture: {_first_command(drawn[0].recipe, name)}"


def fill_command(one: Record, layers: Sequence[int]) -> str:
    """The sweep that records these layers as this record was made; where things lie is for the reader to say."""
    own = [word for word in public_overrides(one.overrides) if not word.lstrip("+").startswith("view")]
    words = [*own, "view=layer", f"view.layer={','.join(map(str, layers))}"]
    named = [word for word in words if word.startswith("upstream=")]
    told_upstream = [] if named else [f"upstream={one.upstream['name']}"]
    root = [] if one.corpus["synthetic"] else ["corpus.root=DIR"]
    start = ["python", "-m", "harness", "run", f"recipe={one.recipe}"]
    return shlex.join([*start, *told_upstream, *words, *root, "-m"])


def _first_command(recipe: str, upstream: str) -> str:
    return f"python -m harness run recipe={recipe} upstream={upstream} view=layer view.layer=0,1,2 -m"


def _nothing(recipe: str, upstreams: Sequence[str]) -> ConfigError:
    return ConfigError(
        "no layer is recorded",
        got=f"recipe={recipe}" + (f" upstream={','.join(upstreams)}" if upstreams else ""),
        wanted="runs with view=layer, of an upstream with several layers",
        next_step=_first_command(recipe, upstreams[0] if upstreams else "NAME"),
    )


def _published(drawn: Sequence[Record], results: Path, metric: str) -> Iterator[Published]:
    """What Decoding Emotions prints for its best layer, beside a recipe of that paper and the same checkpoint."""
    if metric != "wa":
        return
    pairs = {(one.recipe, one.upstream["name"]) for one in drawn}
    rows = [row for row in read_published(results)["records"] if row.get("transformer_layer") is not None]
    for row in rows:
        ours = (f"decoding_{str(row['dataset']).lower()}", BUNDLES.get(str(row.get("bundle")), ""))
        if ours in pairs and str(row["system"]).endswith(BEST_LAYER) and row["metric"] == "accuracy (WA)":
            name = f"published, not ours: {row['system']}"
            yield Published(name=name, layers=(int(row["transformer_layer"]),), scores=(float(row["value"]),))


def _table(curves: Any, printed: Sequence[Published]) -> pd.DataFrame:  # noqa: ANN401
    import pandas as pd

    rows = [
        {"whose": "ours", "name": curve.name, "layer": layer, "score": score, "low": low, "high": high}
        for curve in curves
        for layer, score, low, high in zip(curve.layers, curve.scores, curve.low, curve.high, strict=True)
    ]
    rows += [
        {"whose": "published", "name": one.name, "layer": layer, "score": score, "low": None, "high": None}
        for one in printed
        for layer, score in zip(one.layers, one.scores, strict=True)
    ]
    return pd.DataFrame(rows)
