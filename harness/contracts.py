"""The shapes that travel between the rooms of the house: what every plug-in gives and takes.

Nothing here computes. Plug-ins (`upstreams/`, `downstreams/`, `harness/corpora/`) import this module and
`harness.errors`, and nothing else of the harness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor


# ----------------------------------------------------------------------------------------------- corpora


@dataclass(frozen=True, kw_only=True)
class Download:
    """One file at an open address."""

    url: str
    size_bytes: int = 0
    """0 where the owners do not say."""
    checksum: str = ""
    """As published: `sha256:...` or `md5:...`; empty where the owners publish none."""
    unpack: bool = True
    """Whether it is an archive whose contents are wanted."""
    folder: str = ""
    """Folder below the corpus root that its contents belong in."""


@dataclass(frozen=True, kw_only=True)
class CorpusFacts:
    """What is known about a corpus before it is opened; the constant `FACTS` of a corpus module."""

    name: str
    title: str
    languages: tuple[str, ...]
    licence: str
    access: str
    citation: str
    labels: Mapping[str, str]
    """raw label of the owners -> canonical label of the field (`anger`, `happiness`, ...)."""
    utterances: int
    """Rows that the owners' distribution holds, known defects included; 0 where nobody knows."""
    speakers: int
    """0 where nobody knows."""
    sample_rate_hz: int
    """The usual rate of the files as distributed; a rate that is named nowhere here is reported as a fault."""
    other_rates_hz: tuple[int, ...] = ()
    """Further rates that the distribution itself mixes in."""
    channels: tuple[int, ...] = (1,)
    """Channel counts that the distribution holds; another is reported as a fault."""
    counts_vary: str = ""
    """Why a sound copy may hold other counts (releases differ); then the difference is told and does not stop."""
    duration_tolerance_s: float = 0.02
    downloads: tuple[Download, ...] = ()
    """What lies at an open address; empty where the owners want to be asked."""
    commit: str = ""
    """The git commit that these facts are about, where the owners distribute a repository."""
    doi: str = ""
    synthetic: bool = False
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """One row of a manifest, as a corpus module reads it from the owners' own files."""

    id: str
    path: str
    """Relative to the corpus root, with forward slashes."""
    label_raw: str
    speaker: str
    gender: str = ""
    """`female`, `male` or empty where the owners do not say."""
    session: str = ""
    dialogue: str = ""
    turn: int = -1
    """The owners' number of the turn, or its rank by time: it rises with time; -1 where there is no dialogue."""
    start_s: float | None = None
    end_s: float | None = None
    """Where the utterance lies inside its file; None means the whole file."""
    text: str = ""
    sentence: str = ""
    """The owners' code of what is said, the same for everyone who says it; empty where each says their own."""
    language: str = ""
    split: str = ""
    """Official part in lower case: `train`, `dev`, `test`, further ones as `test2`; empty where there is none."""
    label: str | None = None
    """Canonical label where the raw one is no code (a real score); None: `CorpusFacts.labels` says it."""
    expected_duration_s: float | None = None
    """What the owners' own annotation or the published file says, where it says anything."""
    expected_pcm_sha256: str = ""
    """SHA-256 of the decoded 16-bit samples of the published file, where it is known."""
    defect: str = ""
    """A defect of this file in the owners' own distribution."""
    lost: bool = False
    """Whether the defect may leave nothing to hear: the row is then left out and told, and nothing stops."""


@runtime_checkable
class Corpus(Protocol):
    """A corpus module: `FACTS` and `read`; `prepare` only where the corpus makes its own audio."""

    FACTS: CorpusFacts

    @staticmethod
    def read(root: Path) -> Iterable[Utterance]:
        """Read the owners' own layout; raise `CorpusError` where this is not that corpus."""
        ...


# --------------------------------------------------------------------------------------------- upstreams


