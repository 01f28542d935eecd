"""Which state of a training is kept: the first with the best accuracy on the watched part, or the last."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

from downstreams._pooling import pieces
from harness.contracts import Labelled, Means, PackedFrames

if TYPE_CHECKING:
    from torch import Tensor, nn


def weighted_accuracy(logits: Tensor, targets: Tensor) -> float:
    """WA in percent: the share of utterances whose largest logit is the target's (the first on a tie).

    >>> weighted_accuracy(torch.tensor([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1]))
    50.0
    """
    return 100.0 * int((logits.argmax(1) == targets).sum()) / len(targets)


@torch.no_grad()
def logits_of(module: nn.Module, view: Means | PackedFrames, utterances: int) -> Tensor:
    """Logits in evaluation mode, so many utterances at a time; (utterances, classes) float32."""
    module.eval()
    return torch.cat([module(part) for part in pieces(view, utterances)])


class Selection:
    """Keeps the weights of the first best moment (strictly greater wins).

    Args:
        unit: `epoch` or `step`, for the report.
        watch: the part that selects; None keeps the last state.
        utterances: how many of it are evaluated at a time.
    """

    def __init__(self, unit: str, watch: Labelled | None, utterances: int) -> None:
        self._unit, self._watch, self._utterances = unit, watch, utterances
        self._best, self._moment = -1.0, 0
        self._state: dict[str, Tensor] = {}

    def look(self, module: nn.Module, moment: int) -> dict[str, float]:
        """Evaluate the module on the watched part; the WA as a piece of a history row, {} without a watch."""
        if self._watch is None:
            self._moment = moment
            return {}
        logits = logits_of(module, self._watch.view, self._utterances)
        accuracy = weighted_accuracy(logits, self._watch.targets)
        if accuracy > self._best:
            self._best, self._moment = accuracy, moment
            self._state = copy.deepcopy(module.state_dict())
        return {"watch_wa": accuracy}

    def settle(self, module: nn.Module) -> str:
        """Put the selected weights into the module and say what was selected."""
        if self._watch is None:
            return f"{self._unit} {self._moment}, the last"
        module.load_state_dict(self._state)
        return f"{self._unit} {self._moment} by watch WA {self._best:.1f}"
