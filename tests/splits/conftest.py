"""A made-up corpus of examples: speakers in pairs, sessions, classes, official lists."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.contracts import Example

CLASSES = ("anger", "joy", "neutral")


def crowd(sessions: int = 5, per_speaker: int = 12, classes: tuple[str, ...] = CLASSES) -> list[Example]:
    """Two speakers per session; every speaker says every class equally often."""
    return [
        Example(
            id=f"s{session}{voice}_{take:03d}",
            utterances=(f"s{session}{voice}_{take:03d}",),
            target=classes[take % len(classes)],
            speaker=f"s{session}{voice}",
            session=str(session),
            split="test" if session == sessions else "train",
            duration_s=1.0 + take / 10,
        )
        for session in range(1, sessions + 1)
        for voice in "ab"
        for take in range(per_speaker)
    ]


@pytest.fixture
def make_crowd() -> Callable[..., list[Example]]:
    return crowd