@dataclass(frozen=True, kw_only=True)
class Card:
    """What is known about a checkpoint before it is loaded: `recipes/upstream/<name>.yaml`."""

    name: str
    family: str
    """Module in `upstreams/` that loads it."""
    about: str
    licence: str
    source: str
    """Where the facts on this card were read."""
    dim: int
    layers: int
    """Number of hidden states that `extract` returns."""
    hop_samples: int | None
    """Samples between two frames; None for one vector per utterance."""
    min_samples: int
    """Shortest input that yields a frame."""
    sample_rate_hz: int = 16_000
    parameters: int = 0
    trained_on: tuple[str, ...] = ()
    """Corpora (by our names where we have them) in the checkpoint's own training."""
    hub_id: str = ""
    revision: str = ""
    path: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    """Passed to the family's `Config`, field by field."""


class HiddenStates(NamedTuple):
    """What an upstream gives for a padded batch."""

    states: tuple[Tensor, ...]
    """One tensor (batch, frames, dim) per layer, from the input of the first block to the last output."""
    frames: Tensor
    """(batch,) int64: how many frames of each utterance are valid; the rest is undefined."""


@runtime_checkable
class Upstream(Protocol):
    """A loaded model. `extract` gives, for an utterance in any padded batch, what it gives for it alone."""

    card: Card
    module: torch.nn.Module | None
    """The network, for counting parameters and moving devices; None for hand-made features."""

    def extract(self, waves: Tensor, lengths: Tensor) -> HiddenStates:
        """Hidden states of a zero-padded batch.

        Args:
            waves: (batch, samples) float32 at the card's sample rate.
            lengths: (batch,) int64, valid samples of each row, at least `card.min_samples`.
        """
        ...


@runtime_checkable
class CalibratedUpstream(Upstream, Protocol):
    """An upstream whose front end is scaled with statistics of the training part of a fold (no labels)."""

    def calibrate(self, waves: Iterable[Tensor]) -> Mapping[str, float]:
        """Take the statistics from the (samples,) waves, keep them, and return them for the record."""
        ...


@runtime_checkable
class UpstreamFamily(Protocol):
    """A module in `upstreams/`.

    It owns a dataclass `Config` (the options its cards may set) and two functions. `random_small` builds a
    tiny network with random weights in the family's own architecture, for tests that need no download. Where
    options change width or hop of the features, a third one, `presented(card, config)`, says the card of those.
    """

    Config: type

    @staticmethod
    def load(card: Card, config: object, weights: Path | None) -> Upstream:
        """Load the checkpoint; `weights` is a local folder or file, None means the hub (or no weights)."""
        ...

    @staticmethod
    def random_small(card: Card, config: object, seed: int) -> Upstream:
        """The same code path on a small random network; its own card states its true sizes."""
        ...


# ------------------------------------------------------------------------------------------ pre-training


class Loss(NamedTuple):
    """What an objective says of one micro-batch, as sums: processes and micro-batches add up to one update."""

    total: Tensor
    """Scalar with gradient. Gradients are divided by the `frames` of the whole update."""
    frames: int
    """What the sums are counted in: predicted frames."""
    figures: Mapping[str, float]
    """Sums and spreads for the log, by name: `frame_loss`, `utterance_loss`, `target_std`, `prediction_std`."""


