"""From a corpus and an upstream to one row per protocol: plan all, run each different one once."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import NamedTuple

from harness.clock import Clock
from harness.errors import HarnessError
from harness.manifest import Manifest
from harness.record import Record
from harness.run import carry_out
from harness.study import Study, plan, read_manifest
from harness.translate._protocols import Candidate, Request, candidates, reason_of

_LOG = logging.getLogger("harness")


class Row(NamedTuple):
    """One protocol and its score."""

    recipes: tuple[str, ...]
    """All recipes that come to this very protocol; the first one was run."""
    record: Record
    tested: str
    """Names what is tested: a hash of the tested ids and their targets."""


class Translation(NamedTuple):
    """The whole table."""

    request: Request
    rows: tuple[Row, ...]
    left_out: tuple[tuple[str, str], ...]
    """Recipe and the reason why it has no row."""


class _Planned(NamedTuple):
    recipes: list[str]
    study: Study


def translate(request: Request) -> Translation:
    """Score one set of features under all protocols; what cannot be cut is listed, the others go on.

    Raises:
        HarnessError: unknown names, a corpus that cannot be read, or no protocol at all that can be cut.
    """
    found = candidates(request)
    left_out = [(one.recipe, one.reason) for one in found if one.config is None]
    planned = _plan_all(found, left_out)
    rows = _run_all(planned, left_out)
    if not rows:
        raise HarnessError(
            f"no protocol can be cut on this copy of {request.corpus}",
            got="; ".join(f"{recipe}: {reason}" for recipe, reason in left_out),
            wanted="at least one protocol with two classes and enough speakers",
            next_step=f"python -m harness corpus check {request.corpus} root=DIR",
        )
    return Translation(request, tuple(rows), tuple(left_out))


def _plan_all(found: Sequence[Candidate], left_out: list[tuple[str, str]]) -> list[_Planned]:
    """Studies in the order of the recipes, those with the same folds, task and selection as one."""
    by_key: dict[str, _Planned] = {}
    manifest: Manifest | None = None
    for recipe, config, _ in found:
        if config is None:
            continue
        manifest = manifest or read_manifest(config)
        try:
            study = plan(config, manifest)
        except HarnessError as fault:
            left_out.append((recipe, reason_of(fault)))
            continue
        if study.examples.kind != "classes":
            left_out.append((recipe, f"its targets are {study.examples.kind}, no classes"))
            continue
        by_key.setdefault(study.cell_key, _Planned([], study)).recipes.append(recipe)
    return list(by_key.values())


def _run_all(planned: Sequence[_Planned], left_out: list[tuple[str, str]]) -> list[Row]:
    """The largest first, so that the model is loaded once and the others find their features stored."""
    records: dict[str, Record] = {}
    by_size = sorted(planned, key=lambda one: -len(one.study.examples.examples))
    for number, (recipes, study) in enumerate(by_size, start=1):
        _LOG.info("protocol %d of %d: %s", number, len(by_size), ", ".join(recipes))
        try:
            records[study.cell_key] = carry_out(study, Clock())
        except HarnessError as fault:
            left_out += [(recipe, reason_of(fault)) for recipe in recipes]
    kept = [one for one in planned if one.study.cell_key in records]
    return [Row(tuple(one.recipes), records[one.study.cell_key], tested_hash(one.study)) for one in kept]


def tested_hash(study: Study) -> str:
    """Names the questions of a protocol: two with the same hash are asked to tell the same examples apart alike.

    A class is named by its first example, because protocols spell the same class in different ways.
    """
    tested = sorted({i for fold in study.folds.folds for i in fold.test})
    firsts: dict[str, str] = {}
    lines = [f"{one.id}\t{firsts.setdefault(one.target, one.id)}" for one in study.by_id(tested)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
