"""One row of the board per record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.board._figures import figures, in_order, ranking, shortcut
from harness.board._published import published_for
from harness.record import Record
from harness.shortcuts import inside

if TYPE_CHECKING:
    import pandas as pd

LEAD = ("recipe", "corpus", "rank", "upstream", "head", "view", "seeds")
CLASSES = (
    "WA", "UA", "WF1", "WA interval", "pooled WA", "pooled UA", "pooled WF1", "pooled WA interval",
    "best shortcut (UA)",
)  # fmt: skip
"""Always there; those of scales and shares come where there are such records."""
LAST = ("published WA", "published UA", "published WF1", "published in", "remarks", "record")


def board_table(records: Sequence[Record], published: dict[str, Any]) -> pd.DataFrame:
    """All records as a table, the best first within each recipe and corpus: fold-mean WA, CCC, or JSD.

    Figures are in percent, but for those that are no shares; they are means of the folds, as the papers report
    them. `rank` is empty for a run that looked at its test part, however good it is.
    """
    import pandas as pd

    rows = [_row(record, published) for record in sorted(records, key=_order)]
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row["rank"]:
            counts[row["recipe"], row["corpus"]] += 1
            row["rank"] = str(counts[row["recipe"], row["corpus"]])
    table = pd.DataFrame(rows, columns=in_order(rows, (*LEAD, *CLASSES), LAST))
    texts = [
        name for name in table if str(name).startswith("best shortcut") or str(name).endswith("interval")
    ]
    return table.fillna(dict.fromkeys(texts, ""))


def _order(record: Record) -> tuple[Any, ...]:
    where = (record.recipe, record.corpus["name"], not record.ranked)
    return (*where, ranking(record.scores), record.upstream["name"], record.stem)


def _row(record: Record, published: dict[str, Any]) -> dict[str, Any]:
    printed = published_for(record, published)
    return {
        "recipe": record.recipe,
        "corpus": record.corpus["name"],
        "rank": "ranked" if record.ranked else "",
        "upstream": record.upstream["name"],
        "head": record.head["name"],
        "view": view_name(record.view),
        "seeds": len(record.seeds),
        **figures(record.scores),
        **shortcut(record.scores, record.shortcuts),
        **{f"published {name}": printed.scores.get(name, float("nan")) for name in ("WA", "UA", "WF1")},
        "published in": printed.source,
        "remarks": "; ".join(remarks(record)),
        "record": f"{record.stem}.json",
    }


def view_name(view: dict[str, Any]) -> str:
    """A view in a word: `last`, `layer 2`, `weighted`, `mean_last 4`.

    >>> view_name({"kind": "layer", "layer": 2, "layers": None})
    'layer 2'
    """
    number = view.get("layer") if view["kind"] == "layer" else view.get("layers")
    return view["kind"] if number is None else f"{view['kind']} {number}"


def corpora_of(record: Record) -> list[str]:
    """Every corpus that a record read: those that trained, where they are others, and the tested one."""
    training = record.corpus.get("trained_on", [])
    return [*(facts["name"] for facts in training), record.corpus["name"]]


def adaptation_remarks(record: Record) -> list[str]:
    """Which switches were on, in a few words each."""
    said = []
    if record.adapted.get("speakers") == "zscore":
        said.append("z-scored by speaker (reads the tested audio)")
    if record.adapted.get("prior") == "uniform":
        said.append("class shares corrected to equal ones")
    if record.adapted.get("prior") == "estimated":
        said.append("class shares estimated on the tested audio")
    if not was_corrected(record):
        said.append("outputs not trusted on dev, left uncorrected")
    return said


def was_corrected(record: Record) -> bool:
    """False where label-prior correction was asked for and some training's outputs were left as they were."""
    return all(cell["done"] for cell in record.adapted.get("cells", []))


def remarks(record: Record) -> list[str]:
    """What the row has to say aloud, in a few words each; the record says it in full."""
    said = []
    if record.corpus["synthetic"]:
        said.append("SYNTHETIC audio")
    if record.protocol["shares_speakers_as"]:
        said.append("speakers shared")
    if not record.ranked:
        said.append("selected on test, not ranked")
    if record.protocol["select"] == "last":
        said.append("no selection")
    if record.corpus["dropped"]:
        said.append(f"{sum(record.corpus['dropped'].values())} damaged utterances left out")
    if set(corpora_of(record)) & set(record.upstream["trained_on"]):
        said.append("corpus in the upstream's own training")
    said += adaptation_remarks(record)
    if any(inside(record.scores, record.shortcuts)):
        said.append("a shortcut comes as far")
    return said
