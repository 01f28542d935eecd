"""Ridge regressions from shared sums are those of every fold by itself."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from downstreams import _shared_grams, ridge
from harness.contracts import FitReport, Labelled, Means, Shape, SharingHeadModule
from harness.errors import CheckError, SplitError

ALPHAS = [1.0, 100.0]
LAYERS, CLASSES = 2, 3


def ignore(share: float) -> None:
    """Progress that nobody watches."""


def corpus(seed: int, utterances: int, dim: int, *, size: float = 1.0, offset: float = 0.0) -> Labelled:
    chance = torch.Generator().manual_seed(seed)
    targets = torch.randint(0, CLASSES, (utterances,), generator=chance)
    values = torch.randn(utterances, LAYERS, dim, generator=chance)
    values[torch.arange(utterances), 0, targets % dim] += 1.0
    return Labelled(Means(size * values + offset), targets)


def cut(whole: Labelled, rows: Tensor) -> Labelled:
    return Labelled(whole.view.take(rows), whole.targets[rows])


def parted(seed: int, utterances: int, folds: int) -> list[tuple[Tensor, Tensor]]:
    """Train and watch of every fold; a tenth of the utterances is left out everywhere."""
    place = torch.randint(0, folds + 1, (utterances,), generator=torch.Generator().manual_seed(seed + 1))
    place[: 2 * folds] = torch.arange(folds).repeat(2)
    return [
        (torch.nonzero((place != fold) & (place < folds)).flatten(), torch.nonzero(place == fold).flatten())
        for fold in range(folds)
    ]


def both(whole: Labelled, folds: list[tuple[Tensor, Tensor]], **config: Any) -> list[tuple[Any, Any]]:
    """For every fold, the plain head and the sharing one, with their reports."""
    made = ridge.Config(**({"alphas": ALPHAS} | config))
    shape = Shape(LAYERS, whole.view.values.shape[2], CLASSES)
    shared = ridge.share(made, shape, whole, [train for train, _ in folds])
    found = []
    for fold, (train, watch) in enumerate(folds):
        heads = [ridge.build(made, shape, 0)]
        if shared is not None:
            heads.append(ridge.build_shared(made, shape, 0, shared, fold))
        found.append(tuple((head, head.fit(cut(whole, train), cut(whole, watch), ignore)) for head in heads))
    return found


def same(plain: tuple[Any, FitReport], sharing: tuple[Any, FitReport], view: Means, rtol: float) -> None:
    assert sharing[1].selected == plain[1].selected
    assert sharing[1].history == plain[1].history
    (one, _), (other, _) = plain, sharing
    layer = one._chosen.layer
    assert other._chosen.layer == layer
    rows = view.values[:, layer].double().numpy()
    wanted, got = (head._chosen.variant.decide(head._chosen.standardise(rows)) for head in (one, other))
    np.testing.assert_allclose(got, wanted, rtol=0, atol=rtol * np.abs(wanted).max())


@settings(max_examples=20)
@given(
    seed=st.integers(0, 99),
    folds=st.integers(2, 5),
    dim=st.sampled_from([1, 4, 9]),
    size=st.sampled_from([1e-6, 1.0, 1e6]),
    mean=st.sampled_from([0.0, 1.0, 300.0]),
    still=st.integers(0, 2),
    lazy=st.booleans(),
)
def test_the_same_answers_as_every_fold_by_itself(  # noqa: PLR0917  hypothesis gives them by name
    seed: int, folds: int, dim: int, size: float, mean: float, still: int, lazy: bool
) -> None:
    """In double precision on both sides. A mean of 300 deviations costs two and a half digits of sixteen."""
    whole = corpus(seed, 80, dim, size=size, offset=size * mean)
    whole.view.values[:, 0, 1 : 1 + still] = 7.0
    used = whole._replace(view=whole.view.select(torch.arange(80))) if lazy else whole
    for plain, sharing in both(used, parted(seed, 80, folds)):
        same(plain, sharing, whole.view, 1e-9)


def test_the_sums_are_used_and_not_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, folds = corpus(0, 90, 6), parted(0, 90, 3)
    shared = ridge.share(ridge.Config(alphas=ALPHAS), Shape(LAYERS, 6, CLASSES), whole, [t for t, _ in folds])
    assert shared is not None
    monkeypatch.setattr(ridge, "_fitted", None)
    for fold, (train, watch) in enumerate(folds):
        head = ridge.build_shared(ridge.Config(alphas=ALPHAS), Shape(LAYERS, 6, CLASSES), 0, shared, fold)
        head.fit(cut(whole, train), cut(whole, watch), ignore)


def test_blocks_and_groups_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_shared_grams, "ROWS_AT_ONCE", 7)
    whole = corpus(3, 120, 8)
    chance = torch.Generator().manual_seed(0)
    folds = [(order[:60], order[60:]) for order in (torch.randperm(120, generator=chance) for _ in range(4))]
    for plain, sharing in both(whole, folds):
        same(plain, sharing, whole.view, 1e-9)


def test_a_class_that_a_fold_lacks_gets_the_lowest_logit() -> None:
    whole, folds = corpus(1, 90, 5), parted(1, 90, 3)
    train, watch = folds[0]
    folds[0] = train[whole.targets[train] != 1], watch
    for plain, sharing in both(whole, folds):
        same(plain, sharing, whole.view, 1e-9)
        torch.testing.assert_close(
            sharing[0].predict(whole.view), plain[0].predict(whole.view), rtol=1e-6, atol=1e-6
        )
    assert (
        float(both(whole, folds)[0][1][0].predict(whole.view)[:, 1].max()) == torch.finfo(torch.float32).min
    )


@pytest.mark.parametrize("layer", [0, -1, "concat"])
def test_one_layer_and_all_side_by_side(layer: int | str) -> None:
    whole, folds = corpus(2, 60, 5), parted(2, 60, 3)
    for plain, *sharing in both(whole, folds, layer=layer):
        assert bool(sharing) == (layer != "concat")
        for other in sharing:
            same(plain, other, whole.view, 1e-9)


def test_fewer_utterances_than_columns_are_fitted_in_the_space_of_the_rows() -> None:
    whole, folds = corpus(4, 40, 64), parted(4, 40, 3)
    for plain, sharing in both(whole, folds):
        same(plain, sharing, whole.view, 1e-12)


def test_a_mean_of_a_million_deviations_leaves_half_the_digits() -> None:
    """The features are float32: of such numbers they hold one digit after the mean; both sides see the same."""
    whole = corpus(5, 80, 4, offset=1e6)
    for plain, sharing in both(whole, parted(5, 80, 3)):
        same(plain, sharing, whole.view, 1e-7)


def test_constant_columns_are_told(caplog: pytest.LogCaptureFixture) -> None:
    whole = corpus(6, 60, 4)
    whole.view.values[:, :, 2] = 1.0
    with caplog.at_level(logging.INFO):
        both(whole, parted(6, 60, 2))
    said = [record.message for record in caplog.records if "1 of 4 columns are constant" in record.message]
    assert len(said) == 2 * 2 * LAYERS, "two folds, two ways, every layer"


def test_what_cannot_be_learnt_is_refused_as_ever() -> None:
    whole, folds = corpus(7, 60, 4), parted(7, 60, 2)
    shape, config = Shape(LAYERS, 4, CLASSES), ridge.Config(alphas=ALPHAS)
    flat = Labelled(Means(torch.ones(60, LAYERS, 4)), whole.targets)
    broken = Labelled(Means(whole.view.values.clone()), whole.targets)
    broken.view.values[folds[0][0][0], 0, 0] = torch.nan
    lonely = Labelled(whole.view, torch.zeros(60, dtype=torch.int64))
    for part, error in ((flat, CheckError), (broken, CheckError), (lonely, SplitError)):
        shared = ridge.share(config, shape, part, [train for train, _ in folds])
        assert shared is not None
        head = ridge.build_shared(config, shape, 0, shared, 0)
        with pytest.raises(error):
            head.fit(cut(part, folds[0][0]), cut(part, folds[0][1]), ignore)


def test_a_broken_utterance_that_nobody_trains_on_harms_nobody() -> None:
    whole, folds = corpus(8, 60, 4), parted(8, 60, 3)
    used = torch.cat([torch.cat(fold) for fold in folds])
    unused = next(row for row in range(60) if row not in used.tolist())
    whole.view.values[unused] = torch.inf
    shape, config = Shape(LAYERS, 4, CLASSES), ridge.Config(alphas=ALPHAS)
    shared = ridge.share(config, shape, whole, [train for train, _ in folds])
    assert shared is not None
    assert all(shared.of(fold, layer) is not None for fold in range(3) for layer in range(LAYERS))


def test_too_many_groups_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, folds = corpus(9, 60, 4), parted(9, 60, 3)
    monkeypatch.setattr(_shared_grams, "LARGEST_BYTES", 8 * 4 * 4 * 3)
    assert all(len(made) == 1 for made in both(whole, folds))
    assert all(len(made) == 1 for made in both(whole, folds[:1]))


def test_the_module_says_that_it_shares() -> None:
    assert isinstance(ridge, SharingHeadModule)
