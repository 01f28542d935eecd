"""The loop: exact resume, accumulation, guards, precisions, signals."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from harness.errors import ConfigError, HarnessError
from harness.pretrain._clips import Clip
from harness.pretrain._config import GuardRule, OptimiserRule
from harness.pretrain._feed import Feed
from harness.pretrain._state import load_state, save_state
from harness.pretrain._stop import stop_signals
from harness.pretrain._train import Trainer

Loop = Callable[..., Any]
NOT_TIMED = ("audio_s_per_s",)


@pytest.fixture
def loop(toy: ModuleType, clips: list[Clip], tmp_path: Path) -> Loop:
    """A context that gives a trainer of the toy; settings of `toy.rules` by name."""

    @contextmanager
    def make(folder: str = "run", **changes: Any) -> Iterator[Trainer]:
        own = {
            name: changes.pop(name) for name in ("objective", "fingerprint", "max_samples") if name in changes
        }
        with Feed(clips, 40_000, 1) as feed:
            yield toy.trainer(clips, feed, tmp_path / folder, toy.rules(**changes), **own)

    return make


def rows_without_time(watcher: Any) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name not in NOT_TIMED} for row in watcher.rows]


def undisturbed(
    loop: Loop, toy: ModuleType, **changes: Any
) -> tuple[dict[str, torch.Tensor], list[dict[str, float]]]:
    with loop("undisturbed", **changes) as trainer:
        watcher = toy.Rows()
        trainer.train(watcher)
        return trainer.module.state_dict(), rows_without_time(watcher)


def same(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("die_at", [1, 2, 3, 4, 5, 6])
def test_a_run_that_dies_at_any_update_goes_on_bit_by_bit(loop: Loop, toy: ModuleType, die_at: int) -> None:
    """Weights, teacher, and every figure of the updates after the saved state."""
    weights, rows = undisturbed(loop, toy)
    with loop() as trainer, pytest.raises(RuntimeError, match="lightning"):
        trainer.train(toy.Rows(die_at=die_at))
    with loop() as trainer:
        done = trainer.resume()
        assert done == die_at - die_at % 3
        watcher = toy.Rows()
        trainer.train(watcher)
    assert same(trainer.module.state_dict(), weights)
    assert rows_without_time(watcher) == rows[done:]
    assert trainer.heard_s > 0


@pytest.mark.parametrize(("die_at", "after"), [(2, [0, 2, 4]), (3, [4]), (5, [4])])
def test_no_milestone_is_passed_over_by_a_run_that_died(
    loop: Loop, toy: ModuleType, die_at: int, after: list[int]
) -> None:
    """States are saved after every third update; what lies behind the saved one comes again."""
    chosen = frozenset({0, 2, 4})
    with loop(milestones=chosen) as trainer, pytest.raises(RuntimeError, match="lightning"):
        trainer.train(toy.Rows(die_at=die_at))
    with loop(milestones=chosen) as trainer:
        trainer.resume()
        watcher = toy.Rows()
        trainer.train(watcher)
    assert watcher.kept == after


def test_what_is_compared_can_differ(loop: Loop, toy: ModuleType) -> None:
    """Another seed gives other weights, or the test above would say nothing."""
    assert not same(undisturbed(loop, toy)[0], undisturbed(loop, toy, seed=4)[0])


def test_a_finished_run_trains_nothing_more(loop: Loop, toy: ModuleType) -> None:
    weights, _ = undisturbed(loop, toy)
    with loop("undisturbed") as trainer:
        assert trainer.resume() == 7
        watcher = toy.Rows()
        trainer.train(watcher)
    assert not watcher.rows
    assert same(trainer.module.state_dict(), weights)


def test_a_state_is_saved_whole_and_at_the_end(loop: Loop, toy: ModuleType, tmp_path: Path) -> None:
    with loop() as trainer:
        watcher = toy.Rows()
        trainer.train(watcher)
    assert watcher.saves == [3, 6, 7]
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["state.pt"]


def test_a_state_that_cannot_be_written_leaves_the_one_before(
    loop: Loop, toy: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with loop() as trainer, pytest.raises(RuntimeError):
        trainer.train(toy.Rows(die_at=4))
    honest = torch.save

    def full(state: Any, path: Path) -> None:
        honest({"half": 1}, path)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with loop() as trainer:
        trainer.resume()
        with pytest.raises(OSError, match="No space"):
            trainer.train(toy.Rows())
    monkeypatch.undo()
    with loop() as trainer:
        assert trainer.resume() == 3
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["state.pt"]


def test_the_state_of_another_run_is_refused(loop: Loop, toy: ModuleType) -> None:
    undisturbed(loop, toy)
    with (
        loop("undisturbed", fingerprint="other") as trainer,
        pytest.raises(HarnessError, match="another run"),
    ):
        trainer.resume()


@pytest.mark.parametrize("damage", [b"", b"no state", None])
def test_a_damaged_state_is_named(tmp_path: Path, damage: bytes | None) -> None:
    save_state(tmp_path, {"fingerprint": "toy", "weights": torch.zeros(1000)})
    path = tmp_path / "state.pt"
    path.write_bytes(path.read_bytes()[:2000] if damage is None else damage)
    with pytest.raises(HarnessError, match="cannot be read") as fault:
        load_state(tmp_path, "toy")
    assert f"delete {path}" in str(fault.value)


def test_micro_batches_add_up_to_one_big_batch(toy: ModuleType, clips: list[Clip], tmp_path: Path) -> None:
    """Without random choices two micro-batches of equal length are one, to float32's rounding."""
    equal = [clips[8]] * 4

    def train(per_update: int, max_samples: int) -> dict[str, torch.Tensor]:
        folder = tmp_path / str(per_update)
        with Feed(equal, 40_000, 1) as feed:
            rules = toy.rules(per_update=per_update)
            objective = toy.ToyObjective(dropout=0.0, share=0.0)
            trainer = toy.trainer(equal, feed, folder, rules, objective=objective, max_samples=max_samples)
            trainer.train(toy.Rows())
        weights: dict[str, torch.Tensor] = trainer.module.state_dict()
        return weights

    one, two = train(1, 4 * clips[8].samples), train(2, 2 * clips[8].samples)
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, rtol=1e-5, atol=1e-6)


