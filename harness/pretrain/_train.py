"""The loop: micro-batches to gradients, gradients of all processes to one step, the teacher after it.

Every random choice of a micro-batch comes from the seed, the update and the micro-batch's number. So a run that
was killed goes on bit by bit as if it had not been, and two processes do what one does with all the micro-batches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from harness.contracts import Objective
from harness.pretrain._batches import Batch, Order
from harness.pretrain._clips import RATE_HZ
from harness.pretrain._config import Plan
from harness.pretrain._feed import Fed, Feed
from harness.pretrain._guards import Guards
from harness.pretrain._optimiser import optimiser, set_step
from harness.pretrain._state import load_state, save_state
from harness.pretrain._team import Team

if TYPE_CHECKING:
    import torch
    from torch import Tensor

History = Callable[[dict[str, float]], None]
"""Told one row: update, epoch, lr, frame_loss, utterance_loss, target_std, ..., audio_s_per_s."""


class Run(NamedTuple):
    """Everything that a loop works on."""

    plan: Plan
    objective: Objective
    order: Order
    feed: Feed
    team: Team
    folder: Path
    fingerprint: str


class Trainer:
    """One process's part of a run."""

    def __init__(self, run: Run) -> None:
        import torch

        self.run, self.plan, self.team = run, run.plan, run.team
        self.module: torch.nn.Module = run.objective.to(run.team.device).train()  # type: ignore[attr-defined]
        self.weights = [weight for _, weight in run.objective.trained()]
        self.optimiser = optimiser(self.weights, run.plan.optimiser)
        self.scaler = torch.amp.GradScaler(
            run.team.device.split(":")[0], enabled=run.plan.precision == "fp16"
        )
        self.guards = Guards(run.plan.guard)
        self.updates = 0

    def resume(self) -> int:
        """Take up the saved state, if there is one; returns the updates that are done."""
        state = load_state(self.run.folder, self.run.fingerprint)
        if state is not None:
            self.module.load_state_dict(state["module"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.scaler.load_state_dict(state["scaler"])
            self.updates = int(state["updates"])
        return self.updates

    def save(self) -> None:
        """Write where the run stands; only the process that leads does."""
        if self.team.leads:
            save_state(
                self.run.folder,
                {
                    "fingerprint": self.run.fingerprint,
                    "updates": self.updates,
                    "module": self.module.state_dict(),
                    "optimiser": self.optimiser.state_dict(),
                    "scaler": self.scaler.state_dict(),
                },
            )

    def train(self, told: History, advance: Callable[[float, float], None]) -> None:
        """Until the last update; states are saved on the way and at the end.

        Raises:
            HarnessError: the run has collapsed, or its loss is not finite any more; the last state stays.
        """
        last, rule = self.plan.optimiser.updates, self.plan
        fed = self.run.feed.read(self._wanted(last))
        since, heard_s = time.perf_counter(), 0.0
        while self.updates < last:
            figures, samples = self._update(fed)
            heard_s += samples / RATE_HZ
            self.guards.look(self.updates, figures)
            if self.updates % rule.log_every == 0 or self.updates == last:
                now = time.perf_counter()
                told({**figures, "audio_s_per_s": heard_s / (now - since)})
                since, heard_s = now, 0.0
            if self.updates % rule.save_every == 0 or self.updates == last:
                self.save()
            advance(self.updates, last)

    def _wanted(self, last: int) -> Iterator[tuple[Batch, Callable[[], np.random.Generator]]]:
        for number in range(self.updates, last):
            batches = self.run.order.update(number)
            for place in self.team.mine(len(batches)):
                yield batches[place], self._generator(number, place)

    def _generator(self, number: int, place: int) -> Callable[[], np.random.Generator]:
        return lambda: np.random.default_rng([self.plan.seed, number, place])

    def _update(self, fed: Iterator[Fed]) -> tuple[dict[str, float], int]:
        """One update; returns its figures (means over frames) and how many samples it heard."""
        import torch

        number, sums, samples = self.updates, _Sums(), 0
        lr = set_step(self.optimiser, number, self.plan.optimiser)
        self.optimiser.zero_grad(set_to_none=True)
        for place in self.team.mine(self.plan.batch.per_update):
            one = next(fed)
            torch.manual_seed(int(np.random.default_rng([self.plan.seed, number, place, 1]).integers(2**62)))
            sums.add(*self._backward(one))
            samples += one.waves.numel()
        totals = self.team.total(sums.tensor(samples))
        figures, frames, samples = sums.means(totals)
        finite = self._step(frames)
        self.updates += 1
        moved = self.run.objective.finished_update(self.updates)
        epoch = self.run.order.epoch(self.updates)
        return {
            "update": self.updates, "epoch": epoch, "lr": lr, **figures, **moved, "skipped": float(not finite),
        }, samples  # fmt: skip

    def _backward(self, one: Fed) -> tuple[Mapping[str, float], int]:
        batch = self.run.objective.batch(one.waves, one.rng)
        on_device = {name: value.to(self.team.device, non_blocking=True) for name, value in batch.items()}
        with self._precision():
            loss = self.run.objective.loss(on_device)
        self.scaler.scale(loss.total).backward()  # type: ignore[no-untyped-call]
        return loss.figures, loss.frames

    def _precision(self) -> AbstractContextManager[Any]:
        import torch

        if self.plan.precision == "fp32":
            return nullcontext()
        kind = torch.bfloat16 if self.plan.precision == "bf16" else torch.float16
        return torch.autocast(self.team.device.split(":")[0], dtype=kind)

    def _step(self, frames: float) -> bool:
        """Divide the gradients of all processes by the frames they are counted in; step if they are finite."""
        import torch

        self.team.add_up(self.weights, frames)
        self.scaler.unscale_(self.optimiser)
        clip = self.plan.optimiser.clip_norm or float("inf")
        norm: Tensor = torch.nn.utils.clip_grad_norm_(self.weights, clip)
        finite = bool(torch.isfinite(norm))
        if finite or self.scaler.is_enabled():
            self.scaler.step(self.optimiser)
            self.scaler.update()
        return finite


class _Sums:
    """Figures of micro-batches added up, each weighted by its frames."""

    def __init__(self) -> None:
        self._values: dict[str, float] = {}
        self._frames = 0

    def add(self, figures: Mapping[str, float], frames: int) -> None:
        for name, value in figures.items():
            self._values[name] = self._values.get(name, 0.0) + frames * value
        self._frames += frames

    def tensor(self, samples: int) -> Tensor:
        """For adding up over processes; on the CPU in double precision."""
        import torch

        return torch.tensor([*self._values.values(), self._frames, samples], dtype=torch.float64)

    def means(self, totals: Tensor) -> tuple[dict[str, float], float, int]:
        *values, frames, samples = totals.tolist()
        means = {name: value / frames for name, value in zip(self._values, values, strict=True)}
        return means, frames, int(samples)
