"""Graphs on disk: exported once, whole or absent, made anew where they are damaged."""

from __future__ import annotations

import gc
import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness import engines
from harness.contracts import Card, Upstream
from harness.engines import alone, computed, relative_error
from harness.engines._cache import UNUSED_S, Place, install, place_of, stored
from harness.errors import AudioError, ConfigError
from harness.models import load_upstream

WAVE = 0.1 * torch.randn(9_731, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def cache_here(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMOHARNESS_CACHE", str(shared_cache))
    return shared_cache


@pytest.fixture
def graph(checkpoint: Card, cache_here: Path) -> Path:
    """The folder of a graph that is whole."""
    engines.load(checkpoint)
    (folder,) = graphs(cache_here)
    return folder


def graphs(cache: Path) -> list[Path]:
    """All that lies beside the lock files: finished graphs, and remains of unfinished ones if any were left."""
    found = (cache / "graphs").iterdir()
    return sorted(path for path in found if path.suffix != ".lock")


def agrees(upstream: Upstream, card: Card) -> bool:
    return relative_error(alone(load_upstream(card), WAVE), alone(upstream, WAVE), 0) <= engines.TOLERANCE


# ------------------------------------------------------------------------------------------------ made once


def test_a_cpu_gets_the_graph_and_a_second_time_the_same(
    checkpoint: Card, cache_here: Path, graph: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = {path: path.stat().st_mtime_ns for path in graph.iterdir()}
    with caplog.at_level(logging.INFO, "harness"):
        upstream = engines.load(checkpoint)
    assert "exporting" not in caplog.text
    assert {path: path.stat().st_mtime_ns for path in graph.iterdir()} == before
    assert upstream.card == checkpoint
    assert agrees(upstream, checkpoint)
    said = computed(upstream)
    assert (said.engine, said.precision, said.device) == ("onnx", "fp32", "cpu")
    assert said.deviation is not None
    assert 0 < said.deviation <= engines.TOLERANCE


def test_facts_say_what_was_measured(graph: Path) -> None:
    facts = json.loads((graph / "facts.json").read_text())
    assert 0 < facts["deviation"] <= engines.TOLERANCE
    assert set(facts["files"]) == {path.name for path in graph.iterdir()} - {"facts.json"}
    assert facts["made_of"]["packages"]["onnxruntime"]
    assert str(Path.home()) not in json.dumps(facts["made_of"])


def test_no_network_of_torch_stays(checkpoint: Card, own_cache: Path) -> None:
    """A weight that only this network has, under any name, is gone once the graph is made."""
    only = load_file(Path(str(checkpoint.path)) / "model.safetensors")["feature_projection.projection.weight"]
    upstream = engines.load(checkpoint)
    gc.collect()
    tensors = [one for one in gc.get_objects() if isinstance(one, torch.Tensor) and one.shape == only.shape]
    alive = [
        one for one in tensors if type(one) in (torch.Tensor, torch.nn.Parameter) and torch.equal(one, only)
    ]
    assert upstream.module is None
    assert len(alive) == 1


def test_what_nobody_has_opened_for_a_month_goes_when_another_is_written(
    checkpoint: Card, own_cache: Path
) -> None:
    engines.load(checkpoint)
    (kept,) = graphs(own_cache)
    unused, killed, recent = (kept.parent / name for name in ("0" * 24, ".new-killed", ".new-recent"))
    shutil.copytree(kept, unused)
    killed.mkdir()
    recent.mkdir()
    for folder in (kept, unused, killed):
        os.utime(folder, (0, time.time() - 2 * UNUSED_S))
    engines.load(checkpoint)
    assert set(graphs(own_cache)) == {kept, unused, killed, recent}
    engines.load(replace(checkpoint, options={**checkpoint.options, "normalise": True}))
    left = set(graphs(own_cache))
    assert {kept, recent} < left
    assert len(left) == 3
    assert not left & {unused, killed}


def test_what_shapes_the_numbers_names_the_graph(checkpoint: Card, tmp_path: Path) -> None:
    """Weights, options and sizes; not where the weights lie, nor what the card is called."""
    place = place_of(checkpoint, "cpu")
    assert place is not None
    moved = shutil.copytree(str(checkpoint.path), tmp_path / "moved")
    assert place_of(replace(checkpoint, path=str(moved), name="other", about="x"), "cpu") == place
    options = {**checkpoint.options, "normalise": True}
    tensors = load_file(moved / "model.safetensors")
    save_file({name: tensor * 1.01 for name, tensor in tensors.items()}, moved / "model.safetensors")
    others = [
        place_of(replace(checkpoint, path=str(moved)), "cpu"),
        place_of(replace(checkpoint, options=options), "cpu"),
        place_of(replace(checkpoint, layers=4), "cpu"),
        place_of(checkpoint, "cuda"),
    ]
    assert len({other.folder for other in others if other} | {place.folder}) == 5


@pytest.mark.parametrize("named", [{"hub_id": ""}, {"hub_id": "house/small", "revision": ""}])
def test_weights_that_nothing_names_have_no_place(named: dict[str, str], checkpoint: Card) -> None:
    assert place_of(replace(checkpoint, path=None, **named), "cpu") is None  # type: ignore[arg-type]
    pinned = replace(checkpoint, path=None, hub_id="house/small", revision="0" * 40)
    assert place_of(pinned, "cpu") is not None


# ------------------------------------------------------------------------------------------------- damage


def truncate(graph: Path) -> None:
    data = next(graph.glob("*.data"))
    data.write_bytes(data.read_bytes()[:-100])


def flip_a_bit(graph: Path) -> None:
    data = next(graph.glob("*.data"))
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)


def lose_the_network(graph: Path) -> None:
    (graph / "graph.onnx").unlink()


def garble_the_facts(graph: Path) -> None:
    (graph / "facts.json").write_text('{"files": ')


def empty_the_facts(graph: Path) -> None:
    (graph / "facts.json").write_text("[]")


@pytest.mark.parametrize(
    "damage", [truncate, flip_a_bit, lose_the_network, garble_the_facts, empty_the_facts]
)
def test_damage_shows(damage: Callable[[Path], None], checkpoint: Card, graph: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(graph, tmp_path / "copy")
    place = Place(copy, {})
    assert stored(place, checkpoint, "cpu") is not None
    damage(copy)
    assert stored(place, checkpoint, "cpu") is None


def test_a_damaged_graph_is_exported_anew(
    checkpoint: Card, cache_here: Path, graph: Path, caplog: pytest.LogCaptureFixture
) -> None:
    flip_a_bit(graph)
    with caplog.at_level(logging.INFO, "harness"):
        upstream = engines.load(checkpoint, engine="onnx")
    told = [line for line in caplog.messages if "damaged" in line or "exporting" in line]
    assert [line.split()[0] for line in told] == ["the", "exporting"]
    assert agrees(upstream, checkpoint)
    assert graphs(cache_here) == [graph]
    caplog.clear()
    with caplog.at_level(logging.INFO, "harness"):
        engines.load(checkpoint)
    assert "damaged" not in caplog.text
    assert "exporting" not in caplog.text


@pytest.mark.parametrize("state", ["absent", "sound", "damaged"])
def test_the_first_to_finish_wins_without_locks(state: str, graph: Path, tmp_path: Path) -> None:
    """A sound folder that another process put there stays; a damaged one gives way."""
    target, late = tmp_path / "graphs" / "name", shutil.copytree(graph, tmp_path / "late")
    (late / "late").touch()
    target.parent.mkdir()
    if state != "absent":
        shutil.copytree(graph, target)
    if state == "damaged":
        truncate(target)
    install(late, target)
    assert (target / "late").exists() == (state != "sound")
    assert list(target.parent.iterdir()) == [target]


LOADS = """
import json, sys, torch
from harness import engines
from harness.contracts import Card
upstream = engines.load(Card(**json.loads(sys.argv[1])), engine="onnx")
wave = torch.sin(torch.arange(5000) / 9)[None]
print(float(upstream.extract(wave, torch.tensor([5000])).states[-1].double().sum()))
"""


def test_processes_that_begin_together(checkpoint: Card, own_cache: Path) -> None:
    """One folder, no remains, the same numbers."""
    words = [sys.executable, "-c", LOADS, json.dumps(asdict(checkpoint))]
    started = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=240)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert said[0] == said[1] != ""
    assert len(graphs(own_cache)) == 1


# ----------------------------------------------------------------------------------- where it is not torch's


@pytest.fixture
def deviant(graph: Path) -> Any:
    """A graph that was measured to lie too far off."""
    path = graph / "facts.json"
    honest = path.read_text()
    path.write_text(json.dumps(json.loads(honest) | {"deviation": 3.7e-3}))
    yield graph
    path.write_text(honest)


def test_auto_falls_back_to_torch_and_says_the_figure(
    checkpoint: Card, deviant: Path, caplog: pytest.LogCaptureFixture
) -> None:
    upstream = engines.load(checkpoint)
    assert computed(upstream).engine == "torch"
    assert "0.0037" in caplog.text
    assert agrees(upstream, checkpoint)


def test_onnx_refuses_it(checkpoint: Card, deviant: Path) -> None:
    with pytest.raises(ConfigError, match=r"(?s)0\.0037.*engine=torch"):
        engines.load(checkpoint, engine="onnx")


def test_a_cache_that_cannot_be_written_costs_the_graph_not_the_run(
    checkpoint: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EMOHARNESS_CACHE", str(tmp_path / "file"))
    assert computed(engines.load(checkpoint)).engine == "torch"
    assert "no graph" in caplog.text


# ------------------------------------------------------------------------------------- what the graph refuses


@pytest.mark.parametrize(("samples", "claimed"), [(399, 399), (5_000, 399), (5_000, 5_001)])
def test_lengths_that_no_utterance_has(checkpoint: Card, graph: Path, samples: int, claimed: int) -> None:
    upstream = engines.load(checkpoint)
    with pytest.raises(AudioError, match=str(claimed)):
        upstream.extract(torch.zeros(1, samples), torch.tensor([claimed]))


def test_what_lies_behind_an_utterance_is_not_read(checkpoint: Card, graph: Path) -> None:
    upstream = engines.load(checkpoint)
    dirty = torch.cat([WAVE, torch.full((3_000,), torch.nan)])[None]
    behind = upstream.extract(dirty, torch.tensor([len(WAVE)]))
    assert relative_error(alone(upstream, WAVE), behind, 0) == 0.0
