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


class _Run(NamedTuple):
    place: int
    """In the batch."""
    start: int
    """Row of the table."""
    frames: int


class _Group(NamedTuple):
    """Utterances that are computed at once."""

    frames: Tensor
    """(frames, dim) float32, one utterance after the other."""
    places: list[int]
    """Their places in the batch."""
    counts: list[int]


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
        last, targets = self._module.post_net, self._targets[rows]
        for parameter in self._module.parameters():
            _slope(parameter).zero_()
        means, losses = targets.new_empty(len(rows), last.in_features, dtype=torch.float32), 0.0
        errors = means.new_empty(len(rows), last.out_features)
        for group in _groups(self._module, self._view, rows):
            active = self._first.of(group)
            hidden = _pooled(active, group.counts)
            logs = last(hidden).log_softmax(1)
            wanted = targets[group.places].unsqueeze(1)
            losses -= float(logs.gather(1, wanted).sum())
            error = logs.exp_().scatter_add_(1, wanted, logs.new_full(wanted.shape, -1.0)).div_(len(rows))
            means[group.places], errors[group.places] = hidden, error
            self._put_first_slopes(group, active, error @ last.weight)
        _slope(last.weight).addmm_(errors.t(), means)
        _slope(last.bias).add_(errors.sum(0))
        return losses

    def _put_first_slopes(self, group: _Group, active: Tensor, slopes: Tensor) -> None:
        """From derivatives by the means, (utterances, hidden_dim), to the first layer's; uses `active` up."""
        counts = torch.tensor(group.counts)
        slopes.div_(counts.unsqueeze(1))
        active.sign_()
        active.mul_(slopes if len(counts) == 1 else slopes.repeat_interleave(counts, 0))
        first = self._module.pre_net
        _slope(first.weight).addmm_(active.t(), group.frames)
        _slope(first.bias).add_(active.sum(0))


@torch.no_grad()
def pooled(module: FrameLinear, view: PackedFrames, rows: Tensor) -> Tensor:
    """Mean over the frames of the first layer after its ReLU, (utterances, hidden_dim), without a copy of them."""
    first = _First(module, view)
    means = module.pre_net.weight.new_empty(len(rows), module.pre_net.out_features)
    for group in _groups(module, view, rows):
        means[group.places] = _pooled(first.of(group), group.counts)
    return means


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


def _pooled(active: Tensor, counts: list[int]) -> Tensor:
    if len(counts) == 1:
        return active.mean(0, keepdim=True)
    return segment_mean(active, torch.tensor([0, *counts]).cumsum(0))


def _groups(module: FrameLinear, view: PackedFrames, rows: Tensor) -> Iterator[_Group]:
    """The utterances at these positions, in the order of the part; short ones together.

    Not in that of the table: where a part lies must not change a bit of what is learnt from it.
    """
    runs, order = view.runs(), rows.argsort()
    starts, counts = (lying[rows[order]].tolist() for lying in (runs.starts, runs.counts))
    waiting: list[_Run] = []
    for place, start, count in zip(order.tolist(), starts, counts, strict=True):
        if count >= ALONE:
            yield _group(module, runs.table, [_Run(place, start, count)])
            continue
        if sum(run.frames for run in waiting) + count > TOGETHER:
            yield _group(module, runs.table, waiting)
            waiting = []
        waiting.append(_Run(place, start, count))
    if waiting:
        yield _group(module, runs.table, waiting)


def _group(module: FrameLinear, table: Tensor, runs: list[_Run]) -> _Group:
    blocks = [table[run.start : run.start + run.frames, 0] for run in runs]
    frames = (blocks[0] if len(blocks) == 1 else torch.cat(blocks)).float()
    if module.standardises:
        frames = (frames - module.mean).div_(module.deviation)
    return _Group(frames, [run.place for run in runs], [run.frames for run in runs])


def _slope(parameter: Tensor) -> Tensor:
    if parameter.grad is None:
        raise RuntimeError("the gradient of a parameter was taken away")
    return parameter.grad
