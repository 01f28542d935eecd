"""What a head takes and gives: views of features, targets, logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor


class Rows(NamedTuple):
    """Where time means lie."""

    table: Tensor
    """(rows, layers, dim) float32, to be read only: memory-mapped where the corpus is large."""
    at: Tensor
    """(utterances,) int64: the row of each utterance."""


class Runs(NamedTuple):
    """Where frames lie."""

    table: Tensor
    """(rows, layers, dim) float32, to be read only: memory-mapped where the corpus is large."""
    starts: Tensor
    """(utterances,) int64: the row of each utterance's first frame."""
    counts: Tensor
    """(utterances,) int64: how many rows from there are its frames."""


class Means(NamedTuple):
    """Time means of every utterance."""

    values: Tensor
    """(utterances, layers, dim) float32; to be read only."""

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def take(self, rows: Tensor) -> Means:
        """The utterances at these positions (int64), copied."""
        return Means(self.values[rows])

    def select(self, rows: Tensor) -> Means:
        """The utterances at these positions (int64), each copied only when its values are used."""
        from harness.contracts._selected import Selected, Single

        lying = self.rows()
        return Means(Selected(lying.table, Single(lying.at[rows])))

    def rows(self) -> Rows:
        """Where the utterances lie; nothing is copied."""
        import torch

        from harness.contracts._selected import Selected, Single

        if isinstance(self.values, Selected) and isinstance(self.values.places, Single):
            return Rows(self.values.table, self.values.places.at)
        return Rows(self.values, torch.arange(len(self)))


class PackedFrames(NamedTuple):
    """Frames of every utterance, one after the other, without padding."""

    values: Tensor
    """(total_frames, layers, dim) float32; to be read only."""
    offsets: Tensor
    """(utterances + 1,) int64; utterance i owns rows offsets[i]:offsets[i + 1]."""

    def __len__(self) -> int:
        return int(self.offsets.shape[0]) - 1

    def take(self, rows: Tensor) -> PackedFrames:
        """The utterances at these positions (int64), copied and packed anew."""
        import torch

        starts, counts = self.offsets[rows], self.offsets[rows + 1] - self.offsets[rows]
        offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        index = torch.arange(int(offsets[-1])) + torch.repeat_interleave(starts - offsets[:-1], counts)
        return PackedFrames(self.values[index], offsets)

    def select(self, rows: Tensor) -> PackedFrames:
        """The utterances at these positions (int64), packed anew, each frame copied only when it is used."""
        import torch

        from harness.contracts._selected import Places, Selected

        lying = self.runs()
        counts = lying.counts[rows]
        offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        return PackedFrames(Selected(lying.table, Places(lying.starts[rows], offsets)), offsets)

    def runs(self) -> Runs:
        """Where the frames of each utterance lie; nothing is copied."""
        from harness.contracts._selected import Places, Selected

        counts = self.offsets[1:] - self.offsets[:-1]
        if isinstance(self.values, Selected) and isinstance(self.values.places, Places):
            return Runs(self.values.table, self.values.places.starts, counts)
        return Runs(self.values, self.offsets[:-1], counts)


class Labelled(NamedTuple):
    """A part of a fold as a head sees it."""

    view: Means | PackedFrames
    targets: Tensor
    """(utterances,) int64 class indices; zeros where the target is no class."""
    values: Tensor | None = None
    """(utterances, outputs) float32 where the target is measured on scales or shared between classes."""


class FitReport(NamedTuple):
    """What a head says about its own training."""

    selected: str
    """What was selected and by what, for the record: `epoch 37 by dev WA 71.2`."""
    history: list[dict[str, float]]
    """One row per evaluation: epoch or step, loss, watch_wa."""


class Shape(NamedTuple):
    """What a head needs to know before it sees data."""

    layers: int
    dim: int
    classes: int
    """Outputs: classes, or scales."""


@runtime_checkable
class Head(Protocol):
    """A classifier over a view, with scikit-learn's two verbs."""

    def fit(self, train: Labelled, watch: Labelled | None, progress: Callable[[float], None]) -> FitReport:
        """Learn from `train`; `watch` is the part that selects, None keeps the last state.

        `progress` is told the share that is done, from 0 to 1.
        """
        ...

    def predict(self, view: Means | PackedFrames) -> Tensor:
        """(utterances, classes) float32 logits (or decision values)."""
        ...


@runtime_checkable
class EmbeddingHead(Head, Protocol):
    """A head that can show what it has learnt to see; a picture of its vectors asks for it."""

    def embed(self, view: Means | PackedFrames) -> Tensor:
        """(utterances, width) float32: what the last layer reads of each utterance."""
        ...


@runtime_checkable
class HeadModule(Protocol):
    """A module in `downstreams/`: `NEEDS` names the view, `Config` the settings.

    `means` and `frames` are read as `Labelled`, `contexts` (sequences of utterances) as `LabelledContexts`.
    Where it predicts other than classes, `KINDS` says which kinds of target it can learn: for `scales` its
    outputs are the numbers themselves, for `shares` the softmax of its outputs are the shares.
    """

    NEEDS: str
    Config: type

    @staticmethod
    def build(config: object, shape: Shape, seed: int) -> Head:
        """A fresh head; the same seed gives the same head."""
        ...


@runtime_checkable
class SharingHeadModule(HeadModule, Protocol):
    """A module whose folds have work in common, which is done once for all of them.

    What it trains with `build_shared` is what `build` gives, to rounding: the same history, the same selection.
    """

    @staticmethod
    def share(config: object, shape: Shape, whole: Labelled, trains: Sequence[Tensor]) -> object | None:
        """What the folds have in common, made as late as it can be; None where sharing would not help.

        Args:
            config: settings of the head.
            shape: of the views.
            whole: all utterances of the study.
            trains: per fold, the positions (int64) in `whole` that it trains on.
        """
        ...

    @staticmethod
    def build_shared(config: object, shape: Shape, seed: int, shared: object, fold: int) -> Head:
        """A fresh head for the fold at this position, which `fit` is given the parts of."""
        ...
