"""What every task gives: examples, the order of the classes, and a count of what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.contracts import Example, Kind


@dataclass(frozen=True, kw_only=True)
class TaskExamples:
    """The answer of a task's `examples`."""

    examples: tuple[Example, ...]
    """In manifest order."""
    classes: tuple[str, ...]
    """In the order of the logits: classes, or the names of the scales."""
    kind: Kind = "classes"
    dropped: Mapping[str, int]
    """Manifest rows that are no example, per canonical label; with the examples they make up the manifest."""
