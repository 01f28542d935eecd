"""A small checkpoint on disk, and a cache folder of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import config, models
from harness.contracts import Card


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Card:
    """A card whose weights lie here: a tiny wav2vec 2.0 as transformers writes it."""
    folder = tmp_path_factory.mktemp("small") / "small_wav2vec2"
    small: Any = models.random_upstream(config.card_named("wav2vec2_base"), seed=5)
    small.module.save_pretrained(folder)
    return replace(small.card, name="small_wav2vec2", path=str(folder))


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that holds no graph yet."""
    monkeypatch.setenv("EMOHARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache for the tests of one file, so that a graph is exported once."""
    return tmp_path_factory.mktemp("cache")
