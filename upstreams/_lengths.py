"""How many frames an utterance has, and which positions of a padded batch are its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from harness.contracts import Card
from harness.errors import AudioError


def conv_frames(samples: Tensor, kernels: Sequence[int], strides: Sequence[int]) -> Tensor:
    """Frames that a stack of convolutions without padding makes of so many samples.

    >>> conv_frames(torch.tensor([400, 719, 720, 16_000]), [10, 3, 3, 3, 3, 2, 2], [5, 2, 2, 2, 2, 2, 2])
    tensor([ 1,  1,  2, 49])
    """
    frames = samples
    for kernel, stride in zip(kernels, strides, strict=True):
        frames = torch.div(frames - kernel, stride, rounding_mode="floor") + 1
    return frames


def receptive_field(kernels: Sequence[int], strides: Sequence[int]) -> int:
    """Samples behind one frame, which is also the shortest input that yields one.

    >>> receptive_field([10, 3, 3, 3, 3, 2, 2], [5, 2, 2, 2, 2, 2, 2])
    400
    """
    samples, hop = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        samples, hop = samples + (kernel - 1) * hop, hop * stride
    return samples


def valid(counts: Tensor, total: int) -> Tensor:
    """(batch, total) bool: True where a position belongs to its utterance.

    >>> valid(torch.tensor([1, 3]), 3).int()
    tensor([[1, 0, 0],
            [1, 1, 1]], dtype=torch.int32)
    """
    return torch.arange(total, device=counts.device) < counts[:, None]


def trimmed(card: Card, waves: Tensor, lengths: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
    """The batch on the device of the network, cut to its longest utterance, exact zeros as padding.

    Args:
        card: says the shortest input.
        waves: (batch, samples).
        lengths: (batch,) int64.
        device: where the network lies.

    Raises:
        AudioError: an utterance is shorter than `card.min_samples`, or longer than its row.
    """
    shortest, longest = int(lengths.min()), int(lengths.max())
    if shortest < card.min_samples or longest > waves.shape[1]:
        wrong = shortest if shortest < card.min_samples else longest
        raise AudioError(
            f"{card.name} cannot read an utterance of this length",
            got=f"{wrong} samples in a row of {waves.shape[1]}",
            wanted=f"at least {card.min_samples} samples, none beyond the end of the row",
            next_step="leave the clip out, or choose an upstream with a smaller min_samples",
        )
    lengths = lengths.to(device)
    waves = waves[:, :longest].to(device=device, dtype=torch.float32)
    return waves.masked_fill(~valid(lengths, longest), 0.0), lengths
