"""Parts of the networks that predict the emotion of the next turn: recurrent layers over packed sequences.

Nothing is padded where it could be felt: recurrent layers run over packed sequences, attention is masked, and a
sequence without a single utterance (a role that never speaks) becomes a vector of zeros.

Source: the hierarchical GRUs of Shi, Li and Toda (2020, 2023) as a third party describes them; no official code.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence, pad_sequence, unpack_sequence

from harness.contracts import Contexts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

LAYERS = 2
SPEAKER, INTERLOCUTOR, OTHER = range(3)
"""Positions in `ROLES`."""


class Recurrent(nn.Module):
    """A GRU of two layers in one direction, over sequences of any length, none of them empty."""

    def __init__(self, dim: int, hidden_dim: int, dropout: float) -> None:
        super().__init__()
        self.gru = nn.GRU(dim, hidden_dim, num_layers=LAYERS, dropout=dropout)

    def forward(self, sequences: Sequence[Tensor]) -> list[Tensor]:
        """(steps, dim) each -> (steps, hidden_dim) each: the upper layer's state at every step."""
        states, _ = self.gru(pack_sequence(list(sequences), enforce_sorted=False))
        return list(unpack_sequence(states))


class SelfAttention(nn.Module):
    """One head of scaled dot-product attention (Vaswani et al. 2017, equation 1), then the mean over time."""

    def __init__(self, hidden_dim: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(hidden_dim, hidden_dim) for _ in range(3))

    def forward(self, sequences: Sequence[Tensor]) -> Tensor:
        """(steps, hidden_dim) each -> (sequences, hidden_dim)."""
        counts = torch.tensor([len(sequence) for sequence in sequences])
        states = pad_sequence(list(sequences), batch_first=True)
        there = torch.arange(states.shape[1]) < counts[:, None]
        scores = self.query(states) @ self.key(states).transpose(1, 2) / math.sqrt(states.shape[2])
        weights = scores.masked_fill(~there[:, None, :], -math.inf).softmax(dim=2)
        attended = (weights @ self.value(states)) * there[:, :, None]
        mean: Tensor = attended.sum(dim=1) / counts[:, None]
        return mean


class Branch(nn.Module):
    """What one side of a conversation has said: a GRU over its own states, attention, mean; zeros for silence."""

    def __init__(self, hidden_dim: int, dropout: float) -> None:
        super().__init__()
        self.recurrent = Recurrent(hidden_dim, hidden_dim, dropout)
        self.attention = SelfAttention(hidden_dim)

    def forward(self, states: Sequence[Tensor], chosen: Sequence[Tensor]) -> Tensor:
        """States of every example (steps, hidden_dim), and which are this side's -> (examples, hidden_dim)."""
        own = [state[mask] for state, mask in zip(states, chosen, strict=True)]
        speaking = [place for place, sequence in enumerate(own) if len(sequence)]
        summary = states[0].new_zeros(len(own), states[0].shape[1])
        if not speaking:
            return summary
        said = self.attention(self.recurrent([own[place] for place in speaking]))
        return summary.index_copy(0, torch.tensor(speaking), said)


class Hierarchical(nn.Module):
    """Interaction GRU over everything said -> two branches over its states -> Linear on both and the last state.

    Args:
        dim: width of an utterance.
        hidden_dim: of all states, queries, keys and values.
        dropout: between the two layers of every GRU.
        classes: outputs.
        partners: positions in `ROLES` of those whom the second branch listens to.
    """

    def __init__(
        self, dim: int, hidden_dim: int, dropout: float, classes: int, partners: Sequence[int]
    ) -> None:
        super().__init__()
        self.interaction = Recurrent(dim, hidden_dim, dropout)
        self.speaker = Branch(hidden_dim, dropout)
        self.interlocutor = Branch(hidden_dim, dropout)
        self.classifier = nn.Linear(3 * hidden_dim, classes)
        self._partners = torch.tensor(list(partners))

    def forward(self, contexts: Contexts) -> Tensor:
        """Logits, (examples, classes)."""
        states = self.interaction(sequences_of(contexts))
        roles = torch.split_with_sizes(contexts.roles, contexts.offsets.diff().tolist())
        mine = self.speaker(states, [role == SPEAKER for role in roles])
        theirs = self.interlocutor(states, [torch.isin(role, self._partners) for role in roles])
        last = torch.stack([state[-1] for state in states])
        logits: Tensor = self.classifier(torch.cat([mine, theirs, last], dim=1))
        return logits


class LastState(nn.Module):
    """One GRU over everything said -> Linear on its last state."""

    def __init__(self, dim: int, hidden_dim: int, dropout: float, classes: int) -> None:
        super().__init__()
        self.interaction = Recurrent(dim, hidden_dim, dropout)
        self.classifier = nn.Linear(hidden_dim, classes)

    def forward(self, contexts: Contexts) -> Tensor:
        """Logits, (examples, classes)."""
        states = self.interaction(sequences_of(contexts))
        logits: Tensor = self.classifier(torch.stack([state[-1] for state in states]))
        return logits


def sequences_of(contexts: Contexts) -> list[Tensor]:
    """The utterances of every example in their order, (steps, dim) float32 each."""
    values = contexts.values[contexts.rows, 0].float()
    return list(torch.split_with_sizes(values, contexts.offsets.diff().tolist()))
