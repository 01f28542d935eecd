"""Conversations as a head sees them: per fold, what was said in the earlier turns, scaled on training data only.

Every utterance that an example reads is a row: the time means of its sound (of one upstream, or of several side by
side), the vector of its text, or both. A fold's statistics (mean, deviation, principal components of texts) are
taken from the utterances that its training examples read, each counted once; what only dev or test examples read
shapes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np

from harness.contracts import ROLES, Contexts, Example, Fold, Labelled, LabelledContexts
from harness.features import Features
from harness.fit import FoldViews
from harness.inputs import TEXT_DIM
from harness.scaling import reduced, standardised
from harness.study import Study

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


class ContextViews:
    """Gives every fold of a study its three parts; what does not depend on the fold is read once."""

    def __init__(self, study: Study, features: Features) -> None:
        self._study, self._features = study, features

    def views(self, fold: Fold) -> FoldViews:
        """Train, dev and test of a fold with their targets, one layer of scaled features per utterance."""
        import torch

        values = torch.from_numpy(self.values(fold))[:, None]
        train, dev, test = (
            self._part(values, self._study.by_id(ids)) for ids in (fold.train, fold.dev, fold.test)
        )
        return FoldViews(train=train, dev=dev if fold.dev else None, test=test)

    def values(self, fold: Fold) -> NDArray[np.float32]:
        """(utterances, dim) of all utterances that the study reads, scaled for this fold."""
        read = self._study.utterances_of(self._study.by_id(fold.train))
        train = np.array([self._rows[name] for name in read], np.int64)
        speech, texts = self._features.columns(fold, list(self._rows))
        blocks = [*speech, *([] if texts is None else [reduced(texts, train, TEXT_DIM)])]
        return np.concatenate([standardised(block, train) for block in blocks], axis=1)

    @cached_property
    def _rows(self) -> dict[str, int]:
        """Utterance -> its row: what any fold reads, in the order of the examples."""
        return {name: row for row, name in enumerate(self._study.read_utterances())}

    def _part(self, values: torch.Tensor, examples: Sequence[Example]) -> Labelled:
        """Cast: the story hands parts on without looking inside, and `NEEDS` says which kind a head reads."""
        import torch

        classes = {name: index for index, name in enumerate(self._study.examples.classes)}
        targets = torch.tensor([classes[example.target] for example in examples], dtype=torch.int64)
        return cast(Labelled, LabelledContexts(packed(values, examples, self._rows), targets))


def packed(values: torch.Tensor, examples: Sequence[Example], rows: dict[str, int]) -> Contexts:
    """The contexts of these examples over a table of utterances.

    Args:
        values: (utterances, layers, dim).
        examples: of a task that reads conversations.
        rows: utterance -> its row of `values`.
    """
    import torch

    counts = torch.tensor([len(example.utterances) for example in examples], dtype=torch.int64)
    read = [rows[name] for example in examples for name in example.utterances]
    roles = [ROLES.index(role) for example in examples for role in example.roles]
    return Contexts(
        values,
        torch.tensor(read, dtype=torch.int64),
        torch.cat([counts.new_zeros(1), counts.cumsum(0)]),
        torch.tensor(roles, dtype=torch.int64),
    )
