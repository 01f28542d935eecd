"""Rows of a larger tensor that are copied when they are used, and only those: a fold of a view that lies on disk.

To whoever uses it, it is a tensor: every operation gets a plain copy of the rows. Taking some of the rows, a slice
of them, or one column of all, copies no more than it answers with; so a head that trains in batches never holds
more than a batch, and one that reads layer after layer no more than a layer.

Torch is told so by a subclass with `__torch_dispatch__` (https://docs.pytorch.org/docs/stable/notes/extending.html).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

_ATEN: Any = torch.ops.aten


class Places(NamedTuple):
    """Runs of rows of a table, one after the other."""

    starts: Tensor
    """(runs,) int64: the first row of each run in the table."""
    offsets: Tensor
    """(runs + 1,) int64: run i holds positions offsets[i]:offsets[i + 1]."""

    def __len__(self) -> int:
        return int(self.offsets[-1])

    def rows(self, positions: Tensor) -> Tensor:
        """The rows of the table at these positions (int64, counted from the front)."""
        run = torch.searchsorted(self.offsets, positions.contiguous(), right=True) - 1
        return self.starts[run] + positions - self.offsets[run]


class Single(NamedTuple):
    """One row of a table at every position."""

    at: Tensor
    """(positions,) int64 rows of the table."""

    def __len__(self) -> int:
        return len(self.at)

    def rows(self, positions: Tensor) -> Tensor:
        """The rows of the table at these positions (int64, counted from the front)."""
        return self.at[positions]


class Selected(Tensor):
    """Rows of a table, to be read only.

    Args:
        table: (rows, ...); a memory-mapped one is read where it is used.
        places: which of its rows, in which order.
    """

    table: Tensor
    places: Places | Single

    @staticmethod
    def __new__(cls: type[Selected], table: Tensor, places: Places | Single) -> Selected:
        """Only shape and type; the rows stay where they are."""
        make: Any = torch.Tensor._make_wrapper_subclass
        shape = (len(places), *table.shape[1:])
        return cast("Selected", make(cls, shape, dtype=table.dtype, device=table.device))

    def __init__(self, table: Tensor, places: Places | Single) -> None:
        super().__init__()
        self.table, self.places = table, places

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]  # torch stubs a plain method
        cls,
        func: Any,  # noqa: ANN401  an operator of torch
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401  what the operator gives
        """Answer what needs few rows from those; anything else gets a copy of all.

        Raises:
            TypeError: an operator that writes into them.
        """
        given = dict(kwargs or {})
        _refuse_to_write(func, args, given)
        frugal = _FRUGAL.get(func)
        if frugal is not None and isinstance(args[0], Selected):
            answer = frugal(*args, **given)
            if answer is not None:
                return answer
        args, given = tree_map_only(Selected, Selected.copied, (args, given))
        return func(*args, **given)

    def copied(self) -> Tensor:
        """All rows as a plain tensor."""
        return self.at(torch.arange(len(self.places)))

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, np.dtype[Any]]:
        """A copy of all rows."""
        return self.copied().numpy(force=force)

    def tolist(self) -> list[Any]:
        """All values."""
        values: list[Any] = self.copied().tolist()
        return values

    def __setitem__(self, place: Any, value: Any) -> None:  # noqa: ANN401  as torch has it
        """Refused: a slice would be a copy, and the values would be lost."""
        raise TypeError("these features are read by several folds; clone them before they are changed")

    def __reduce_ex__(self, protocol: Any) -> Any:  # noqa: ANN401  as torch has it
        """Travels to other processes, and is copied, as a plain tensor."""
        return self.copied().__reduce_ex__(protocol)  # type: ignore[no-untyped-call]

    def __deepcopy__(self, memo: Any) -> Tensor:  # noqa: ANN401  as torch has it
        """A plain tensor of its own."""
        return self.copied()

    def at(self, positions: Tensor) -> Tensor:
        """The rows at these positions (int64, from the front) as a plain tensor.

        Never one of inference mode: torch ties what it takes for a view of this tensor to it, and could not.
        """
        with torch.inference_mode(mode=False):
            return torch.index_select(self.table, 0, self.places.rows(positions))


def _refuse_to_write(func: Any, args: Sequence[Any], given: Mapping[str, Any]) -> None:  # noqa: ANN401
    for place, argument in enumerate(func._schema.arguments):
        value = args[place] if place < len(args) else given.get(argument.name)
        if isinstance(value, Selected) and argument.alias_info and argument.alias_info.is_write:
            raise TypeError(f"{func} would write into features that several folds read; clone them first")


def _slice(
    values: Selected, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor | None:
    if dim != 0:
        return None
    return values.at(torch.arange(len(values.places))[start:end:step])


def _select(values: Selected, dim: int, index: int) -> Tensor:
    if dim % values.dim():
        return Selected(values.table.select(dim, index), values.places)
    return values.at(torch.tensor([index % len(values.places)]))[0]


def _index_select(values: Selected, dim: int, index: Tensor) -> Tensor | None:
    return None if dim % values.dim() else values.at(index)


def _index(values: Selected, indices: Sequence[Tensor | None]) -> Tensor | None:
    first, rest = indices[0], indices[1:]
    if first is None or first.dtype != torch.int64 or any(one is not None for one in rest):
        return None
    rows = torch.where(first < 0, first + len(values.places), first)
    found = values.at(rows.reshape(-1))
    return found.reshape(*first.shape, *found.shape[1:])


_FRUGAL: Mapping[Any, Callable[..., Tensor | None]] = {
    _ATEN.slice.Tensor: _slice,
    _ATEN.select.int: _select,
    _ATEN.index_select.default: _index_select,
    _ATEN.index.Tensor: _index,
}
"""Operators that need few of the rows; None says that this use of them does not."""
