"""A card with the architecture behind it: operations, core seconds, memory, bytes on disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.contracts import Card
from harness.costs._architecture import Architecture, clip_flop, front_end, steps

USUAL_CLIP_S = 4.5
"""Mean length of an utterance of IEMOCAP, for costs per second of audio where no corpus is known."""
CORE_FLOP_PER_S = 70e9
"""One core of the machine that the measured constants come from: AMD EPYC, AVX2, fp32, 90 % of its ceiling."""

_FLOAT_BYTES = 4.0
_GIB = 1024.0**3
_INTERPRETER_GIB = 0.6
"""Python with torch, onnxruntime, transformers and soundfile imported, measured."""
_COPIES_OF_WEIGHTS = 2.0
"""The weights, and what the run time packs anew for its matrix products."""
_COPIES_OF_ACTIVATIONS = 3.0
"""Input, output and the norm between them."""
_FRAMES_PER_S = 50.0
"""Of a card without a hop whose network is not known."""
_HANDMADE_S_PER_AUDIO_S = 0.01
"""Of a family that nothing is known about and that has no weights."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What extraction with a card costs; durations are seconds of audio of single clips."""

    card: Card
    architecture: Architecture

    @property
    def dim(self) -> int:
        """Width of the features."""
        return self.architecture.dim or self.card.dim

    @property
    def layers(self) -> int:
        """Number of hidden states."""
        return self.architecture.layers or self.card.layers

    @property
    def by_time(self) -> bool:
        """Whether the cost is a measured time, and not arithmetic."""
        known = self.architecture.core_s_per_audio_s is not None
        return known or not (self.architecture.convolutions or self.card.parameters)

    def flop(self, duration_s: float) -> float:
        """Operations of one clip; 0 where the cost is known as a time only."""
        if self.by_time:
            return 0.0
        if self.architecture.convolutions:
            return clip_flop(self.architecture, self.dim, self.layers, duration_s)
        return 2.0 * self.card.parameters * self.frames(duration_s)

    def flop_per_audio_s(self, clip_s: float = USUAL_CLIP_S) -> float:
        """Operations per second of audio in clips of this length."""
        return self.flop(clip_s) / clip_s

    def core_s(self, durations_s: Iterable[float], flop_per_s: float = CORE_FLOP_PER_S) -> float:
        """Seconds of one core for these clips, decoding not counted.

        Args:
            durations_s: of the clips.
            flop_per_s: what a core (or whatever else computes) does.
        """
        if self.by_time:
            rate = self.architecture.core_s_per_audio_s
            return sum(durations_s) * (_HANDMADE_S_PER_AUDIO_S if rate is None else rate)
        return sum(self.flop(duration_s) for duration_s in durations_s) / flop_per_s

    def frames(self, duration_s: float) -> float:
        """Frames of a clip on disk; one where the card gives a vector per utterance."""
        if self.card.hop_samples is None:
            return 1.0 if self.architecture.convolutions or self.by_time else duration_s * _FRAMES_PER_S
        return duration_s * self.card.sample_rate_hz / self.card.hop_samples

    def stored_bytes(self, duration_s: float, frame_layers: int = 0) -> float:
        """Float32 means and deviations of all layers, and frames of so many layers, of one clip."""
        frames = 1.0 if self.card.hop_samples is None else self.frames(duration_s)
        return _FLOAT_BYTES * self.dim * (2 * self.layers + frames * frame_layers)

    def memory_gib(self, longest_s: float, batch_seconds: float | None = None) -> float:
        """Peak memory of a worker: interpreter, weights, and the activations of its longest batch.

        Args:
            longest_s: the longest clip.
            batch_seconds: padded audio in a batch; None: one clip at a time.
        """
        at_once_s = max(longest_s, batch_seconds or 0.0)
        weights = _COPIES_OF_WEIGHTS * _FLOAT_BYTES * self.card.parameters / _GIB
        return _INTERPRETER_GIB + weights + self._activation_bytes(longest_s, at_once_s) / _GIB

    def _activation_bytes(self, longest_s: float, at_once_s: float) -> float:
        """The widest place of the network, all hidden states, and one block's attention."""
        shape = self.architecture
        window_s = shape.window_s or longest_s
        seen_s = window_s if shape.padded else min(longest_s, window_s)
        whole_s = min(seen_s, shape.whole_s or seen_s)
        rows = at_once_s / longest_s
        heads = max(self.dim // shape.head_dim, 1)
        attention = 2.0 * heads * self._places(whole_s) ** 2
        states = 2.0 * self.layers * self.frames(longest_s) * self.dim
        inner = 4.0 * self._places(seen_s) * self.dim
        widest = _COPIES_OF_ACTIVATIONS * max(self._front_end_values(whole_s), inner)
        return _FLOAT_BYTES * rows * (attention + states + widest)

    def _places(self, seen_s: float) -> float:
        """Frames that attend to each other; none where no network is known."""
        shape = self.architecture
        return float(front_end(shape, self.dim, steps(shape, seen_s))[1]) if shape.convolutions else 0.0

    def _front_end_values(self, seen_s: float) -> float:
        """Values that the first convolution gives: none is larger."""
        if not self.architecture.convolutions:
            return seen_s * self.card.sample_rate_hz
        width, _, stride, _ = self.architecture.convolutions[0]
        return steps(self.architecture, seen_s) / stride * (width or self.dim)
