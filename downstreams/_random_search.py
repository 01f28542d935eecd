"""Random search over a head's settings: every draw is trained, the watched part selects one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from downstreams._select_by import SelectBy
from harness.contracts import FitReport, Head, Labelled, Means, PackedFrames
from harness.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

Settings: TypeAlias = dict[str, float]
_LARGEST_SEED = 2**31


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is drawn, how often, and what selects."""

    searched: Mapping[str, Sequence[float]]
    """Setting -> its candidates, each as likely as the others."""
    draws: int
    by: SelectBy


class RandomSearch:
    """A head that trains `draws` heads with settings of their own and keeps the first best one.

    Args:
        make: settings and a seed -> a fresh head.
        search: what is drawn.
        seed: decides the draws, and the seed that each draw is trained with.
    """

    def __init__(self, make: Callable[[Settings, int], Head], search: Search, seed: int) -> None:
        self._make, self._search, self._seed = make, search, seed
        self._chosen: Head | None = None

    def fit(self, train: Labelled, watch: Labelled | None, progress: Callable[[float], None]) -> FitReport:
        """Train every draw anew; the history holds them one after the other.

        Raises:
            ConfigError: there is no part that selects.
            HarnessError: parts that do not fit the heads.
        """
        if watch is None:
            raise ConfigError(
                "nothing selects among the draws of this head",
                got=f"head.draws={self._search.draws} and no part that selects",
                wanted="a part that selects, or no draws",
                next_step="split.select=dev, or head.draws=0 and the settings themselves",
            )
        best, selected, history = -1.0, "", list[dict[str, float]]()
        for number, (settings, seed) in enumerate(self._drawn(), start=1):
            head = self._make(settings, seed)
            report = head.fit(train, watch, self._share_of(progress, number))
            history += [{"draw": number} | settings | row for row in report.history]
            reached = max(row[f"watch_{self._search.by}"] for row in report.history)
            if reached > best:
                best, self._chosen = reached, head
                said = ", ".join(f"{name} {value:g}" for name, value in settings.items())
                selected = f"draw {number} of {self._search.draws} ({said}), {report.selected}"
        return FitReport(selected, history)

    def predict(self, view: Means | PackedFrames) -> Tensor:
        """Logits of the draw that was kept.

        Raises:
            RuntimeError: before `fit`.
        """
        if self._chosen is None:
            raise RuntimeError("predict was called before fit")
        return self._chosen.predict(view)

    def _drawn(self) -> list[tuple[Settings, int]]:
        """Settings and seed of every draw, from numpy's frozen generator."""
        import numpy as np

        chance = np.random.RandomState(self._seed)
        return [
            (
                {name: values[chance.randint(len(values))] for name, values in self._search.searched.items()},
                int(chance.randint(_LARGEST_SEED)),
            )
            for _ in range(self._search.draws)
        ]

    def _share_of(self, progress: Callable[[float], None], number: int) -> Callable[[float], None]:
        return lambda share: progress((number - 1 + share) / self._search.draws)
