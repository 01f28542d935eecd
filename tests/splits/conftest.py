"""A made-up corpus of examples: speakers in pairs, sessions, classes, official lists."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

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
            path=f"Session{session}/s{session}{voice}_{take:03d}.wav",
            dialogue=f"s{session}d{take % 4}",
        )
        for session in range(1, sessions + 1)
        for voice in "ab"
        for take in range(per_speaker)
    ]


@pytest.fixture(scope="session")
def foreign_lists() -> ModuleType:
    """The writers of other projects' files."""
    path = Path(__file__).with_name("foreign_lists.py")
    spec = importlib.util.spec_from_file_location("foreign_lists", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def make_crowd() -> Callable[..., list[Example]]:
    return crowd
