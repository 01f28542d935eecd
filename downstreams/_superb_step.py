"""One update of SUPERB's emotion head, from time means (gradient written out) or from frames (autograd).

Nothing between the weighted sum of layers and the classifier is nonlinear, so the mean over time may be taken
first: training from means is training from frames. For the same reason the two linear layers act as one map of
rank `classes`; its gradient, and from it those of the two factors, needs an eighth of autograd's multiplications.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch
from torch import nn

from downstreams._pooling import segment_mean
from harness.contracts import Means, PackedFrames, Shape

if TYPE_CHECKING:
    from torch import Tensor


class WeightedSumLinear(nn.Module):
    """Softmax-weighted sum of layers -> Linear -> mean over time -> Linear, no nonlinearity.

    The layer weights start at zero (all layers count the same), the linear layers as torch starts them, in the
    order in which SUPERB makes them.
    """

    def __init__(self, shape: Shape, projector_dim: int) -> None:
        super().__init__()
        self.layer_weights = nn.Parameter(torch.zeros(shape.layers))
        self.projector = nn.Linear(shape.dim, projector_dim)
        self.classifier = nn.Linear(projector_dim, shape.classes)

    def forward(self, view: Means | PackedFrames) -> Tensor:
        """Logits, (utterances, classes)."""
        mixed = torch.einsum("l,nld->nd", self.layer_weights.softmax(0), view.values.float())
        hidden = self.projector(mixed)
        if isinstance(view, PackedFrames):
            hidden = segment_mean(hidden, view.offsets)
        logits: Tensor = self.classifier(hidden)
        return logits


class Rule(NamedTuple):
    """How the weights are updated."""

    lr: float
    clip_norm: float


class Stepper(Protocol):
    """Updates the module's weights with one batch after the other."""

    def step(self, rows: Tensor) -> Tensor:
        """One update with the utterances at these positions; the mean loss of the batch before it."""
        ...


class FrameStepper:
    """Plain autograd, for frames (and the reference for what is written out below)."""

    def __init__(
        self, module: WeightedSumLinear, view: Means | PackedFrames, targets: Tensor, rule: Rule
    ) -> None:
        self._module, self._view, self._targets = module, view, targets
        self._clip_norm = rule.clip_norm
        self._adam = torch.optim.Adam(module.parameters(), lr=rule.lr, fused=True)

    def step(self, rows: Tensor) -> Tensor:
        """One update with the utterances at these positions; the mean loss of the batch before it."""
        self._adam.zero_grad()
        loss = nn.functional.cross_entropy(self._module(self._view.take(rows)), self._targets[rows])
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._module.parameters(), self._clip_norm)
        self._adam.step()
        return loss.detach()


class _Parts(NamedTuple):
    """Views into one flat vector, shaped like the parameters of `WeightedSumLinear`, in its own order."""

    layer_weights: Tensor
    projector_weight: Tensor
    projector_bias: Tensor
    classifier_weight: Tensor
    classifier_bias: Tensor


