"""Made-up features of a fold, of the true shape: what a head is trained on while it is timed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.config import Part
from harness.contracts import Example
from harness.whole import IN_MEMORY_BYTES as MAPPED_BYTES

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contracts import Contexts

IN_MEMORY_BYTES = 1 << 30
"""Of made-up features that are numbers; what goes beyond is an empty file that is read as if it were features."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a measuring process is told of one training."""

    head: Part
    needs: str
    kind: str
    classes: tuple[str, ...]
    select: str
    seed: int
    threads: int
    layers: int
    dim: int
    parts: Mapping[str, tuple[Example, ...]]
    """train, dev and test; an empty dev where there is none."""
    frames: Mapping[str, int]
    """Utterance -> frames of it; for heads that read frames."""


@contextmanager
def table_of(lesson: Lesson) -> Iterator[Tensor]:
    """(rows, layers, dim) of all utterances: values around a point per class, and zeros beyond a gigabyte."""
    import torch

    counts = [_rows(lesson, name) for name in _utterances(lesson)]
    shape = (sum(counts), lesson.layers, lesson.dim)
    with TemporaryFile(prefix="emoharness-plan-") as file:
        row_bytes = 4 * lesson.layers * lesson.dim
        if shape[0] * row_bytes <= IN_MEMORY_BYTES:
            values = np.empty(shape, np.float32)
        else:
            file.truncate(shape[0] * row_bytes)
            values = np.memmap(file, np.float32, "r+", shape=shape)
        full = min(shape[0], IN_MEMORY_BYTES // row_bytes)
        draw = np.random.default_rng(0)
        draw.standard_normal(out=values[:full], dtype=np.float32)
        values[:full] += _around_classes(lesson, counts, draw)[:full, None, None]
        yield torch.from_numpy(values)


def _around_classes(
    lesson: Lesson, counts: Sequence[int], draw: np.random.Generator
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """(rows,) where the class of each row's utterance lies, so that there is something to learn."""
    target = {
        name: example.target
        for part in lesson.parts.values()
        for example in part
        for name in example.utterances
    }
    points = dict(zip(lesson.classes, draw.normal(0, 0.2, len(lesson.classes)), strict=True))
    each = [points.get(target[name], 0.0) for name in _utterances(lesson)]
    return np.repeat(np.asarray(each, np.float32), counts)


def _utterances(lesson: Lesson) -> list[str]:
    """Every utterance of the fold, each once."""
    return list(dict.fromkeys(n for part in lesson.parts.values() for one in part for n in one.utterances))


def _rows(lesson: Lesson, name: str) -> int:
    return lesson.frames[name] if lesson.needs == "frames" else 1


def part_of(lesson: Lesson, table: Tensor, part: str) -> Any:  # noqa: ANN401  Labelled, or its like for conversations
    """A part of the fold over the table, with its true targets."""
    import torch

    from harness.contracts import LabelledContexts, Means, PackedFrames
    from harness.fit import labelled

    names, examples = _utterances(lesson), lesson.parts[part]
    place = {name: row for row, name in enumerate(names)}
    if lesson.needs == "contexts":
        classes = {name: index for index, name in enumerate(lesson.classes)}
        targets = torch.tensor([classes[example.target] for example in examples], dtype=torch.int64)
        return LabelledContexts(_contexts(table, examples, place), targets)
    view: Means | PackedFrames = Means(table)
    if lesson.needs == "frames":
        offsets = np.concatenate([[0], np.cumsum([lesson.frames[name] for name in names])])
        view = PackedFrames(table, torch.from_numpy(offsets.astype(np.int64)))
    rows = torch.tensor([place[example.utterances[0]] for example in examples], dtype=torch.int64)
    taken = view.select(rows) if table.nbytes > MAPPED_BYTES else view.take(rows)
    return labelled(taken, examples, lesson.classes)


def _contexts(table: Tensor, examples: Sequence[Example], place: dict[str, int]) -> Contexts:
    from harness.contexts import packed

    return packed(table, examples, place)
