"""Which frames a student does not see. Masks are drawn after the crop, so that each fits its utterance.

Source: facebookresearch/fairseq at 3d262bb, `fairseq/data/data_utils.py:compute_block_mask_1d` (data2vec 2.0,
drawn in the data loader) and `compute_mask_indices` (data2vec 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from harness.errors import AudioError

Mask = NDArray[np.bool_]


class Places(NamedTuple):
    """Masks as indices, made on the CPU: a GPU would have to be waited for before their number is known."""

    hidden: Tensor
    """(rows, masked frames) int64, ascending."""
    seen: Tensor
    """(rows, visible frames) int64, ascending."""


def places(masks: Tensor) -> Places:
    """The indices of (rows, frames) bool masks, True = masked, that mask equally many frames in every row."""
    order = masks.long().argsort(dim=1, stable=True)
    visible = masks.shape[1] - int(masks[0].sum())
    return Places(hidden=order[:, visible:], seen=order[:, :visible])


@dataclass(frozen=True, kw_only=True)
class MaskRule:
    """How much is masked, and in spans of which length; the defaults are the released run's."""

    share: float = 0.5
    """Of the frames, exactly: `int(share * frames)` are masked in every clone."""
    adjust: float = 0.05
    """Added to the share when spans are drawn, so that fewer single frames have to fill up."""
    length: int = 5
    """Frames of a span."""


def block_masks(frames: int, clones: int, rule: MaskRule, rng: Generator) -> Tensor:
    """Masks of the data2vec 2.0 form.

    Span centres are drawn with replacement, spans cut off at the borders; then single frames are masked or freed
    at random until the count is exact, so that about two in five runs are one frame long.

    Returns:
        (clones, frames) bool, True = masked, the same count in every row.

    Raises:
        AudioError: so few frames that none is masked.
    """
    wanted = int(rule.share * frames)
    if wanted < 1:
        raise _too_short(frames, f"enough for a masked one: {rule.share} of them, rounded down")
    rows = [_block_mask(frames, wanted, rule, rng) for _ in range(clones)]
    return torch.from_numpy(np.stack(rows))


def _block_mask(frames: int, wanted: int, rule: MaskRule, rng: Generator) -> Mask:
    spans = int(frames * (rule.share + rule.adjust) / rule.length)
    centres = rng.integers(0, frames, spans)
    offsets = np.arange(rule.length) - rule.length // 2
    mask = np.zeros(frames, dtype=bool)
    mask[np.clip(centres[:, None] + offsets, 0, frames - 1)] = True
    surplus = int(mask.sum()) - wanted
    candidates = np.flatnonzero(mask if surplus > 0 else ~mask)
    mask[rng.choice(candidates, abs(surplus), replace=False)] = surplus < 0
    return mask


@dataclass(frozen=True, kw_only=True)
class SpanRule:
    """data2vec 1's masks; the defaults are its base model's."""

    share: float = 0.65
    """Aimed at before spans overlap: 0.65 in spans of 10 masks about 49 % of the frames."""
    length: int = 10


def span_masks(frames: int, utterances: int, rule: SpanRule, rng: Generator) -> Tensor:
    """Masks of the data2vec 1 form: starts without replacement, all rows brought down to the smallest count.

    Returns:
        (utterances, frames) bool, True = masked, the same count in every row.

    Raises:
        AudioError: fewer than two frames, over which no target can be normalised.
    """
    if frames < 2:
        raise _too_short(frames, "at least 2")
    rows = [_span_mask(frames, rule, rng) for _ in range(utterances)]
    fewest = min(int(row.sum()) for row in rows)
    for row in rows:
        masked = np.flatnonzero(row)
        row[rng.choice(masked, len(masked) - fewest, replace=False)] = False
    return torch.from_numpy(np.stack(rows))


def _span_mask(frames: int, rule: SpanRule, rng: Generator) -> Mask:
    spans = max(1, int(rule.share * frames / rule.length + rng.random()))
    places = frames - rule.length
    if places <= spans:
        places = spans + 1
    starts = rng.choice(places, spans, replace=False)
    mask = np.zeros(frames, dtype=bool)
    covered = (starts[:, None] + np.arange(rule.length)).ravel()
    mask[covered[covered < frames]] = True
    return mask


def _too_short(frames: int, wanted: str) -> AudioError:
    return AudioError(
        "an utterance is too short to be masked",
        got=f"{frames} frames",
        wanted=wanted,
        next_step="set batch.shortest higher",
    )