class MeanStepper:
    """The same update from time means, with the gradient written out.

    With W = V U (classifier times projector) the logits are W x + V u + v. For the derivatives g by the offset
    and G by W: dv = g, du = V'g, dU = V'G, dV = G U' + g u'. All weights live in one flat vector (the module's
    parameters become views of it), so that the norm, the clipping and Adam are one call each.

    Args:
        module: is trained in place.
        view: time means of all training utterances, read where they lie; contiguous float32 is not copied.
        targets: (utterances,) int64.
        rule: learning rate and gradient norm.
        batch: utterances of every step.
    """

    def __init__(
        self, module: WeightedSumLinear, view: Means, targets: Tensor, rule: Rule, batch: int
    ) -> None:
        lying = view.rows()
        self._rows, self._at = lying.table.float().reshape(len(lying.table), -1), lying.at
        self._targets, self._clip_norm, self._batch = targets, rule.clip_norm, batch
        self._weights, self._flat = _flatten(module)
        self._flat.grad = torch.zeros_like(self._flat)
        self._slopes = _split(self._flat.grad, [part.shape for part in self._weights])
        self._means = self._rows.new_empty(batch, *view.values.shape[1:])
        self._scaled = torch.empty_like(self._means)
        self._adam = torch.optim.Adam([self._flat], lr=rule.lr, fused=True)

    @torch.no_grad()
    def step(self, rows: Tensor) -> Tensor:
        """One update with the utterances at these positions; the mean loss of the batch before it."""
        loss = self.gradient(rows)
        gradient = self._slopes_flat
        gradient.mul_((self._clip_norm / (torch.linalg.vector_norm(gradient) + 1e-6)).clamp_(max=1.0))
        self._adam.step()
        return loss

    @torch.no_grad()
    def gradient(self, rows: Tensor) -> Tensor:
        """Put the gradient of the batch's mean loss beside the weights and give the loss."""
        weights, slopes = self._weights, self._slopes
        at = self._at.index_select(0, rows)
        torch.index_select(self._rows, 0, at, out=self._means.view(self._batch, -1))
        share = weights.layer_weights.softmax(0)
        mixed = torch.matmul(share, self._means)  # (batch, dim)
        whole = weights.classifier_weight @ weights.projector_weight  # (classes, dim)
        offset = torch.addmv(weights.classifier_bias, weights.classifier_weight, weights.projector_bias)
        logits = torch.addmm(offset, mixed, whole.t())
        loss, error = _loss_and_error(logits, self._targets.index_select(0, rows))
        self._put_linear_slopes(error.sum(0), error.t() @ mixed)
        error = error @ whole  # (batch, dim)
        per_layer = torch.mul(self._means, error.unsqueeze(1), out=self._scaled).sum((0, 2))
        torch.mul(share, per_layer - share.dot(per_layer), out=slopes.layer_weights)
        return loss

    def _put_linear_slopes(self, bias: Tensor, whole: Tensor) -> None:
        """From the derivatives by the composed map, (classes,) and (classes, dim), to those by its factors."""
        weights, slopes = self._weights, self._slopes
        slopes.classifier_bias.copy_(bias)
        torch.mv(weights.classifier_weight.t(), bias, out=slopes.projector_bias)
        torch.mm(weights.classifier_weight.t(), whole, out=slopes.projector_weight)
        torch.mm(whole, weights.projector_weight.t(), out=slopes.classifier_weight)
        slopes.classifier_weight.addr_(bias, weights.projector_bias)

    @property
    def _slopes_flat(self) -> Tensor:
        if self._flat.grad is None:
            raise RuntimeError("the gradient vector was taken away")
        return self._flat.grad


def _loss_and_error(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy of a batch and its derivative by the logits."""
    logs = logits.log_softmax(1)
    loss = nn.functional.nll_loss(logs, targets)
    error = logs.exp_()
    error.scatter_add_(1, targets.unsqueeze(1), error.new_full((len(targets), 1), -1.0))
    return loss, error.div_(len(targets))


def _flatten(module: WeightedSumLinear) -> tuple[_Parts, nn.Parameter]:
    """Move all parameters into one vector; the module keeps working on views of it."""
    parameters = list(module.parameters())
    flat = nn.Parameter(torch.cat([parameter.detach().reshape(-1) for parameter in parameters]))
    parts = _split(flat.detach(), [parameter.shape for parameter in parameters])
    for parameter, part in zip(parameters, parts, strict=True):
        parameter.data = part
    return parts, flat


def _split(flat: Tensor, shapes: list[torch.Size]) -> _Parts:
    pieces = torch.split_with_sizes(flat, [shape.numel() for shape in shapes])
    return _Parts(*(piece.view(shape) for piece, shape in zip(pieces, shapes, strict=True)))
