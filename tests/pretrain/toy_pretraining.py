"""A pre-training in small: the real loop around an objective that fits in a few lines.

torchrun ... toy_pretraining.py AUDIO FOLDER [key=value ...] trains on a folder of sound and leaves rows.json and
weights.pt in FOLDER.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor, nn

from harness.contracts import Loss
from harness.pretrain._batches import Order, batches_by_length
from harness.pretrain._clips import Clip, clips_of_folder
from harness.pretrain._config import BatchRule, GuardRule, OptimiserRule
from harness.pretrain._feed import Feed
from harness.pretrain._team import Team, team
from harness.pretrain._train import Rules, Run, Trainer

FRAME = 160


class ToyObjective(nn.Module):
    """A student sees half the frames, with dropout, and predicts what a slowly moving teacher makes of them."""

    def __init__(
        self, dropout: float = 0.1, share: float = 0.5, spoil: Callable[[int], float] | None = None
    ) -> None:
        super().__init__()
        self.student = nn.Sequential(nn.Linear(FRAME, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 4))
        self.teacher = nn.Sequential(nn.Linear(FRAME, 8), nn.Tanh(), nn.Linear(8, 4)).requires_grad_(False)
        self.share, self.spoil, self.updates = share, spoil, 0
        for place, weight in enumerate(self.parameters()):
            draw = torch.Generator().manual_seed(place)
            weight.data = torch.randn(weight.shape, generator=draw) * 0.2

    def batch(self, waves: Tensor, rng: np.random.Generator) -> dict[str, Tensor]:
        frames = waves.unfold(1, FRAME, FRAME)
        return {"frames": frames, "masks": torch.from_numpy(rng.random(frames.shape[:2]) < self.share)}

    def loss(self, batch: Mapping[str, Tensor]) -> Loss:
        seen = batch["frames"].masked_fill(batch["masks"][..., None], 0.0)
        predicted, wanted = self.student(seen).float(), self.teacher(batch["frames"]).float()
        error = (predicted - wanted).square().sum()
        if self.spoil is not None:
            error = error * self.spoil(self.updates)
        frames = batch["masks"].numel()
        figures = {
            "frame_loss": float(error.detach()) / frames,
            "target_std": float(wanted.std()),
            "prediction_std": float(predicted.detach().std()),
        }
        return Loss(error, frames, figures)

    def trained(self) -> Iterator[tuple[str, nn.Parameter]]:
        return self.student.named_parameters()

    @torch.no_grad()
    def finished_update(self, updates: int) -> dict[str, float]:
        self.updates = updates
        for mine, own in zip(self.teacher.parameters(), self.student.parameters(), strict=True):
            mine.lerp_(own, 0.1)
        return {"ema_decay": 0.9}


class Rows:
    """A watcher that keeps the rows, and dies at an update if told to."""

    def __init__(self, die_at: int = -1) -> None:
        self.rows: list[dict[str, float]] = []
        self.saves: list[int] = []
        self.kept: list[int] = []
        self.die_at = die_at

    def row(self, figures: Mapping[str, float]) -> None:
        self.rows.append(dict(figures))

    def saved(self, updates: int) -> None:
        self.saves.append(updates)

    def milestone(self, updates: int) -> None:
        self.kept.append(updates)

    def advance(self, done: float, total: float) -> None:
        if done == self.die_at:
            raise RuntimeError("struck by lightning")


def write_audio(folder: Path, count: int = 12) -> Path:
    """Voices of differing lengths, 0.3 to 1.4 s, at two sample rates."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(0)
    for place in range(count):
        rate_hz = 16_000 if place % 3 else 22_050
        time_s = np.arange(int((0.3 + 0.1 * place) * rate_hz)) / rate_hz
        wave = 0.3 * np.sin(2 * np.pi * (100 + 40 * place) * time_s) + 0.05 * draw.normal(size=len(time_s))
        soundfile.write(folder / f"voice_{place:02}.wav", wave, rate_hz)
    return folder


def rules(**changes: object) -> Rules:
    """Settings of a run of seven updates."""
    plain: dict[str, object] = {
        "seed": 3,
        "per_update": 2,
        "optimiser": OptimiserRule(lr=0.02, updates=7, warmup_updates=2),
        "guard": GuardRule(after_updates=1000),
        "precision": "fp32",
        "log_every": 1,
        "save_every": 3,
    }
    return Rules(**{**plain, **changes})  # type: ignore[arg-type]


def trainer(
    clips: list[Clip],
    feed: Feed,
    folder: Path,
    chosen: Rules,
    *,
    objective: ToyObjective | None = None,
    members: Team | None = None,
    fingerprint: str = "toy",
    max_samples: int = 40_000,
) -> Trainer:
    """The real loop around the toy."""
    batches = batches_by_length(
        [clip.samples for clip in clips], BatchRule(max_samples=max_samples, shortest=1600, longest=40_000)
    )
    order = Order(batches, chosen.per_update, chosen.seed)
    members = members or Team(0, 1, "cpu")
    return Trainer(Run(chosen, objective or ToyObjective(), order, feed, members, folder, fingerprint))


def main(audio: Path, folder: Path, words: list[str]) -> None:
    torch.set_num_threads(1)
    given = {key: int(value) for key, _, value in (word.partition("=") for word in words)}
    chosen = rules(per_update=given.get("per_update", 4))
    clips = clips_of_folder(audio)
    with team("cpu") as members, Feed(clips, 40_000, 1) as feed:
        members.check(chosen.per_update)
        loop = trainer(clips, feed, folder, chosen, members=members)
        members.agree(loop.resume())
        rows = Rows()
        loop.train(rows)
        if members.leads:
            (folder / "rows.json").write_text(json.dumps(rows.rows))
            torch.save(loop.module.state_dict(), folder / "weights.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
