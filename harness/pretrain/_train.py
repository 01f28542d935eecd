"""The loop: micro-batches to gradients, gradients of all processes to one step, the teacher after it.

Every random choice of a micro-batch comes from the seed, the update and the micro-batch's number. So a run that
was killed goes on bit by bit as if it had not been, and two processes do what one does with all the micro-batches.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from harness.contracts import Objective
from harness.errors import ConfigError
from harness.pretrain._batches import Order
from harness.pretrain._clips import RATE_HZ
from harness.pretrain._config import GuardRule, OptimiserRule
from harness.pretrain._feed import Fed, Feed, Wanted
from harness.pretrain._guards import Guards
from harness.pretrain._optimiser import optimiser, set_step
from harness.pretrain._state import load_state, save_state
from harness.pretrain._team import Team

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_LOG = logging.getLogger("harness")


class Watcher(Protocol):
    """Told how a run goes on; only the process that leads tells."""

    def row(self, figures: Mapping[str, float]) -> None:
        """A row of the history: update, epoch, lr, frame_loss, target_std, ..., audio_s_per_s."""

    def saved(self, updates: int) -> None:
        """The state after this many updates is on disk; the run never goes back behind it."""

    def milestone(self, updates: int) -> None:
        """The model after this many updates is one to keep."""

    def advance(self, done: float, total: float) -> None:
        """Told after every update."""


class Rules(NamedTuple):
    """The settings that a loop needs; `optimiser` counts in updates."""

    seed: int
    per_update: int
    optimiser: OptimiserRule
    guard: GuardRule
    precision: str
    log_every: int
    save_every: int
    milestones: frozenset[int] = frozenset()
    """Updates after which the watcher is told to keep the model."""


class Run(NamedTuple):
    """Everything that a loop works on."""

    rules: Rules
    objective: Objective
    order: Order
    feed: Feed
    team: Team
    folder: Path
    """Of the saved state."""
    fingerprint: str


class Trainer:
    """One process's part of a run."""

    def __init__(self, run: Run) -> None:
        import torch

        self.run, self.rules, self.team = run, run.rules, run.team
        self._kind = run.team.device.partition(":")[0]
        _check_precision(run.rules.precision, self._kind)
        self.module: torch.nn.Module = run.objective.to(run.team.device).train()  # type: ignore[attr-defined]
        self.weights = [weight for _, weight in run.objective.trained()]
        self.optimiser = optimiser(self.weights, run.rules.optimiser)
        self.scaler = torch.amp.GradScaler(self._kind, enabled=run.rules.precision == "fp16")
        self.guards = Guards(run.rules.guard)
        self.updates, self.heard_s, self.wall_s = 0, 0.0, 0.0

    def resume(self) -> int:
        """Take up the saved state, if there is one; returns the updates that are done."""
        state = load_state(self.run.folder, self.run.fingerprint)
        if state is not None:
            self.module.load_state_dict(state["module"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.scaler.load_state_dict(state["scaler"])
            self.updates, self.guards.skipped = int(state["updates"]), int(state["skipped"])
            self.heard_s, self.wall_s = float(state["heard_s"]), float(state["wall_s"])
        return self.updates

    def save(self) -> None:
        """Write where the run stands; only the process that leads does."""
        if self.team.leads:
            state = {
                "fingerprint": self.run.fingerprint,
                "updates": self.updates,
                "skipped": self.guards.skipped,
                "heard_s": self.heard_s,
                "wall_s": self.wall_s,
                "module": self.module.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "scaler": self.scaler.state_dict(),
            }
            save_state(self.run.folder, state)

    def train(self, watcher: Watcher, stopped: Callable[[], bool] = lambda: False) -> None:
        """Until the last update; states are saved on the way and at the end.

        Args:
            watcher: told how it goes.
            stopped: asked after every update; where it says yes, the state is saved and the run ends.

        Raises:
            HarnessError: the run has collapsed, or its loss is not finite any more; the last state stays.
            KeyboardInterrupt: `stopped` said yes.
        """
        last, rules = self.rules.optimiser.updates, self.rules
        fed = self.run.feed.read(self._wanted(last), self.run.objective.batch)
        since = _Since()
        if not self.updates:
            self._keep(watcher)
        while self.updates < last:
            figures, samples = self._update(fed)
            self._count(since, samples)
            self.guards.look(self.updates, figures)
            if self.updates % rules.log_every == 0 or self.updates == last:
                watcher.row({**figures, "audio_s_per_s": since.throughput()})
            self._keep(watcher)
            if self.updates % rules.save_every == 0 or self.updates == last:
                self.save()
                watcher.saved(self.updates)
            watcher.advance(self.updates, last)
            if self.updates < last and stopped():
                self._leave(watcher)

    def _keep(self, watcher: Watcher) -> None:
        if self.updates in self.rules.milestones:
            watcher.milestone(self.updates)

    def _count(self, since: _Since, samples: int) -> None:
        self.wall_s += since.lap()
        self.heard_s += samples / RATE_HZ
        since.heard_s += samples / RATE_HZ

    def _leave(self, watcher: Watcher) -> None:
        self.save()
        watcher.saved(self.updates)
        _LOG.info(
            "stopped after update %d of %d, which is saved; the same command goes on from there",
            self.updates,
            self.rules.optimiser.updates,
        )
        raise KeyboardInterrupt

    def _wanted(self, last: int) -> Iterator[Wanted]:
        for number in range(self.updates, last):
            batches = self.run.order.update(number)
            for place in self.team.mine(len(batches)):
                yield batches[place], (self.rules.seed, number, place)

    def _update(self, fed: Iterator[Fed]) -> tuple[dict[str, float], int]:
        """One update; returns its figures (means over frames) and how many samples all processes heard."""
        number, sums = self.updates, _Sums()
        lr = set_step(self.optimiser, number, self.rules.optimiser)
        self.optimiser.zero_grad(set_to_none=True)
        for place in self.team.mine(self.rules.per_update):
            one = next(fed)
            self._seed(number, place)
            sums.add(*self._backward(one), samples=one.samples)
        figures, frames, samples = sums.means(self.team.total(sums.tensor()))
        finite = self._step(frames)
        self.updates += 1
        moved = self.run.objective.finished_update(self.updates)
        epoch = self.run.order.epoch(self.updates)
        placed = {"update": float(self.updates), "epoch": epoch, "lr": lr}
        return {**placed, **figures, **moved, "skipped": float(not finite)}, samples

    def _seed(self, number: int, place: int) -> None:
        """PyTorch's own generator, which dropout draws from, anew for every micro-batch."""
        import torch

        torch.manual_seed(int(np.random.default_rng([self.rules.seed, number, place, 1]).integers(2**62)))

    def _backward(self, one: Fed) -> tuple[Mapping[str, float], int]:
        device = self.team.device
        on_device = {name: value.to(device, non_blocking=True) for name, value in one.tensors.items()}
        with self._precision():
            loss = self.run.objective.loss(on_device)
        self.scaler.scale(loss.total).backward()  # type: ignore[no-untyped-call]
        return loss.figures, loss.frames

    def _precision(self) -> AbstractContextManager[Any]:
        import torch

        if self.rules.precision == "fp32":
            return nullcontext()
        kind = torch.bfloat16 if self.rules.precision == "bf16" else torch.float16
        return torch.autocast(self._kind, dtype=kind)

    def _step(self, frames: float) -> bool:
        """Divide the gradients of all processes by the frames they are counted in; step if they are finite."""
        import torch

        self.team.add_up(self.weights, frames)
        self.scaler.unscale_(self.optimiser)
        clip = self.rules.optimiser.clip_norm or float("inf")
        finite = bool(torch.isfinite(torch.nn.utils.clip_grad_norm_(self.weights, clip)))
        if finite or self.scaler.is_enabled():
            self.scaler.step(self.optimiser)
            self.scaler.update()
        return finite


def _check_precision(precision: str, kind: str) -> None:
    if precision == "fp16" and kind != "cuda":
        raise ConfigError(
            "half precision needs a GPU",
            got=f"precision=fp16 on {kind}",
            wanted="a CUDA device, whose gradients are scaled against underflow",
            next_step="set precision=fp32, or precision=bf16",
        )


class _Since:
    """Time and audio since the last row of the history."""

    def __init__(self) -> None:
        self._row = self._lap = time.perf_counter()
        self.heard_s = 0.0

    def lap(self) -> float:
        """Seconds since the last lap."""
        before, self._lap = self._lap, time.perf_counter()
        return self._lap - before

    def throughput(self) -> float:
        """Seconds of audio in a second since the last row, which this one ends."""
        share = self.heard_s / max(time.perf_counter() - self._row, 1e-9)
        self._row, self.heard_s = time.perf_counter(), 0.0
        return share


class _Sums:
    """Figures of micro-batches added up, each weighted by its frames."""

    def __init__(self) -> None:
        self._values: dict[str, float] = {}
        self._frames = self._samples = 0

    def add(self, figures: Mapping[str, float], frames: int, *, samples: int) -> None:
        for name, value in figures.items():
            self._values[name] = self._values.get(name, 0.0) + frames * value
        self._frames += frames
        self._samples += samples

    def tensor(self) -> Tensor:
        """For adding up over processes, in double precision."""
        import torch

        return torch.tensor([*self._values.values(), self._frames, self._samples], dtype=torch.float64)

    def means(self, totals: Tensor) -> tuple[dict[str, float], float, int]:
        *values, frames, samples = totals.tolist()
        means = {name: value / frames for name, value in zip(self._values, values, strict=True)}
        return means, frames, int(samples)
