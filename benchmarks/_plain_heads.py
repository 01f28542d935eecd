"""Heads as the published loops train them: a DataLoader that pads, a mask where there is one, autograd.

Own words and own code after the descriptions of SUPERB's emotion task (s3prl) and of emotion2vec's downstream
script; only what costs time or decides the result is here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

from benchmarks._head_data import CLASSES, Features


class Batch(NamedTuple):
    """Padded utterances."""

    frames: Tensor
    """(batch, longest, layers, dim), zeros after an utterance's end."""
    counts: Tensor
    targets: Tensor

    @property
    def mask(self) -> Tensor:
        """(batch, longest, 1): 1 on the frames of an utterance, 0 on padding."""
        places = torch.arange(self.frames.shape[1], device=self.frames.device)
        return (places < self.counts[:, None]).float()[..., None]

    def to(self, model: nn.Module) -> Batch:
        """Where the model is."""
        device = next(model.parameters()).device
        return Batch(*(part.to(device) for part in self))


class Utterances(Dataset[tuple[Tensor, Tensor]]):
    """Frames and target of one utterance after the other."""

    def __init__(self, features: Features, rows: Tensor) -> None:
        self._features, self._rows = features, rows.tolist()
        self._starts = torch.cat([torch.zeros(1, dtype=torch.int64), features.counts.cumsum(0)]).tolist()

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: int) -> tuple[Tensor, Tensor]:
        row = self._rows[place]
        return self._features.values[self._starts[row] : self._starts[row + 1]], self._features.targets[row]


def padded(items: Sequence[tuple[Tensor, Tensor]]) -> Batch:
    """Put utterances beside each other."""
    frames = [frames for frames, _ in items]
    counts = torch.tensor([len(one) for one in frames])
    return Batch(pad_sequence(frames, batch_first=True), counts, torch.stack([target for _, target in items]))


def loader(
    features: Features, rows: Tensor, batch: int, *, shuffle: bool, workers: int = 0
) -> DataLoader[Batch]:
    """Over these utterances."""
    single: Dataset[Any] = Utterances(features, rows)
    return DataLoader(
        single,
        batch_size=batch,
        shuffle=shuffle,
        collate_fn=padded,
        num_workers=workers,
    )


class MaskedLinear(nn.Module):
    """emotion2vec's head: Linear, ReLU, mean over the frames that the mask leaves, Linear."""

    def __init__(self, dim: int, hidden: int = 256) -> None:
        super().__init__()
        self.pre_net, self.post_net = nn.Linear(dim, hidden), nn.Linear(hidden, CLASSES)

    def forward(self, batch: Batch) -> Tensor:
        """(batch, classes) logits."""
        hidden = torch.relu(self.pre_net(batch.frames[:, :, 0]))
        logits: Tensor = self.post_net((hidden * batch.mask).sum(1) / batch.mask.sum(1))
        return logits


class SuperbHead(nn.Module):
    """SUPERB's: weighted sum of layers, Linear, mean over each utterance's frames, Linear."""

    def __init__(self, layers: int, dim: int, hidden: int = 256) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(layers))
        self.projector, self.classifier = nn.Linear(dim, hidden), nn.Linear(hidden, CLASSES)

    def forward(self, batch: Batch) -> Tensor:
        """(batch, classes) logits."""
        mixed = (self.weights.softmax(0)[:, None] * batch.frames).sum(2)
        hidden = self.projector(mixed)
        pooled = [rows[:count].mean(0) for rows, count in zip(hidden, batch.counts.tolist(), strict=True)]
        logits: Tensor = self.classifier(torch.stack(pooled))
        return logits


class MaskedGRU(nn.Module):
    """Two layers of GRU over padded frames, mean over those that are no padding, Linear."""

    def __init__(self, dim: int, hidden: int = 256) -> None:
        super().__init__()
        self.gru = nn.GRU(dim, hidden, num_layers=2, dropout=0.5, batch_first=True)
        self.classifier = nn.Linear(hidden, CLASSES)

    def forward(self, batch: Batch) -> Tensor:
        """(batch, classes) logits."""
        outputs, _ = self.gru(batch.frames[:, :, 0])
        logits: Tensor = self.classifier((outputs * batch.mask).sum(1) / batch.mask.sum(1))
        return logits


@torch.no_grad()
def accuracy(model: nn.Module, batches: DataLoader[Batch]) -> float:
    """Share of utterances that are classified correctly."""
    model.eval()
    moved = (batch.to(model) for batch in batches)
    right = [model(batch).argmax(1) == batch.targets for batch in moved]
    return float(torch.cat(right).float().mean())


