"""Heads that learn values instead of a class: numbers on scales, or shares of the classes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from downstreams._epochs import EpochHead, Plan
from downstreams._seeded import one_thread
from downstreams._selection import Selection, logits_of
from downstreams._value_checks import check_values
from harness.contracts import FitReport, Labelled, Shape

if TYPE_CHECKING:
    from torch import Tensor, nn

    from downstreams._mlp import MeansMlp


class Measure(NamedTuple):
    """What the watched part is measured by."""

    name: str
    title: str
    function: Callable[[Tensor, Tensor], Tensor]
    """Outputs and values, (utterances, outputs) each -> one number."""
    higher_is_better: bool = True


class ValueSelection(Selection):
    """Keeps the weights of the first moment that is best by a measure of values.

    Args:
        measure: what selects.
        watch: the part that selects; None keeps the last state.
        utterances: how many of it are evaluated at a time.
    """

    def __init__(self, measure: Measure, watch: Labelled | None, utterances: int) -> None:
        super().__init__("epoch", watch, utterances)
        self._measure, self._best = measure, -float("inf")

    def look(self, module: nn.Module, moment: int) -> dict[str, float]:
        """Evaluate the module on the watched part; the measure as a piece of a history row."""
        if self._watch is None or self._watch.values is None:
            return super().look(module, moment)
        outputs = logits_of(module, self._watch.view, self._utterances)
        seen = float(self._measure.function(outputs.double(), self._watch.values.double()))
        worth = seen if self._measure.higher_is_better else -seen
        if worth > self._best:
            self._best, self._moment = worth, moment
            self._state = copy.deepcopy(module.state_dict())
        return {f"watch_{self._measure.name}": seen}

    def settle(self, module: nn.Module) -> str:
        """Put the selected weights into the module and say what was selected."""
        said = super().settle(module)
        best = self._best if self._measure.higher_is_better else -self._best
        chosen = f"epoch {self._moment} by watch {self._measure.title} {best:.3f}"
        return said if self._watch is None else chosen


class ValueHead(EpochHead):
    """A network over time means that learns values, epoch by epoch.

    Args:
        initial: the untrained network.
        shape: of the views; `classes` is the number of values.
        plan: how it is trained.
        seed: decides the order of the utterances and the dropout.
        measure: what selects.
    """

    module: MeansMlp

    def __init__(self, initial: MeansMlp, shape: Shape, plan: Plan, seed: int, measure: Measure) -> None:
        super().__init__(initial, shape, plan, seed)
        self._measure = measure

    def fit(self, train: Labelled, watch: Labelled | None, progress: Callable[[float], None]) -> FitReport:
        """As `EpochHead.fit`, on one core: the network is too small to be shared.

        Raises:
            HarnessError: parts that do not fit the head, see `downstreams._checks`.
        """
        with one_thread():
            return super().fit(train, watch, progress)

    def _check(self, train: Labelled, watch: Labelled | None) -> None:
        check_values(train, watch, self._shape)

    def _prepare(self, train: Labelled) -> None:
        self.module.standardise(train)

    def _selection(self, watch: Labelled | None) -> Selection:
        return ValueSelection(self._measure, watch, self._plan.batch)


def values_of(part: Labelled) -> Tensor:
    """The values of a part that was checked."""
    if part.values is None:
        raise TypeError("the values are checked before training")
    return part.values
