"""From a batch of hidden states to what is stored of each utterance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.contracts import Card, HiddenStates
from harness.errors import CheckError
from harness.store import UtteranceFeatures


def features_of(
    ids: Sequence[str], hidden: HiddenStates, card: Card, frame_layers: Sequence[int]
) -> list[UtteranceFeatures]:
    """Mean and deviation over the valid frames of every layer, and the frames asked for.

    Raises:
        CheckError: shapes that are not the card's, an utterance without frames, NaN or infinite features.
    """
    _check_shapes(ids, hidden, card)
    counts = [int(count) for count in hidden.frames.tolist()]
    means, deviations = _over_time(hidden.states, counts)
    _check_finite(ids, means, card)
    return [
        UtteranceFeatures(
            id=name,
            n_frames=count,
            mean=means[row],
            std=deviations[row],
            frames={layer: _numpy(hidden.states[layer][row, :count].float()) for layer in frame_layers},
        )
        for row, (name, count) in enumerate(zip(ids, counts, strict=True))
    ]


def _over_time(
    states: Sequence[Tensor], counts: Sequence[int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(batch, layers, dim) means and deviations, utterance by utterance, so that padding cannot matter.

    Two passes: a first mean, then the moments of what is left after it is taken away. Float32 is enough for
    both, eight times faster than float64, and the digits of a small deviation around a large mean are kept.
    """
    moments = torch.stack(
        [_moments(state[row, :count].float()) for row, count in enumerate(counts) for state in states]
    )
    first, rest, squares = moments.cpu().numpy().astype(np.float64).swapaxes(0, 1)
    shape = (len(counts), len(states), -1)
    variance = np.maximum(squares - rest**2, 0.0)
    means, deviations = (first + rest).astype(np.float32), np.sqrt(variance).astype(np.float32)
    return means.reshape(shape), deviations.reshape(shape)


def _moments(frames: Tensor) -> Tensor:
    """(3, dim): the mean, the mean of what differs from it (its rounding error), and the mean square of that."""
    mean = frames.mean(0)
    rest = frames - mean
    return torch.stack([mean, rest.mean(0), rest.square_().mean(0)])


def _numpy(values: Tensor) -> NDArray[np.float32]:
    """A copy, so that no view keeps the states of a whole batch alive."""
    return np.array(values.detach().cpu().numpy(), np.float32)


def _check_shapes(ids: Sequence[str], hidden: HiddenStates, card: Card) -> None:
    got = sorted({(state.ndim, state.shape[0], state.shape[-1]) for state in hidden.states})
    if got != [(3, len(ids), card.dim)] or len(hidden.states) != card.layers:
        raise CheckError(
            f"{card.name} does not give the hidden states that its card promises",
            got=f"{len(hidden.states)} layers of shapes {sorted({tuple(s.shape) for s in hidden.states})}",
            wanted=f"{card.layers} layers of shape ({len(ids)}, frames, {card.dim})",
            next_step="correct layers and dim on the card, or the upstream",
        )
    longest = min(state.shape[1] for state in hidden.states)
    for name, count in zip(ids, hidden.frames.tolist(), strict=True):
        if not 1 <= count <= longest:
            raise CheckError(
                f"{card.name} gives a wrong number of frames for {name}",
                got=f"{count} valid of {longest}",
                wanted=f"1 to {longest}",
                next_step=f"python -m harness check upstream={card.name}",
            )


def _check_finite(ids: Sequence[str], means: NDArray[np.float32], card: Card) -> None:
    """A NaN or an infinity in any frame makes the mean NaN or infinite, so looking at the means is enough."""
    broken = np.argwhere(~np.isfinite(means).all(axis=2))
    if len(broken):
        row, layer = broken[0]
        raise CheckError(
            f"{card.name} gives NaN or infinite features for {ids[row]}",
            got=f"layer {layer}, the first of {len(broken)} layers of utterances",
            wanted="finite features",
            next_step="listen to the file; if it is sound, python -m harness check upstream=" + card.name,
        )