@runtime_checkable
class Objective(Protocol):
    """Something to pre-train: a `torch.nn.Module` that owns everything that moves, teacher included.

    Every random choice comes from what it is given: `rng` for masks, PyTorch's own generator for dropout, which
    the trainer sets anew for every micro-batch. So a run does not depend on how many processes share it.
    """

    def batch(self, waves: Tensor, rng: np.random.Generator) -> Mapping[str, Tensor]:
        """Normalise and mask a batch of equally long waves, (batch, samples) float32 at 16 kHz, on the CPU."""
        ...

    def loss(self, batch: Mapping[str, Tensor]) -> Loss:
        """The loss of a batch that `batch` made, on the device of the weights."""
        ...

    def trained(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        """What the optimiser moves, by name."""
        ...

    def finished_update(self, updates: int) -> Mapping[str, float]:
        """Called after every update, with the number of finished ones; moves the teacher, returns `ema_decay`."""
        ...

    def released(self) -> Mapping[str, Tensor]:
        """The tensors of the checkpoint that the family's `load` reads, by the names of the original code."""
        ...

    def settings(self) -> Mapping[str, Any]:
        """What a loader cannot tell from the tensors, in the form of the original's configuration."""
        ...

    def card(self) -> Mapping[str, Any]:
        """Facts for the card: dim, layers, hop_samples, min_samples, parameters, options."""
        ...


@runtime_checkable
class ObjectiveModule(Protocol):
    """A module in `upstreams/objectives/`: `Config` holds its settings, `FAMILY` names who loads what comes out.

    Where settings mean something that has to be said aloud, it has a `remarks(config)` too, one line for each.
    """

    FAMILY: str
    Config: type

    @staticmethod
    def build(config: object, init: Path | None, seed: int) -> Objective:
        """A fresh objective; `init` is a checkpoint to start from, None a cold start; same seed, same weights."""
        ...


# ------------------------------------------------------------------------------------------------- heads


class Means(NamedTuple):
    """Time means of every utterance."""

    values: Tensor
    """(utterances, layers, dim) float32."""

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def take(self, rows: Tensor) -> Means:
        """The utterances at these positions (int64)."""
        return Means(self.values[rows])


class PackedFrames(NamedTuple):
    """Frames of every utterance, one after the other, without padding."""

    values: Tensor
    """(total_frames, layers, dim) float32."""
    offsets: Tensor
    """(utterances + 1,) int64; utterance i owns rows offsets[i]:offsets[i + 1]."""

    def __len__(self) -> int:
        return int(self.offsets.shape[0]) - 1

    def take(self, rows: Tensor) -> PackedFrames:
        """The utterances at these positions (int64), packed anew."""
        import torch

        starts, counts = self.offsets[rows], self.offsets[rows + 1] - self.offsets[rows]
        offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        index = torch.arange(int(offsets[-1])) + torch.repeat_interleave(starts - offsets[:-1], counts)
        return PackedFrames(self.values[index], offsets)


class Labelled(NamedTuple):
    """A part of a fold as a head sees it."""

    view: Means | PackedFrames
    targets: Tensor
    """(utterances,) int64 class indices."""


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
class HeadModule(Protocol):
    """A module in `downstreams/`: `NEEDS` names the view (`means` or `frames`), `Config` the settings."""

    NEEDS: str
    Config: type

    @staticmethod
    def build(config: object, shape: Shape, seed: int) -> Head:
        """A fresh head; the same seed gives the same head."""
        ...


# ---------------------------------------------------------------------------------- examples and folds


@dataclass(frozen=True)
class Example:
    """What a task asks to predict: a target, the utterances it reads, and the groups it belongs to."""

    id: str
    utterances: tuple[str, ...]
    target: str
    speaker: str
    session: str = ""
    split: str = ""
    duration_s: float = 0.0
    path: str = ""
    """File of the first utterance, relative to the corpus root: foreign lists of files are matched by it."""


@dataclass(frozen=True)
class Fold:
    """Ids of the three parts; `dev` is empty where nothing or the test part selects."""

    name: str
    train: tuple[str, ...]
    dev: tuple[str, ...]
    test: tuple[str, ...]


@runtime_checkable
class Splitter(Protocol):
    """A module in `harness/splits/`: how examples become folds.

    Where it has something to say that does not forbid the folds but belongs into every record (files left out,
    labels that differ), it has a `remarks(examples, config)` too, which gives one line for each.
    """

    Config: type

    @staticmethod
    def split(examples: list[Example], config: object) -> Iterator[Fold]:
        """Yield the folds in order; the same examples and config give the same folds."""
        ...
