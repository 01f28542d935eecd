"""A fold of a view that lies on disk: a tensor like any other, of which only what is used is copied."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from downstreams._pooling import means_of, pieces
from harness.contracts import Means, PackedFrames

TABLE = torch.randn(20, 3, 4, generator=torch.Generator().manual_seed(0))
AT = torch.tensor([5, 3, 19, 0, 7])
BOUNDS = torch.tensor([0, 4, 9, 10, 20])


def lazy() -> Tensor:
    return Means(TABLE).select(AT).values


USES: dict[str, Callable[[Tensor], Any]] = {
    "slice": lambda v: v[1:3],
    "slice from the end": lambda v: v[-2:],
    "step": lambda v: v[::2],
    "one row": lambda v: v[2],
    "last row": lambda v: v[-1],
    "one number": lambda v: v[2, 1, 3],
    "a column": lambda v: v[:, 1].double(),
    "rows of a column": lambda v: v[torch.tensor([4, 0]), 1],
    "a slice of a column": lambda v: v[:, 2][1:4],
    "rows": lambda v: v[torch.tensor([4, -1, 0])],
    "a table of rows": lambda v: v[torch.tensor([[4, 1], [0, 0]])],
    "true rows": lambda v: v[torch.tensor([True, False, True, False, False])],
    "pairs": lambda v: v[torch.tensor([0, 1]), torch.tensor([1, 2])],
    "sum of layers": lambda v: torch.einsum("l,nld->nd", torch.ones(3), v),
    "reshaped": lambda v: v.reshape(5, -1),
    "arithmetic": lambda v: 1 - 2 * v,
    "joined": lambda v: torch.cat([v, v]),
    "moments": lambda v: torch.cat(torch.var_mean(v.double(), 0)),
    "one by one": lambda v: torch.stack([row for row in v]),  # noqa: C416  Tensor.__iter__ is what is tried
    "split": lambda v: v.split([2, 3])[1],
    "linear": lambda v: torch.nn.functional.linear(v, torch.ones(2, 4)),
    "numpy": lambda v: torch.from_numpy(v.numpy()),
    "asarray": lambda v: torch.from_numpy(np.asarray(v)),
    "copied": copy.deepcopy,
    "sent": lambda v: pickle.loads(pickle.dumps(v)),
    "listed": lambda v: torch.tensor(v.tolist()),
    "into a place": lambda v: torch.index_select(v, 0, torch.tensor([4, 1]), out=torch.empty(2, 3, 4)),
}


@pytest.mark.parametrize("inference", [False, True])
@pytest.mark.parametrize("use", USES)
def test_it_answers_like_a_copy(use: str, inference: bool) -> None:
    with torch.inference_mode(inference):
        got, wanted = USES[use](lazy()), USES[use](TABLE[AT])
    assert type(got) is Tensor
    assert torch.equal(got, wanted)


def test_its_facts_cost_nothing() -> None:
    values = lazy()
    assert isinstance(values, Tensor)
    assert (values.shape, len(values), values.dtype, values.dim()) == ((5, 3, 4), 5, torch.float32, 3)
    assert values.float() is values


def test_a_missing_row_is_an_error_as_ever() -> None:
    with pytest.raises(IndexError):
        lazy()[7]
    with pytest.raises(IndexError):
        lazy()[torch.tensor([9])]


@pytest.mark.parametrize(
    "write",
    [lambda v: v.add_(1), lambda v: v.__setitem__(0, 0.0), lambda v: torch.add(v, 1, out=v)],
    ids=["in place", "assigned", "as a place"],
)
def test_nobody_writes_into_what_others_read(write: Callable[[Tensor], Any]) -> None:
    before = TABLE.clone()
    with pytest.raises(TypeError, match="clone them"):
        write(lazy())
    assert torch.equal(before, TABLE)


def test_gradients_pass_beside_it() -> None:
    weight = torch.ones(4, requires_grad=True)
    (lazy() * weight).sum().backward()
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, TABLE[AT].sum((0, 1)))


@given(rows=st.lists(st.integers(0, 3), max_size=6), again=st.lists(st.integers(0, 5), max_size=4))
def test_frames_of_a_selection_are_those_of_a_copy(rows: list[int], again: list[int]) -> None:
    view, index = PackedFrames(TABLE, BOUNDS), torch.tensor(rows, dtype=torch.int64)
    chosen, taken = view.select(index), view.take(index)
    _same(chosen, taken)
    further = torch.tensor([row for row in again if row < len(rows)], dtype=torch.int64)
    _same(chosen.select(further), taken.take(further))
    assert torch.equal(chosen.take(further).values, taken.take(further).values)
    for one, other in zip(pieces(chosen, 2), pieces(taken, 2), strict=True):
        assert torch.equal(one.values, other.values)
        assert type(one.values) is Tensor


def _same(chosen: PackedFrames, taken: PackedFrames) -> None:
    assert torch.equal(chosen.offsets, taken.offsets)
    assert torch.equal(chosen.values[:], taken.values)
    lying = chosen.runs()
    runs = [lying.table[a : a + n] for a, n in zip(lying.starts.tolist(), lying.counts.tolist(), strict=True)]
    assert torch.equal(torch.cat([TABLE[:0], *runs]), taken.values)


def test_means_of_a_selection_lie_where_they_lay() -> None:
    chosen = Means(TABLE).select(AT).select(torch.tensor([4, 0]))
    lying = chosen.rows()
    assert lying.table is TABLE
    assert lying.at.tolist() == [7, 5]
    assert torch.equal(means_of(chosen)[:], TABLE[[7, 5]])
    assert torch.equal(chosen.take(torch.tensor([1])).values, TABLE[[5]])
