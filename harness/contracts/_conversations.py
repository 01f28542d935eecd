"""What a head sees of a conversation: the utterances of the earlier turns, in order, and who says each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

ROLES = ("speaker", "interlocutor", "other")
"""Seen from the target: who says it; who they talk to (of several the most frequent one); everybody else."""


class Contexts(NamedTuple):
    """Sequences of utterances, packed. An utterance lies in `values` once, however many examples read it."""

    values: Tensor
    """(utterances, layers, dim) float32: one vector per utterance and layer."""
    rows: Tensor
    """(total,) int64 rows of `values`, example after example, each in the order of its conversation."""
    offsets: Tensor
    """(examples + 1,) int64; example i owns places offsets[i]:offsets[i + 1] of `rows` and `roles`."""
    roles: Tensor
    """(total,) int64 positions in `ROLES`."""

    def __len__(self) -> int:
        return int(self.offsets.shape[0]) - 1

    def take(self, examples: Tensor) -> Contexts:
        """The examples at these positions (int64), packed anew; the values are shared."""
        import torch

        starts, counts = self.offsets[examples], self.offsets[examples + 1] - self.offsets[examples]
        offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        places = torch.arange(int(offsets[-1])) + torch.repeat_interleave(starts - offsets[:-1], counts)
        return Contexts(self.values, self.rows[places], offsets, self.roles[places])


class LabelledContexts(NamedTuple):
    """A part of a fold as a head that reads conversations sees it."""

    view: Contexts
    targets: Tensor
    """(examples,) int64 class indices."""
