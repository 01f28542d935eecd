"""The measure that selects is the one that was asked for; the first best moment wins."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from downstreams._select_by import MeasuredSelection, SelectBy
from harness.contracts import Labelled, Means

TARGETS = torch.tensor([0] * 8 + [1] * 2)
# Predictions per moment: WA 80, 70, 70, 50 and WF1 71.1, 73.0, 73.0, 53.3 of these targets.
MOMENTS = torch.tensor([[0] * 10, [0] * 5 + [1] * 5, [1] * 3 + [0] * 5 + [1] * 2, [0] * 4 + [1] * 5 + [0]])
WATCH = Labelled(Means(torch.arange(10.0)[:, None, None]), TARGETS)


class Moments(nn.Module):
    """Predicts what is written above for its own moment, which is its only state."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("moment", torch.tensor(0))

    def forward(self, view: Means) -> Tensor:
        rows = view.values.flatten().long()
        return nn.functional.one_hot(MOMENTS[int(self.moment), rows], 2).float()


def looked_at(by: SelectBy, watch: Labelled | None) -> tuple[str, int, list[dict[str, float]]]:
    module, selection = Moments(), MeasuredSelection(by, "epoch", watch, utterances=3)
    rows = []
    for moment in range(4):
        module.moment.fill_(moment)
        rows.append(selection.look(module, moment + 1))
    return selection.settle(module), int(module.moment), rows


@pytest.mark.parametrize(
    ("by", "said", "kept"),
    [("wa", "epoch 1 by watch WA 80.0", 0), ("wf1", "epoch 2 by watch WF1 73.0", 1)],
)
def test_the_first_best_moment_by_each_measure(by: SelectBy, said: str, kept: int) -> None:
    told, moment, rows = looked_at(by, WATCH)
    assert (told, moment) == (said, kept)
    assert [row["watch_wa"] for row in rows] == [80, 70, 70, 50]
    assert all(("watch_wf1" in row) == (by == "wf1") for row in rows)


def test_without_a_watch_the_last_moment_stays() -> None:
    assert looked_at("wf1", None) == ("epoch 4, the last", 3, [{}] * 4)
