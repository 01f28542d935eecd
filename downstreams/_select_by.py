"""Which measure of the watched part selects: accuracy (WA), or the weighted F1 of the sentiment benchmarks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

from downstreams._selection import Selection, logits_of, weighted_accuracy
from harness.contracts import Labelled, Means, PackedFrames

if TYPE_CHECKING:
    from torch import Tensor, nn

SelectBy: TypeAlias = Literal["wa", "wf1"]


def weighted_f1(logits: Tensor, targets: Tensor) -> float:
    """WF1 in percent: the mean of the classes' F1, weighted by how often each is true."""
    from sklearn.metrics import f1_score

    guessed = logits.argmax(1)
    return 100.0 * float(f1_score(targets.numpy(), guessed.numpy(), average="weighted", zero_division=0))


MEASURES: Mapping[str, Callable[[Tensor, Tensor], float]] = {"wa": weighted_accuracy, "wf1": weighted_f1}
"""Logits (utterances, classes) and class indices (utterances,) -> percent."""


class MeasuredSelection(Selection):
    """Keeps the weights of the first moment that is best by one of `MEASURES`; WA is told in any case.

    Args:
        by: the measure that selects.
        unit: `epoch` or `step`, for the report.
        watch: the part that selects; None keeps the last state.
        utterances: how many of it are evaluated at a time.
        logits: how it is evaluated.
    """

    def __init__(
        self,
        by: SelectBy,
        unit: str,
        watch: Labelled | None,
        utterances: int,
        logits: Callable[[nn.Module, Means | PackedFrames, int], Tensor] = logits_of,
    ) -> None:
        super().__init__(unit, watch, utterances)
        self._by, self._logits = by, logits

    def look(self, module: nn.Module, moment: int) -> dict[str, float]:
        """Evaluate the module on the watched part; the measures as a piece of a history row."""
        if self._watch is None:
            return super().look(module, moment)
        logits = self._logits(module, self._watch.view, self._utterances)
        seen = {name: MEASURES[name](logits, self._watch.targets) for name in dict.fromkeys(("wa", self._by))}
        if seen[self._by] > self._best:
            self._best, self._moment = seen[self._by], moment
            self._state = copy.deepcopy(module.state_dict())
        return {f"watch_{name}": value for name, value in seen.items()}

    def settle(self, module: nn.Module) -> str:
        """Put the selected weights into the module and say what was selected."""
        said = super().settle(module)
        chosen = f"{self._unit} {self._moment} by watch {self._by.upper()} {self._best:.1f}"
        return said if self._watch is None else chosen
