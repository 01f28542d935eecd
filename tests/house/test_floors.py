"""Who may import whom: downwards only, one file per outside library with state, plug-ins see the contracts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

FLOORS = (
    {"__main__"},
    {"cli"},
    {"tables"},
    {"translate", "sweep", "cross", "figures"},
    {"catalogue", "run", "forecast", "score", "compare", "check", "pretrain", "examine", "corpus_stats"},
    {"cells"},
    {"contexts", "whole"},
    {"features", "baselines"},
    {"study"},
    {"track", "board", "report", "doctor", "portrait", "paired"},
    {"plots"},
    {"extract", "fetch", "fit", "texts", "scaling", "statistics", "record", "audit", "shortcuts"},
    {"corpora", "tasks", "splits", "views", "mapped", "predictions", "metrics", "adapt"},
    {"store", "sketch", "inputs", "engines"},
    {"models", "joint", "costs", "scale"},
    {"config"},
    {"parts"},
    {"registry", "weights", "manifest"},
    {"audio", "paths", "clock", "progress"},
    {"contracts", "errors"},
)
"""Top to bottom; `harness` itself (its version) may be read by all."""

PLUGINS_SEE = {"contracts", "errors"}
CORPORA_SEE = PLUGINS_SEE | {"manifest", "audio", "paths"}
ONLY_IN = {
    "mlflow": {"harness/track.py"},
    "seaborn": {
        "harness/plots/confusion.py",
        "harness/plots/languages.py",
        "harness/plots/matrix.py",
        "harness/plots/training.py",
        "harness/portrait/_pictures.py",
    },
    "s3prl": {"upstreams/s3prl_hub.py"},
    "hydra": {"harness/cli/_recipes.py", "harness/config.py"},
    "opensmile": {"upstreams/_functionals.py"},
}


def _files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def _imports(path: Path) -> Iterator[str]:
    """Dotted names of everything a file imports at run time, type checking blocks left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _room(path: Path) -> str:
    parts = path.relative_to(ROOT / "harness").with_suffix("").parts
    return parts[0]


def _floor(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def _harness_rooms(path: Path) -> set[str]:
    rooms = {name.split(".")[1] for name in _imports(path) if name.startswith("harness.")}
    return rooms - {"__version__"}


@pytest.mark.parametrize("path", _files("harness"), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    """A room imports from lower floors and from its own folder."""
    if path == ROOT / "harness" / "__init__.py":
        return
    here = _room(path)
    above = {room for room in _harness_rooms(path) if room != here and _floor(room) <= _floor(here)}
    assert not above, f"{here} is on floor {_floor(here)} and may not import {above}"


def test_every_room_has_a_floor() -> None:
    """A new module is given its place."""
    rooms = {_room(path) for path in _files("harness")} - {"__init__"}
    assert rooms == set().union(*FLOORS)


@pytest.mark.parametrize("package", ["upstreams", "downstreams"])
def test_plug_ins_see_the_contracts_only(package: str) -> None:
    """A plug-in knows the contracts, the errors, and its own folder."""
    for path in _files(package):
        assert _harness_rooms(path) <= PLUGINS_SEE, path
        others = {
            name for name in _imports(path) if name.split(".")[0] in {"upstreams", "downstreams", "recipes"}
        }
        assert all(name.startswith(package) for name in others), path


def test_corpora_see_little_more() -> None:
    """A corpus module reads files; it knows no task, split or model."""
    for path in _files("harness/corpora"):
        assert _harness_rooms(path) <= CORPORA_SEE | {"corpora"}, path


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_one_file_per_library_with_state(library: str) -> None:
    """What keeps state outside our sight is imported in one place."""
    found = {
        str(path.relative_to(ROOT))
        for package in ("harness", "upstreams", "downstreams")
        for path in _files(package)
        if any(name.split(".")[0] == library for name in _imports(path))
    }
    assert found <= ONLY_IN[library]
    assert found, f"nobody imports {library} any more"


def test_the_harness_names_no_plug_in() -> None:
    """Only the registry loads plug-ins, by string."""
    for path in _files("harness"):
        assert not [name for name in _imports(path) if name.split(".")[0] in {"upstreams", "downstreams"}], (
            path
        )
