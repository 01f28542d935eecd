"""How many stores of a calibrated upstream are complete: their names follow from numbers that only it can take."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, replace

from harness.errors import StoreError
from harness.features import Request
from harness.store import Store, StoreKey


def stored_calibrations(request: Request) -> int:
    """Stores of the same corpus, upstream and code that hold everything wanted, whatever the calibration."""
    if request.store is None:
        return 0
    ids = [wave.id for wave in request.waves]
    return sum(not store.missing(ids, request.layers) for store in _relatives(request.store))


def _relatives(store: Store) -> Iterator[Store]:
    """Stores beside this one whose keys differ from its own in the calibration alone."""
    for written in sorted(store.path.parent.glob("*/key.json")):
        with suppress(ValueError, TypeError, OSError, StoreError):
            key = _key(json.loads(written.read_text(encoding="utf-8")))
            if key.calibration and replace(key, calibration={}).name() == store.key.name():
                yield Store(store.path.parent, key)


def _key(facts: dict[str, object]) -> StoreKey:
    known = {item.name for item in fields(StoreKey)}
    return StoreKey(**{name: value for name, value in facts.items() if name in known})  # type: ignore[arg-type]
