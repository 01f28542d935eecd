"""Floating-point operations of an encoder: convolutions over its input, then Transformer blocks.

A multiplication with its addition counts as two operations, as in `torch.utils.flop_counter`; norms, activations,
softmax and the Fourier transform, under 2 % of the time, count as none.

Sources: Baevski et al. 2020 (wav2vec 2.0, section 2 and appendix A); Radford et al. 2022 (Whisper, section 2.2);
Vaswani et al. 2017 for the blocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What the card of a checkpoint leaves unsaid, the same for every size of a family: `recipes/cost/`."""

    convolutions: list[list[int]] = field(default_factory=list)
    """[channels (0: the width), kernel, stride, padding] of every convolution over the input; empty: no network
    is known, and every parameter is used once per frame."""
    input_channels: int = 1
    """1 for samples, the number of mel bands for a spectrogram."""
    input_hz: int = 16_000
    """Steps of the input per second."""
    input_multiple: int = 1
    """The input is padded to a multiple of so many steps."""
    projects: bool = True
    """A linear layer between the last convolution and the first block."""
    position_layers: int = 0
    """Grouped convolutions that give positions, at the width of the blocks."""
    position_kernel: int = 1
    position_groups: int = 1
    tokens: int = 0
    """Places in front of the frames that the blocks carry along."""
    states_beside_blocks: int = 1
    """Hidden states that no block gives: the input of the first block, a last norm."""
    feed_forward: float = 4.0
    """Inner width of a block's feed-forward half, in widths of the block."""
    head_dim: int = 64
    """Width of an attention head."""
    window_s: float | None = None
    """A longer clip is cut into windows of this length."""
    padded: bool = False
    """Every window is filled up to its full length."""
    whole_s: float | None = None
    """Of a longer clip, the front end and the pairs of frames that attend to each other are never there whole."""
    last_block_kept_only: bool = False
    """The last block asks for the clip's own frames alone."""
    dim: int = 0
    """Width, where the card cannot say it; 0: the card's."""
    layers: int = 0
    """Hidden states, where the card cannot say them; 0: the card's."""
    core_s_per_audio_s: float | None = None
    """Seconds of one core per second of audio, measured, where time does not follow from the arithmetic."""
    assumes: str = ""
    """What of this is a guess, for the reader of an estimate."""


def steps(architecture: Architecture, duration_s: float) -> int:
    """Steps of the input of a stretch of audio."""
    exact = math.ceil(duration_s * architecture.input_hz - 1e-6)
    return -(-exact // architecture.input_multiple) * architecture.input_multiple


def front_end(architecture: Architecture, dim: int, length: int) -> tuple[float, int]:
    """Operations of the convolutions, projection and positions over so many steps, and the frames they give."""
    flop, channels = 0.0, architecture.input_channels
    for width, kernel, stride, padding in architecture.convolutions:
        length = max((length + 2 * padding - kernel) // stride + 1, 1)
        flop += 2.0 * length * (width or dim) * channels * kernel
        channels = width or dim
    if architecture.projects:
        flop += 2.0 * length * channels * dim
    per_group = dim // architecture.position_groups
    flop += 2.0 * length * architecture.position_layers * dim * per_group * architecture.position_kernel
    return flop, length


def block(architecture: Architecture, dim: int, places: int, asking: int) -> float:
    """Operations of one block over so many places, of which `asking` are wanted from it.

    Keys and values of all places; queries, sums, projection and feed-forward half of those that ask.
    """
    keys_values = 4.0 * places * dim**2
    queries = 4.0 * asking * dim**2
    attention = 4.0 * asking * places * dim
    return keys_values + queries + attention + 4.0 * asking * architecture.feed_forward * dim**2


def window_flop(architecture: Architecture, dim: int, layers: int, heard_s: float) -> float:
    """Operations of one window that hears so many seconds."""
    seen_s = architecture.window_s if architecture.padded and architecture.window_s else heard_s
    flop, frames = front_end(architecture, dim, steps(architecture, seen_s))
    places = frames + architecture.tokens
    blocks = layers - architecture.states_beside_blocks
    last = min(math.ceil(places * heard_s / seen_s), places) if architecture.last_block_kept_only else places
    return (
        flop
        + (blocks - 1) * block(architecture, dim, places, places)
        + block(architecture, dim, places, last)
    )


def clip_flop(architecture: Architecture, dim: int, layers: int, duration_s: float) -> float:
    """Operations of one clip, in as many windows as it needs."""
    window_s = architecture.window_s
    if window_s is None or duration_s <= window_s:
        return window_flop(architecture, dim, layers, duration_s)
    whole, rest = divmod(duration_s, window_s)
    flop = whole * window_flop(architecture, dim, layers, window_s)
    return flop + (window_flop(architecture, dim, layers, rest) if rest > 0 else 0.0)
