"""The gradient of emotion2vec's released head, written out, on the frames where they lie.

For an utterance with frames X the head gives V mean(relu(X W' + b)) + v. With the weights of a batch fixed,
its logits need nothing of the other utterances, so its gradient can follow at once, while X is still in the cache:
with e the error of the logits over the size of the batch and g = V'e over the frames, dW += (mask * g)' X, and
nobody asks for a derivative by X. That is two matrix products per utterance and no copy of the batch; autograd
over packed frames copies it, and reads it anew for every operation.

Utterances of a few frames are copied together, because a product of a few rows costs more than its arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from downstreams._pooling import segment_mean
from harness.contracts import PackedFrames

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from downstreams._frame_linear import FrameLinear

ALONE = 64
"""Frames from which an utterance is computed by itself: a product of so many rows runs at full speed."""
TOGETHER = 256
"""Frames of shorter ones that are copied together, at most: they and what they become fit the cache."""


class _Group(NamedTuple):
    """Utterances that are computed at once."""

    frames: Tensor
    """(frames, dim) float32, one utterance after the other."""
    places: slice
    """Where they stand among those that are computed."""
    counts: list[int]
    """Frames of each."""


class FrameLinearStepper:
    """Puts the gradient of one batch after the other beside the weights.

    Args:
        module: whose weights are learnt; they get a `.grad` that stays theirs.
        view: frames of all training utterances.
        targets: (utterances,) int64.
    """

    def __init__(self, module: FrameLinear, view: PackedFrames, targets: Tensor) -> None:
        self._module, self._view, self._targets = module, view, targets
        self._first = _First(module, view)
        for parameter in module.parameters():
            parameter.grad = torch.zeros_like(parameter)

    @torch.no_grad()
    def gradient(self, rows: Tensor) -> float:
        """Put the gradient of the mean loss of these utterances beside the weights; the sum of their losses."""
        for parameter in self._module.parameters():
            _slope(parameter).zero_()
        last, rows = self._module.post_net, rows[_order(self._view, rows)]
        targets = self._targets[rows]
        wanted = nn.functional.one_hot(targets, last.out_features).to(last.weight.dtype)
        means = wanted.new_empty(len(rows), last.in_features)
        logits, errors = torch.empty_like(wanted), torch.empty_like(wanted)
        for group in _groups(self._module, self._view, rows):
            active = self._first.of(group)
            hidden = _pool(active, group.counts, means[group.places])
            torch.addmm(last.bias, hidden, last.weight.t(), out=logits[group.places])
            error = torch.softmax(logits[group.places], 1, out=errors[group.places])
            error.sub_(wanted[group.places]).div_(len(rows))
            self._put_first_slopes(group, active, error @ last.weight)
        _slope(last.weight).addmm_(errors.t(), means)
        _slope(last.bias).add_(errors.sum(0))
        return float(nn.functional.cross_entropy(logits, targets, reduction="sum"))

    def _put_first_slopes(self, group: _Group, active: Tensor, slopes: Tensor) -> None:
        """From derivatives by the means, (utterances, hidden_dim), to the first layer's; uses `active` up."""
        active.sign_()
        if len(group.counts) == 1:
            active.mul_(slopes.div_(group.counts[0]))
        else:
            counts = torch.tensor(group.counts)
            active.mul_((slopes / counts.unsqueeze(1)).repeat_interleave(counts, 0))
        first = self._module.pre_net
        _slope(first.weight).addmm_(active.t(), group.frames)
        _slope(first.bias).add_(active.sum(0))


@torch.no_grad()
def pooled(module: FrameLinear, view: PackedFrames, rows: Tensor) -> Tensor:
    """Mean over the frames of the first layer after its ReLU, (utterances, hidden_dim), without a copy of them."""
    first, order = _First(module, view), _order(view, rows)
    means = module.pre_net.weight.new_empty(len(rows), module.pre_net.out_features)
    for group in _groups(module, view, rows[order]):
        _pool(first.of(group), group.counts, means[group.places])
    return means[order.argsort()]


class _First:
    """The first layer and its ReLU, into one piece of memory."""

    def __init__(self, module: FrameLinear, view: PackedFrames) -> None:
        longest = max(TOGETHER, int(view.runs().counts.max()) if len(view) else 0)
        self._module = module
        self._active = module.pre_net.weight.new_empty(longest, module.pre_net.out_features)

    def of(self, group: _Group) -> Tensor:
        """(frames, hidden_dim), good until the next group."""
        layer = self._module.pre_net
        active = self._active[: len(group.frames)]
        torch.mm(group.frames, layer.weight.t(), out=active)
        return active.add_(layer.bias).relu_()


def _pool(active: Tensor, counts: list[int], out: Tensor) -> Tensor:
    if len(counts) == 1:
        return torch.mean(active, 0, keepdim=True, out=out)
    return out.copy_(segment_mean(active, torch.tensor([0, *counts]).cumsum(0)))


def _order(view: PackedFrames, rows: Tensor) -> Tensor:
    """Long utterances before short ones, each in the order of the part; positions in `rows`.

    Not in that of the table: where a part lies must not change a bit of what is learnt from it.
    """
    order = rows.argsort()
    short = view.runs().counts[rows[order]] < ALONE
    return torch.cat([order[~short], order[short]])


def _groups(module: FrameLinear, view: PackedFrames, rows: Tensor) -> Iterator[_Group]:
    """The utterances at these positions, of which the short ones come last, some of those together."""
    runs = view.runs()
    starts, counts = runs.starts[rows].tolist(), runs.counts[rows].tolist()
    first = 0
    while first < len(counts):
        last, frames = first + 1, counts[first]
        while last < len(counts) and counts[first] < ALONE and frames + counts[last] <= TOGETHER:
            frames, last = frames + counts[last], last + 1
        blocks = [runs.table[starts[i] : starts[i] + counts[i], 0] for i in range(first, last)]
        yield _Group(_scaled(module, blocks), slice(first, last), counts[first:last])
        first = last


def _scaled(module: FrameLinear, blocks: list[Tensor]) -> Tensor:
    """One after the other, as the first layer reads them; no copy of a single one that need not be scaled."""
    frames = (blocks[0] if len(blocks) == 1 else torch.cat(blocks)).float()
    return (frames - module.mean).div_(module.deviation) if module.standardises else frames


def _slope(parameter: Tensor) -> Tensor:
    if parameter.grad is None:
        raise RuntimeError("the gradient of a parameter was taken away")
    return parameter.grad