def test_half_precision_runs_where_it_can(loop: Loop, toy: ModuleType) -> None:
    """bfloat16 keeps float32 weights and comes near: 8 bits of mantissa, so a hundredth of the loss."""
    exact = undisturbed(loop, toy)[1]
    with loop(precision="bf16") as trainer:
        watcher = toy.Rows()
        trainer.train(watcher)
    assert {weight.dtype for weight in trainer.module.state_dict().values()} == {torch.float32}
    assert watcher.rows[-1]["frame_loss"] == pytest.approx(exact[-1]["frame_loss"], rel=0.05)
    with pytest.raises(ConfigError, match="half precision needs a GPU"), loop(precision="fp16"):
        pass


def test_a_loss_that_stays_not_finite_stops_the_run_and_keeps_the_state(loop: Loop, toy: ModuleType) -> None:
    """From update 4 on; the weights of the saved state are finite, the run stops with one message."""
    objective = toy.ToyObjective(spoil=lambda updates: float("nan") if updates >= 4 else 1.0)
    guard = GuardRule(not_finite=3)
    with (
        loop(objective=objective, guard=guard) as trainer,
        pytest.raises(HarnessError, match="not finite") as fault,
    ):
        trainer.train(toy.Rows())
    assert "3 updates in a row, the last is 7" in str(fault.value)
    assert all(bool(torch.isfinite(weight).all()) for weight in trainer.module.state_dict().values())
    with loop() as trainer:
        assert trainer.resume() == 6
        assert trainer.guards.skipped == 2


def test_one_bad_update_is_passed_over(loop: Loop, toy: ModuleType) -> None:
    objective = toy.ToyObjective(spoil=lambda updates: float("inf") if updates == 2 else 1.0)
    with loop(objective=objective) as trainer:
        watcher = toy.Rows()
        trainer.train(watcher)
    assert [row["skipped"] for row in watcher.rows] == [0, 0, 1, 0, 0, 0, 0]
    assert all(bool(torch.isfinite(weight).all()) for weight in trainer.module.state_dict().values())


@pytest.mark.parametrize("name", ["target_std", "prediction_std"])
def test_a_collapse_stops_the_run_after_the_grace_period(loop: Loop, toy: ModuleType, name: str) -> None:
    guard = GuardRule(after_updates=4, **{"target_std": 0.0, "prediction_std": 0.0, name: 1e3})
    watcher = toy.Rows()
    with loop(guard=guard) as trainer, pytest.raises(HarnessError, match=r"has collapsed") as fault:
        trainer.train(watcher)
    assert f"guard.{name}" in str(fault.value)
    assert len(watcher.rows) == 4
    with loop() as trainer:
        assert trainer.resume() == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_how_to_go_on(
    loop: Loop, toy: ModuleType, number: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    weights, _ = undisturbed(loop, toy)

    class Struck(toy.Rows):  # type: ignore[name-defined,misc]
        def advance(self, done: float, total: float) -> None:
            if done == 5:
                os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    caplog.set_level("INFO", logger="harness")
    with loop() as trainer, stop_signals() as stopped, pytest.raises(KeyboardInterrupt):
        trainer.train(Struck(), stopped)
    assert "stopped after update 5 of 7, which is saved; the same command goes on from there" in caplog.text
    assert signal.getsignal(number) == before
    with loop() as trainer:
        assert trainer.resume() == 5
        trainer.train(toy.Rows())
    assert same(trainer.module.state_dict(), weights)


def test_a_second_signal_stops_at_once() -> None:
    with stop_signals() as stopped:
        assert not stopped()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopped()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)


def test_every_micro_batch_drops_something_else(
    loop: Loop, toy: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dropout has a seed of its own for every update and every micro-batch in it."""
    seeds: list[int] = []
    objective = toy.ToyObjective()
    honest = objective.loss
    monkeypatch.setattr(
        objective, "loss", lambda batch: (seeds.append(torch.initial_seed()), honest(batch))[1]
    )
    with loop(objective=objective) as trainer:
        trainer.train(toy.Rows())
    assert len(set(seeds)) == len(seeds) == 14


def test_gradients_are_cut_at_the_norm_that_is_asked_for(loop: Loop, toy: ModuleType) -> None:
    """With a bound of nearly nothing epsilon dominates, and the weights stay where they were."""
    start = toy.ToyObjective().student.state_dict()
    bounded = OptimiserRule(lr=0.02, updates=7, warmup_updates=2, weight_decay=0.0, eps=1e-2, clip_norm=1e-9)
    free = OptimiserRule(lr=0.02, updates=7, warmup_updates=2, weight_decay=0.0, eps=1e-2)
    moved = {}
    for name, rule in (("bounded", bounded), ("free", free)):
        with loop(name, optimiser=rule) as trainer:
            trainer.train(toy.Rows())
        moved[name] = max(
            float((weight - start[key]).abs().max())
            for key, weight in trainer.module.student.state_dict().items()
        )
    assert moved["bounded"] < 1e-6
    assert moved["free"] > 1e-3
