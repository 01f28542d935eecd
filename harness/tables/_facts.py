"""What shapes a number, of a recipe and of a record, side by side, and where the two differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from harness import config, registry
from harness.config import Part, RunConfig
from harness.record import PLACES, Record
from harness.views import View

SWITCHES = "features"
"""What may be done to features and predictions, beside the parts."""
Facts = dict[str, dict[str, Any]]
"""part -> its name and settings."""


def facts_of_recipe(run: RunConfig) -> Facts:
    """What a composed recipe asks for, with the defaults of its parts filled in."""
    found = {
        "task": _settings("tasks", run.task, "task"),
        "split": _settings("splits", run.split, "split"),
        "view": asdict(config.build(View, run.view, where="view")),
        "head": _settings("downstreams", run.head, "head"),
        SWITCHES: {"speakers": run.speakers, "prior": run.prior},
    }
    return {part: _as_recorded(settings) for part, settings in found.items()}


def _settings(kind: str, part: Part, where: str) -> dict[str, Any]:
    chosen = asdict(config.build(registry.load(kind, part.name).Config, part.settings, where=where))
    return {"name": part.name, **{k: v for k, v in chosen.items() if f"{where}.{k}" not in PLACES}}


def _as_recorded(settings: Mapping[str, Any]) -> dict[str, Any]:
    """As it comes back from a record's JSON, where tuples are lists."""
    return dict(json.loads(json.dumps(settings, default=str)))


def facts_of_record(record: Record) -> Facts:
    """What a record says was done."""
    named = {"task": record.task, "split": record.protocol, "head": record.head}
    found = {part: {"name": facts["name"], **facts["settings"]} for part, facts in named.items()}
    switches = {name: record.adapted.get(name, "none") for name in ("speakers", "prior")}
    return {**found, "view": dict(record.view), SWITCHES: switches}


def differences(wanted: Facts, got: Facts) -> Iterator[str]:
    """Every setting in which two runs differ: `head lda instead of e2v_linear`.

    Settings that only one side knows came with another version of the harness and had no say in the other.
    """
    for part, settings in wanted.items():
        found = got[part]
        if settings.get("name") != found.get("name"):
            yield f"{part} {found['name']} instead of {settings['name']}"
            continue
        for key in settings.keys() & found.keys() - {"name"}:
            if settings[key] != found[key]:
                yield f"{part}.{key} {_text(found[key])} instead of {_text(settings[key])}"


def _text(value: object) -> str:
    return value or "nothing" if isinstance(value, str) else json.dumps(value)
