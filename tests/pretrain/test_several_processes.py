"""PyTorch's own launcher: two processes do what one does with the same total batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

SCRIPT = Path(__file__).with_name("toy_pretraining.py")
LAUNCHER = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


def rows(folder: Path) -> list[dict[str, float]]:
    found: list[dict[str, float]] = json.loads((folder / "rows.json").read_text())
    return found


@pytest.fixture(scope="module")
def one_and_two(
    toy: ModuleType, project_root: Path, audio: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """The folders of a run by one process and of the same run by two over gloo."""
    one, two = (tmp_path_factory.mktemp(name) for name in ("one", "two"))
    toy.main(audio, one, [])
    environment = os.environ | {"PYTHONPATH": str(project_root), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *LAUNCHER, str(SCRIPT), str(audio), str(two)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return one, two


def test_the_loss_curve_is_the_same(one_and_two: tuple[Path, Path]) -> None:
    """To 1e-5: gradients are added up in another order."""
    one, two = map(rows, one_and_two)
    assert [row["update"] for row in two] == list(range(1, 8))
    for ours, theirs in zip(one, two, strict=True):
        for name in ours.keys() - {"audio_s_per_s"}:
            assert theirs[name] == pytest.approx(ours[name], rel=1e-5, abs=1e-7), name


def test_the_weights_are_the_same(one_and_two: tuple[Path, Path]) -> None:
    one, two = (torch.load(folder / "weights.pt") for folder in one_and_two)
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, rtol=1e-5, atol=1e-6)


def test_one_goes_on_where_two_stopped(
    toy: ModuleType, one_and_two: tuple[Path, Path], audio: Path, tmp_path: Path
) -> None:
    """A state does not know how many processes wrote it."""
    (tmp_path / "state.pt").write_bytes((one_and_two[1] / "state.pt").read_bytes())
    toy.main(audio, tmp_path, [])
    assert rows(tmp_path) == []
    weights, before = (torch.load(folder / "weights.pt") for folder in (tmp_path, one_and_two[1]))
    assert all(torch.equal(weights[name], before[name]) for name in before)