class Best:
    """Keeps the first state with the highest accuracy on the watched part."""

    def __init__(self, model: nn.Module, batches: DataLoader[Batch]) -> None:
        self._model, self._batches, self.highest = model, batches, -1.0
        self._state: dict[str, Tensor] = {}

    def look(self) -> None:
        """Compare the present state."""
        reached = accuracy(self._model, self._batches)
        if reached > self.highest:
            self.highest = reached
            self._state = {name: value.clone() for name, value in self._model.state_dict().items()}

    def settle(self) -> None:
        """Go back to the best one."""
        self._model.load_state_dict(self._state)


def emotion2vec_training(
    features: Features,
    train: Tensor,
    watch: Tensor,
    *,
    epochs: int,
    seed: int,
    workers: int = 0,
    device: str = "cpu",
) -> MaskedLinear:
    """RMSprop with a cyclic rate that is stepped once per epoch, batches of 128, the best epoch kept."""
    torch.manual_seed(seed)
    model = MaskedLinear(int(features.values.shape[-1])).to(device)
    optimiser = torch.optim.RMSprop(model.parameters(), lr=5e-4, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CyclicLR(
        optimiser, base_lr=5e-4, max_lr=1e-3, step_size_up=10, max_momentum=0.9
    )
    batches = loader(features, train, 128, shuffle=True, workers=workers)
    best = Best(model, loader(features, watch, 128, shuffle=False, workers=workers))
    for _ in range(epochs):
        one_epoch(model, batches, optimiser)
        schedule.step()
        best.look()
    best.settle()
    return model


def one_epoch(model: nn.Module, batches: DataLoader[Batch], optimiser: torch.optim.Optimizer) -> None:
    """Every utterance once."""
    model.train()
    for batch in (one.to(model) for one in batches):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(batch), batch.targets).backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def endless(batches: DataLoader[Batch]) -> Iterator[Batch]:
    """One pass after the other."""
    while True:
        yield from batches


class SuperbRule(NamedTuple):
    """How SUPERB's loop goes."""

    updates: int
    batch: int = 4
    accumulate: int = 8
    lr: float = 1e-4
    clip_norm: float = 1.0
    eval_every: int = 1000


def superb_training(
    features: Features, train: Tensor, watch: Tensor | None, rule: SuperbRule, seed: int
) -> SuperbHead:
    """Adam on the gradients of 8 batches of 4, clipped; the best state on the watched part is kept."""
    torch.manual_seed(seed)
    model = SuperbHead(*features.values.shape[1:])
    adam = torch.optim.Adam(model.parameters(), lr=rule.lr)
    batches = endless(loader(features, train, rule.batch, shuffle=True))
    best = None if watch is None else Best(model, loader(features, watch, 32, shuffle=False))
    for update in range(1, rule.updates + 1):
        superb_update(model, batches, adam, rule)
        if best is not None and (update % rule.eval_every == 0 or update == rule.updates):
            best.look()
    if best is not None:
        best.settle()
    return model


def superb_update(
    model: nn.Module, batches: Iterator[Batch], adam: torch.optim.Optimizer, rule: SuperbRule
) -> None:
    """One update."""
    model.train()
    adam.zero_grad()
    for _ in range(rule.accumulate):
        batch = next(batches).to(model)
        loss = nn.functional.cross_entropy(model(batch), batch.targets) / rule.accumulate
        loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), rule.clip_norm)
    adam.step()


def means_training(features: Features, train: Tensor, updates: int) -> None:
    """SUPERB's head from stored means by autograd: what one writes first once the means are there."""
    torch.manual_seed(0)
    model = SuperbHead(*features.values.shape[1:])
    adam = torch.optim.Adam(model.parameters(), lr=1e-4)
    for _ in range(updates):
        rows = train[torch.randint(len(train), (32,))]
        mixed = torch.einsum("l,nld->nd", model.weights.softmax(0), features.values[rows])
        logits = model.classifier(model.projector(mixed))
        adam.zero_grad()
        nn.functional.cross_entropy(logits, features.targets[rows]).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()


def ridge_sweep(features: Features, folds: Sequence[Sequence[Tensor]], alphas: Sequence[float]) -> list[str]:
    """One scikit-learn model per fold, layer and strength; the best of each fold by its watched part."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.preprocessing import StandardScaler

    chosen = []
    for train, watch in folds:
        best, name = -1.0, ""
        for layer in range(features.values.shape[1]):
            rows = features.values[:, layer].double().numpy()
            scaler = StandardScaler().fit(rows[train])
            learnt, seen = scaler.transform(rows[train]), scaler.transform(rows[watch])
            for alpha in alphas:
                model = RidgeClassifier(alpha=alpha).fit(learnt, features.targets[train])
                reached = model.score(seen, features.targets[watch])
                if reached > best:
                    best, name = reached, f"layer {layer}, alpha {alpha:g} by watch WA {100 * reached:.1f}"
        chosen.append(name)
    return chosen
