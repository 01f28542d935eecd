"""`list`: what there is, read without importing torch; and `corpus check`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from harness import parts, registry
from harness.contracts import Corpus


def _recipes() -> list[tuple[str, str]]:
    paths = {path.stem: path for folder in parts.folders() for path in folder.glob("*.yaml")}
    return [(name, str(parts.read_yaml(paths[name]).get("about", ""))) for name in parts.recipe_names()]


def _pretrainings() -> list[tuple[str, str]]:
    return [(name, str(parts.read_part("pretrain", name)["about"])) for name in parts.part_names("pretrain")]


def _ablations() -> list[tuple[str, str]]:
    tables = {name: parts.read_part("ablation", name)["table"] for name in parts.part_names("ablation")}
    return [(name, f"Table {table['number']}: {table['about']}") for name, table in tables.items()]


def _cards(part: str) -> Callable[[], list[tuple[str, str]]]:
    return lambda: [(name, str(parts.read_part(part, name)["about"])) for name in parts.part_names(part)]


def _modules(kind: str) -> Callable[[], list[tuple[str, str]]]:
    return lambda: [(name, registry.summary(kind, name)) for name in registry.names(kind)]


KINDS: dict[str, Callable[[], list[tuple[str, str]]]] = {
    "recipe": _recipes,
    "upstream": _cards("upstream"),
    "family": _modules("upstreams"),
    "text": _cards("text"),
    "text_family": _modules("texts"),
    "head": _modules("downstreams"),
    "corpus": _modules("corpora"),
    "task": _modules("tasks"),
    "protocol": _modules("splits"),
    "metric": _modules("metrics"),
    "pretrain": _pretrainings,
    "objective": _modules("objectives"),
    "ablation": _ablations,
}
"""What can be listed, and how."""


def catalogue(kinds: Sequence[str]) -> str:
    """A table per kind: name and one line about it."""
    return "\n\n".join(_table(kind, KINDS[kind]()) for kind in kinds)


def _table(kind: str, rows: list[tuple[str, str]]) -> str:
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join(
        [f"{kind} ({len(rows)})", *(f"  {name:<{width}}  {about}".rstrip() for name, about in rows)]
    )


def check_corpus_at(name: str, root: str | None) -> tuple[str, bool]:
    """Compare a copy of a corpus with what is expected; the report, and whether the copy is sound."""
    from harness.corpora import check_corpus
    from harness.progress import progress

    module = cast(Corpus, registry.load("corpora", name))
    with progress(f"checking {name}") as advance:
        report = check_corpus(module, root, advance)
    return "\n".join(report.lines()), report.ok
