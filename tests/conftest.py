"""Fixtures shared by all tests."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # there is a worker for every core
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line does, before torch is loaded
if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    # Hundreds of tests start a process: each would compile everything that it imports, for half of its time.
    _BYTECODE = tempfile.TemporaryDirectory(prefix="emoharness-bytecode-")
    os.environ["PYTHONPYCACHEPREFIX"] = _BYTECODE.name
_CACHE = tempfile.TemporaryDirectory(prefix="emoharness-tests-")
os.environ["EMOHARNESS_CACHE"] = (
    _CACHE.name
)  # before tests are collected: cards of the user's own models stay out
settings.register_profile("untimed", deadline=None)  # how long an example takes is the machine's affair
settings.load_profile("untimed")
# A shell lets what it runs in the background ignore this signal, and every program that is started from there.
signal.signal(signal.SIGINT, signal.default_int_handler)
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session", autouse=True)
def cache() -> Iterator[Path]:
    """One cache folder for the whole session: no test reads or writes the user's own."""
    folder = Path(_CACHE.name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOHARNESS_CACHE", str(folder))
        patch.delenv("EMOHARNESS_WEIGHTS", raising=False)
        yield folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """Reference data that lies beside the checkout on some machines and is never part of it."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the reference data folder beside the checkout")
    return folder


def _builder(name: str) -> ModuleType:
    """A module of `tests/corpora` that lays out folders; the tests are no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / "corpora" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def iemocap_tree() -> ModuleType:
    """The builder of folders in IEMOCAP's layout."""
    return _builder("iemocap_tree")


@pytest.fixture(scope="session")
def listing_trees() -> ModuleType:
    """The builder of any corpus's folder from the rows of its listing."""
    return _builder("listing_trees")


@pytest.fixture(scope="session")
def listing(shared: Path) -> Callable[[str], list[dict[str, Any]]]:
    """The rows of a listing by corpus name."""

    def rows(name: str) -> list[dict[str, Any]]:
        with gzip.open(
            shared / "reference" / "listings" / f"{name}.jsonl.gz", "rt", encoding="utf-8"
        ) as lines:
            return [json.loads(line) for line in lines]

    return rows
