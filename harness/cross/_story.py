"""From directions to recorded runs: every corpus is read once, a run that cannot be made is told."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from harness.clock import Clock
from harness.config import Part, RunConfig
from harness.cross._request import Pair, Request, Switches
from harness.errors import HarnessError, LabelError
from harness.joint import joined
from harness.manifest import Manifest
from harness.record import Record
from harness.run import carry_out
from harness.study import Study, plan, read_corpus

_LOG = logging.getLogger("harness")


class Row(NamedTuple):
    """One cell of a matrix."""

    train: tuple[str, ...]
    test: str
    switches: Switches
    record: Record

    @property
    def trained_on(self) -> str:
        """The name of the matrix' row."""
        return " + ".join(self.train)


class Crossing(NamedTuple):
    """The whole sweep."""

    request: Request
    rows: tuple[Row, ...]
    left_out: tuple[tuple[str, str], ...]
    """A run and the reason why it has no figure."""


class _Run(NamedTuple):
    """A run that can be carried out."""

    pair: Pair
    switches: Switches
    study: Study


def cross(request: Request) -> Crossing:
    """Carry out every direction with every upstream under every setting of the switches.

    Raises:
        HarnessError: unknown names, a corpus that cannot be read, or not one direction that can be run.
    """
    request.check()
    corpora = _Corpora(request)
    faults: list[tuple[str, HarnessError]] = []
    runs = list(_planned(request, corpora, faults))
    rows = list(_carried_out(runs, faults))
    if not rows:
        raise _nothing(faults)
    rows += _within(request, corpora, rows, faults)
    return Crossing(request, tuple(rows), tuple((name, _reason(fault)) for name, fault in faults))


class _Corpora:
    """The corpora of a sweep, each read when it is first asked for."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._read: dict[str, Manifest] = {}

    def of(self, config: RunConfig) -> Manifest:
        """The manifest that a run is about."""
        if not config.train:
            return self._one(config, config.corpus.name)
        return joined([self._one(config, name) for name in (*config.train, config.corpus.name)])

    def _one(self, config: RunConfig, name: str) -> Manifest:
        if name not in self._read:
            root = self._request.roots.get(name)
            self._read[name] = read_corpus(replace(config.corpus, name=name, root=root))
        return self._read[name]


def _planned(request: Request, corpora: _Corpora, faults: list[tuple[str, HarnessError]]) -> Iterator[_Run]:
    """Every run whose labels and speakers let it be made; a corpus that cannot be read stops the sweep."""
    for upstream in request.upstreams:
        for pair in request.pairs:
            for switches in request.switches:
                composed = request.composed(pair, upstream, switches)
                manifest = corpora.of(composed)
                try:
                    study = plan(composed, manifest)
                except HarnessError as fault:
                    faults.append((_title(pair.name, upstream, switches), fault))
                else:
                    yield _Run(pair, switches, study)


def _carried_out(runs: Sequence[_Run], faults: list[tuple[str, HarnessError]]) -> Iterator[Row]:
    for number, (pair, switches, study) in enumerate(runs, start=1):
        title = _title(pair.name, study.config.upstream.name, switches)
        _LOG.info("run %d of %d: %s", number, len(runs), title)
        try:
            yield Row(pair.train, pair.test, switches, carry_out(study, Clock()))
        except HarnessError as fault:
            faults.append((title, fault))


def _within(
    request: Request, corpora: _Corpora, rows: Sequence[Row], faults: list[tuple[str, HarnessError]]
) -> list[Row]:
    """The diagonal: every corpus by itself, with the labels, head and view of the sweep."""
    found = []
    for upstream in request.upstreams if request.within else ():
        for corpus in request.corpora:
            for switches in request.switches:
                title = _title(f"{request.within} on {corpus}", upstream, switches)
                _LOG.info("diagonal: %s", title)
                try:
                    config = _alike(request, corpus, upstream, switches, rows)
                    record = carry_out(plan(config, corpora.of(config)), Clock())
                except HarnessError as fault:
                    faults.append((title, fault))
                else:
                    found.append(Row((corpus,), corpus, switches, record))
    return found


def _alike(
    request: Request, corpus: str, upstream: str, switches: Switches, rows: Sequence[Row]
) -> RunConfig:
    """A run within a corpus that differs from those between corpora in its protocol alone."""
    config = request.composed_within(corpus, upstream, switches)
    between = request.composed(request.pairs[0], upstream, switches)
    task = _common_task([row for row in rows if row.record.upstream["name"] == upstream] or rows, between)
    classes = [f"task.classes=[{','.join(task.settings['classes'])}]"] if task.settings.get("classes") else []
    overrides = [*config.overrides, *classes]
    return replace(config, task=task, head=between.head, view=between.view, overrides=overrides)


def _common_task(rows: Sequence[Row], between: RunConfig) -> Part:
    """The task over the labels that all directions have in common.

    Raises:
        LabelError: those are fewer than two.
    """
    settings = [dict(row.record.task["settings"]) for row in rows]
    named = [set(one["classes"]) for one in settings if one.get("classes")]
    if not named or "drop" not in settings[0]:
        return between.task
    common = set.intersection(*named)
    if len(common) < 2:
        raise LabelError(
            "the directions have fewer than two labels in common",
            got="; ".join(sorted({", ".join(sorted(one)) for one in named})),
            wanted="labels that every corpus of the list has",
            next_step="choose task.view=big4, or cross fewer corpora",
        )
    merge = {label: target for one in settings for label, target in one["merge"].items() if target in common}
    dropped = {label for one in settings for label in (*one["drop"], *one["classes"])} - common - set(merge)
    classes = [name for name in settings[0]["classes"] if name in common]
    return Part(
        name=between.task.name,
        settings=settings[0] | {"classes": classes, "merge": merge, "drop": sorted(dropped)},
    )


def _title(name: str, upstream: str, switches: Switches) -> str:
    return f"{name}, {upstream}, {switches.title}"


def _reason(fault: HarnessError) -> str:
    """A fault in one line: what, and what was got."""
    got = "" if fault.got is None else f" ({fault.got})"
    return " ".join(f"{fault.what}{got}".split())


def _nothing(faults: Sequence[tuple[str, HarnessError]]) -> HarnessError:
    """The one fault that all have, or all of them."""
    if len({str(fault) for _, fault in faults}) == 1:
        return faults[0][1]
    return HarnessError(
        "no direction can be run",
        got="; ".join(f"{name}: {_reason(fault)}" for name, fault in faults),
        wanted="at least one pair of corpora with two labels in common",
        next_step="choose a view that names labels alike: task.view=big4",
    )
