"""Features standardised speaker by speaker, with that speaker's own utterances and none of their labels.

The field's usual remedy for voices and rooms that differ (Schuller et al. 2010, Cross-corpus acoustic emotion
recognition: variances and strategies, IEEE Transactions on Affective Computing 1(2), 119-131, "speaker
normalisation"). It reads all utterances of a tested speaker before the first one is predicted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness.contracts import Means, PackedFrames

if TYPE_CHECKING:
    from torch import Tensor

FEWEST = 5
"""Utterances a speaker needs for statistics of their own: from fewer, a deviation is off by more than a third."""
CONSTANT = 1e-7
"""A deviation below this share of the mean is rounding of float32: such a feature is centred and not divided."""


class Groups(NamedTuple):
    """Whose statistics standardise which utterance."""

    of: tuple[str, ...]
    """Per utterance: `speaker NAME`, or `corpus NAME` where the speaker gives no statistics."""
    corpora: tuple[str, ...]
    """Per utterance: the corpus it belongs to; the statistics of `corpus NAME` are those of all of them."""
    unnamed: int
    """Utterances whose speaker nobody names."""
    rare: int
    """Utterances by speakers who say fewer than `FEWEST`."""

    def members(self) -> dict[str, list[int]]:
        """Group -> the utterances whose statistics it takes."""
        found: dict[str, list[int]] = {name: [] for name in dict.fromkeys(self.of)}
        for row, (name, corpus) in enumerate(zip(self.of, self.corpora, strict=True)):
            if not name.startswith("corpus "):
                found[name].append(row)
            if f"corpus {corpus}" in found:
                found[f"corpus {corpus}"].append(row)
        return found


def speaker_groups(speakers: Sequence[str], corpora: Sequence[str]) -> Groups:
    """Everyone with enough utterances for themselves, everyone else with their corpus.

    Args:
        speakers: per utterance; empty where nobody names the speaker.
        corpora: per utterance; speakers of one name in two corpora have to be named apart already.
    """
    counts = Counter(speakers)
    of = tuple(
        f"speaker {speaker}" if speaker and counts[speaker] >= FEWEST else f"corpus {corpus}"
        for speaker, corpus in zip(speakers, corpora, strict=True)
    )
    rare = sum(count for name, count in counts.items() if name and count < FEWEST)
    return Groups(of, tuple(corpora), unnamed=counts[""], rare=rare)


def zscored(view: Means | PackedFrames, groups: Groups) -> Means | PackedFrames:
    """A view with mean 0 and deviation 1 (divided by the count) per speaker, layer and dimension.

    Of packed frames the statistics are those of all frames of a speaker, so that long utterances count for more.

    Args:
        view: of the utterances that `groups` is about, in that order.
        groups: whose statistics are taken.
    """
    import torch

    values = torch.empty_like(view.values, dtype=torch.float32)
    _standardise(view, groups, values)
    return Means(values) if isinstance(view, Means) else PackedFrames(values, view.offsets)


def zscore(view: Means | PackedFrames, groups: Groups) -> None:
    """The same in the place of the view's own values, one layer of one group at a time in memory."""
    _standardise(view, groups, view.values)


def _standardise(view: Means | PackedFrames, groups: Groups, values: Tensor) -> None:
    """A layer's statistics are all taken before the first of its values is written."""
    owned: dict[str, list[int]] = {name: [] for name in groups.of}
    for row, name in enumerate(groups.of):
        owned[name].append(row)
    members = groups.members()
    for layer in range(view.values.shape[1]):
        known = {name: _statistics(view.values[_rows(view, seen), layer]) for name, seen in members.items()}
        for name, own in owned.items():
            mean, deviation = known[name]
            rows = _rows(view, own)
            values[rows, layer] = ((view.values[rows, layer].double() - mean) / deviation).float()


def _statistics(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation (dim,) in float64; 1 stands for the deviation of a feature that does not move."""
    import torch

    variance, mean = torch.var_mean(rows.double(), dim=0, correction=0)
    deviation = variance.sqrt()
    return mean, torch.where(deviation > CONSTANT * mean.abs(), deviation, torch.ones_like(deviation))


def _rows(view: Means | PackedFrames, utterances: Sequence[int]) -> Tensor:
    """The rows of some utterances in the values of a view: themselves, or their frames."""
    import torch

    if isinstance(view, Means):
        return torch.tensor(utterances, dtype=torch.int64)
    bounds = [(int(view.offsets[row]), int(view.offsets[row + 1])) for row in utterances]
    return torch.cat([torch.arange(first, last) for first, last in bounds])
