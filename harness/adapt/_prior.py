"""Label-prior correction: a head's outputs as if the classes had other shares than in training.

A posterior carries the shares of the training part. Divided by them it holds for classes that are equally frequent
(`uniform`); multiplied with shares that expectation maximisation finds from the tested predictions alone, it holds
for those (`estimated`): Saerens, Latinne, Decaestecker 2002, Adjusting the outputs of a classifier to new a priori
probabilities, Neural Computation 14(1), 21-41, equations 2.4 and 2.9.

Both need posteriors. What a head gives need not be any (margins, overconfident networks), so one temperature is
fitted on the dev part first (Guo et al. 2017, On calibration of modern neural networks, ICML, section 4.2), for
every head alike; it never changes which class is largest before the correction. Where that temperature runs to its
limit the dev part trusts nothing in the outputs: there are no posteriors to correct, and they stay as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.errors import ConfigError

LOG_TEMPERATURES = (-7.0, 7.0)
"""Limits of the natural logarithm of the temperature: from a thousandth to a thousand."""
NEAR = 0.01
"""Of a limit, in the logarithm: the search ends this near to it at most."""
SMALLEST_SHARE = 1e-6
"""A class that expectation maximisation lets die keeps this share, so that its logit stays finite."""
CONVERGED = 1e-10
MOST_ROUNDS = 10_000


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What was done to the outputs of one head."""

    temperature: float
    trained: tuple[float, ...]
    """Shares of the classes in the training part, in the order of the classes."""
    assumed: tuple[float, ...]
    """Shares that the outputs hold for afterwards."""
    rounds: int
    """Of the expectation maximisation; 0 where there was none."""

    @property
    def done(self) -> bool:
        """False where the outputs stayed as they were."""
        return math.log(self.temperature) < LOG_TEMPERATURES[1] - NEAR

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "temperature": round(self.temperature, 6),
            "trained": [round(share, 6) for share in self.trained],
            "assumed": [round(share, 6) for share in self.assumed],
            "rounds": self.rounds,
            "done": self.done,
        }


def check_prior(prior: str, kind: str, select: str) -> None:
    """Refuse a correction that has no classes to correct, or no dev part to calibrate on.

    Raises:
        ConfigError: either of the two.
    """
    if prior == "none":
        return
    if kind != "classes":
        raise ConfigError(
            "label-prior correction needs classes",
            got=f"prior={prior} with a task whose targets are {kind}",
            wanted="a task whose targets are classes",
            next_step="set prior=none",
        )
    if select != "dev":
        raise ConfigError(
            "label-prior correction needs a dev part",
            got=f"prior={prior} with split.select={select}",
            wanted="split.select=dev: one temperature, fitted there, makes the head's outputs posteriors",
            next_step="set split.select=dev, or prior=none",
        )


def training_priors(targets: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """(classes,) shares of the class indices `targets`."""
    return np.asarray(np.bincount(targets, minlength=classes) / len(targets), dtype=np.float64)


def corrected(
    logits: NDArray[np.float32],
    trained: NDArray[np.float64],
    how: Literal["uniform", "estimated"],
    *,
    dev_logits: NDArray[np.float32],
    dev_targets: NDArray[np.int64],
) -> tuple[NDArray[np.float32], Correction]:
    """The outputs of a head, calibrated on the dev part, for other class shares than those of training.

    A class without a training example has no share to be corrected and keeps its (lowest) logit.

    Args:
        logits: (utterances, classes) of the tested part.
        trained: (classes,) shares in training.
        how: `uniform` for equal shares, `estimated` for those that fit the tested outputs best.
        dev_logits: (dev utterances, classes).
        dev_targets: (dev utterances,) class indices, the only labels that are read.

    Returns:
        (utterances, classes) float32 unnormalised log posteriors, and what was done.
    """
    present = trained > 0
    temperature = fitted_temperature(dev_logits, dev_targets)
    scaled = logits.astype(np.float64) / temperature
    share, rounds = np.where(present, 1.0 / present.sum(), 0.0), 0
    if not (untouched := _told(temperature, trained, trained, 0)).done:
        return logits, untouched
    if how == "estimated":
        share[present], rounds = estimated_priors(_posteriors(scaled[:, present]), trained[present])
    scaled[:, present] += np.log(share[present]) - np.log(trained[present])
    limit = float(np.finfo(np.float32).max)
    return np.clip(scaled, -limit, limit).astype(np.float32), _told(temperature, trained, share, rounds)


def _told(
    temperature: float, trained: NDArray[np.float64], assumed: NDArray[np.float64], rounds: int
) -> Correction:
    return Correction(
        temperature=temperature,
        trained=tuple(trained.tolist()),
        assumed=tuple(assumed.tolist()),
        rounds=rounds,
    )


def fitted_temperature(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
    """The temperature that makes the labels of these utterances likeliest; the search is convex in its inverse.

    Args:
        logits: (utterances, classes).
        targets: (utterances,) class indices.
    """
    from scipy.optimize import minimize_scalar

    values = logits.astype(np.float64)
    rows = np.arange(len(values))

    def loss(log_temperature: float) -> float:
        return float(-_log_posteriors(values / np.exp(log_temperature))[rows, targets].mean())

    found = minimize_scalar(loss, bounds=LOG_TEMPERATURES, method="bounded", options={"xatol": 1e-8})
    return float(np.exp(found.x))


def estimated_priors(
    posteriors: NDArray[np.float64], trained: NDArray[np.float64]
) -> tuple[NDArray[np.float64], int]:
    """Class shares of unlabelled utterances by expectation maximisation, and the rounds that it took.

    Args:
        posteriors: (utterances, classes) as a head trained with the shares `trained` gives them.
        trained: (classes,) above zero, sum 1.

    Source: Saerens et al. 2002, equation 2.9.
    """
    share, rounds, moved = trained.copy(), 0, np.inf
    while moved > CONVERGED and rounds < MOST_ROUNDS:
        weighted = posteriors * (share / trained)
        renewed = (weighted / weighted.sum(axis=1, keepdims=True)).mean(axis=0)
        renewed = np.maximum(renewed, SMALLEST_SHARE)
        renewed /= renewed.sum()
        moved, rounds = float(np.abs(renewed - share).max()), rounds + 1
        share = renewed
    return share, rounds


def _posteriors(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(_log_posteriors(logits)), dtype=np.float64)


def _log_posteriors(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import log_softmax

    return np.asarray(log_softmax(logits, axis=1), dtype=np.float64)
