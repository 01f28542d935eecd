"""A recurrent network over utterances of several lengths, one stretch of frames after the other.

Within a stretch the utterances that still go on are padded beside each other and run as one dense batch; the
state is handed on to the next stretch. Padding ends within a stretch, so little is computed in vain, and it comes
after an utterance's last frame, so nothing that is kept has seen it. A packed sequence pads nothing, but the
gradient of each of its steps is as large as the batch: on a CPU it took 3.5 times as long (32 utterances of 173
frames on average).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.utils.rnn import pad_sequence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

STRETCH = 64
"""Frames: 32 and 128 took longer, 1.1 and 1.3 times."""


def outputs_of(network: nn.GRU, sequences: Sequence[Tensor]) -> list[Tensor]:
    """What a network of one direction, `batch_first=False`, makes of every frame.

    Args:
        network: its dropout between layers is drawn anew for every stretch.
        sequences: (frames, dim) each, one frame or more.

    Returns:
        (frames, hidden) each, in the order given.
    """
    longest_first = sorted(range(len(sequences)), key=lambda place: -len(sequences[place]))
    pieces: list[list[Tensor]] = [[] for _ in sequences]
    state = None
    for first in range(0, len(sequences[longest_first[0]]), STRETCH):
        active = [place for place in longest_first if len(sequences[place]) > first]
        parts = [sequences[place][first : first + STRETCH] for place in active]
        carried = None if state is None else state[:, : len(active)].contiguous()
        outputs, state = network(pad_sequence(parts), carried)
        for column, (place, part) in enumerate(zip(active, parts, strict=True)):
            pieces[place].append(outputs[: len(part), column])
    return [torch.cat(own) for own in pieces]
