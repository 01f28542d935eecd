"""What heads refuse, and that looking for it takes a block of memory and not a copy of the corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from downstreams._checks import _BYTES_AT_ONCE, check_view
from harness.contracts import Means, PackedFrames, Shape
from harness.errors import CheckError

SHAPE = Shape(layers=13, dim=768, classes=4)
ROWS = 5000


class LargestAnswer(TorchDispatchMode):
    """Remembers the largest tensor that an operator makes (a view of another one is none)."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        answer = func(*args, **(kwargs or {}))
        if isinstance(answer, Tensor) and not answer._is_view():
            self.bytes = max(self.bytes, answer.numel() * answer.element_size())
        return answer


def wide() -> Tensor:
    """(ROWS, 13, 768) of a single number: 190 MiB to whoever copies them."""
    return torch.zeros(1, 1, 1).expand(ROWS, SHAPE.layers, SHAPE.dim)


@pytest.mark.parametrize("view", ["means", "frames", "a fold of means", "a fold of frames"])
def test_a_block_is_looked_at_and_not_a_copy_of_the_corpus(view: str) -> None:
    frames = PackedFrames(wide(), torch.arange(0, ROWS + 1, 50))
    views = {
        "means": Means(wide()),
        "frames": frames,
        "a fold of means": Means(wide()).select(torch.arange(ROWS - 1)),
        "a fold of frames": frames.select(torch.arange(1, len(frames))),
    }
    with LargestAnswer() as largest:
        check_view(views[view], SHAPE, "training part")
    assert 0 < largest.bytes <= _BYTES_AT_ONCE


@pytest.mark.parametrize("row", [0, 433, ROWS - 1])
def test_the_place_is_named_wherever_it_is(row: int) -> None:
    values = torch.zeros(ROWS, 2, 1536)
    values[row, 1, 7] = torch.inf
    shape = Shape(layers=2, dim=1536, classes=4)
    with pytest.raises(CheckError, match=rf"(?s)inf in utterance {row} of {ROWS}, layer 1, dimension 7"):
        check_view(Means(values), shape, "training part")
    frames = PackedFrames(values, torch.arange(0, ROWS + 1, 10))
    with pytest.raises(
        CheckError, match=rf"utterance {row // 10} of {ROWS // 10}, frame {row % 10}, layer 1"
    ):
        check_view(frames, shape, "training part")
