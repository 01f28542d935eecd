"""The error between prediction and target, and the figures that a step is told by."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Losses(NamedTuple):
    """Sums over a batch; gradients are divided by the `frames` of all processes and micro-batches."""

    total: Tensor
    """Scalar with gradient."""
    frame: Tensor
    utterance: Tensor
    frames: int
    """Masked frames of all clones."""
    target_std: Tensor
    """Mean over channels of the targets' standard deviation over everything masked: collapse shows here."""
    prediction_std: Tensor
    utterance_target_rms: Tensor | None = None
    """Root mean square of what utterances are held to: 0 where their loss teaches nothing; None without it."""

    def figures(self) -> dict[str, float]:
        """For the log, losses per masked frame; a GPU is waited for once."""
        told = {
            "frame_loss": self.frame / self.frames,
            "utterance_loss": self.utterance / self.frames,
            "target_std": self.target_std,
            "prediction_std": self.prediction_std,
        }
        if self.utterance_target_rms is not None:
            told["utterance_target_rms"] = self.utterance_target_rms
        return dict(zip(told, torch.stack([*told.values()]).tolist(), strict=True))


def scaled_error(predicted: Tensor, wanted: Tensor, beta: float, scale: float | None) -> Tensor:
    """Squared error of every channel, or smooth L1 where `beta` is above 0, in float32.

    Args:
        predicted: (rows, dim).
        wanted: the same shape, float32.
        beta: where smooth L1 turns from square to straight.
        scale: None: one over the square root of the dimension.
    """
    predicted, factor = predicted.float(), wanted.shape[-1] ** -0.5 if scale is None else scale
    if beta == 0:
        return F.mse_loss(predicted, wanted, reduction="none") * factor
    return F.smooth_l1_loss(predicted, wanted, reduction="none", beta=beta) * factor


def root_mean_square(x: Tensor) -> Tensor:
    """Of all elements; (rows, dim) -> scalar."""
    return x.float().square().mean().sqrt()


def spread(x: Tensor) -> Tensor:
    """Mean over channels of the standard deviation over rows; (rows, dim) -> scalar."""
    return (x.float().var(0) + 1e-6).sqrt().mean()
