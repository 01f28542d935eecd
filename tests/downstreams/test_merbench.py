"""MERBench's head against a plain rewriting of it: outputs, loss, training, and how large it is."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from torch import Tensor

from downstreams import merbench
from downstreams._random_search import RandomSearch
from downstreams._seeded import generator, shuffled_batches
from downstreams._select_by import weighted_f1
from harness.contracts import Labelled, Means, PackedFrames, Shape
from harness.errors import ConfigError, SplitError

DIM = 10
SHAPE = Shape(layers=1, dim=DIM, classes=2)
QUICK = {"hidden_dim": 8, "epochs": 6, "batch": 16}


def ignore(share: float) -> None:
    """Progress that nobody watches."""


def made(seed: int = 0, **changes: Any) -> merbench.RegressionHead:
    head = merbench.build(merbench.Config(**{**QUICK, **changes}), SHAPE, seed)
    assert isinstance(head, merbench.RegressionHead)
    return head


def part(seed: int, utterances: int = 50, noise: float = 0.3) -> Labelled:
    """The score is a weighted sum of the vector, and some noise."""
    chance = torch.Generator().manual_seed(seed)
    vectors = torch.randn(utterances, 1, DIM, generator=chance)
    scores = vectors[:, 0, :3].sum(1, keepdim=True) + noise * torch.randn(utterances, 1, generator=chance)
    return Labelled(Means(vectors), (scores[:, 0] > 0).long(), scores)


def encoded(weights: dict[str, Tensor], name: str, vectors: Tensor) -> Tensor:
    """Three linear layers, each cut off at zero; in evaluation nothing is dropped."""
    for layer in (1, 3, 5):
        vectors = (vectors @ weights[f"{name}.{layer}.weight"].T + weights[f"{name}.{layer}.bias"]).clamp(
            min=0
        )
    return vectors


def score(weights: dict[str, Tensor], vectors: Tensor) -> Tensor:
    """(utterances,): every line of the published network, written as matrix products."""
    one, two, three = (encoded(weights, f"encoders.{copy}", vectors) for copy in range(3))
    attention = encoded(weights, "attention", torch.cat([one, two, three], dim=1))
    attention = attention @ weights["weights.weight"].T + weights["weights.bias"]
    fused = one * attention[:, :1] + two * attention[:, 1:2] + three * attention[:, 2:]
    return (fused @ weights["score.weight"].T + weights["score.bias"])[:, 0]


@given(seed=st.integers(0, 2**31 - 1), factor=st.sampled_from([1.0, 4.0]))
@settings(max_examples=15)
def test_outputs_and_loss_equal_the_rewriting(seed: int, factor: float) -> None:
    """The rewriting is in float64; float32 sums of some tens of terms below 10 agree to 1e-6."""
    head, data = made(seed, input_factor=factor), part(seed)
    weights = {name: value.double() for name, value in head.module.state_dict().items()}
    wanted = score(weights, factor * data.view.values[:, 0].double())
    logits = head.predict(data.view)
    torch.testing.assert_close(logits.double(), torch.stack([-wanted, wanted], dim=1), rtol=1e-6, atol=1e-6)
    loss = float(((wanted - data.values[:, 0]) ** 2).mean())
    assert float(merbench._squared_error(logits, data)) == pytest.approx(loss, rel=1e-6)


def adam(
    weights: dict[str, Tensor], data: Labelled, orders: list[list[Tensor]], config: Any
) -> dict[str, Tensor]:
    """Adam as Kingma and Ba write it, the l2 term in the gradient; nothing is dropped."""
    weights = {name: value.clone().requires_grad_() for name, value in weights.items()}
    moments = {name: [torch.zeros_like(value), torch.zeros_like(value)] for name, value in weights.items()}
    for step, rows in enumerate((rows for epoch in orders for rows in epoch), start=1):
        loss = ((score(weights, data.view.values[rows, 0]) - data.values[rows, 0]) ** 2).mean()
        slopes = dict(zip(weights, torch.autograd.grad(loss, list(weights.values())), strict=True))
        with torch.no_grad():
            for name, value in weights.items():
                slope, (first, second) = slopes[name] + config.l2 * value, moments[name]
                first.mul_(0.9).add_(0.1 * slope)
                second.mul_(0.999).add_(0.001 * slope**2)
                change = (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
                value.sub_(config.lr * change)
    return {name: value.detach() for name, value in weights.items()}


@pytest.mark.parametrize("shuffle", [True, False])
def test_training_equals_the_rewriting(shuffle: bool) -> None:
    config = merbench.Config(**QUICK, dropout=0.0, shuffle=shuffle, l2=1e-2)
    head, data = merbench.build(config, SHAPE, 5), part(1)
    start = {name: value.clone() for name, value in head.module.state_dict().items()}
    chance = generator(5)
    orders = [
        list(shuffled_batches(50, 16, chance)) if shuffle else list(torch.arange(50).split(16))
        for _ in range(QUICK["epochs"])
    ]
    wanted = adam(start, data, orders, config)
    head.fit(data, None, ignore)
    for name, value in head.module.state_dict().items():
        # float32: Adam divides by the gradient's size, which carries rounding of small gradients into the weights
        torch.testing.assert_close(value, wanted[name], rtol=1e-3, atol=2e-5)
        assert not torch.equal(value, start[name])


@pytest.mark.parametrize(("dim", "hidden_dim"), [(768, 128), (1024, 256), (10, 64)])
def test_it_is_as_large_as_its_layers(dim: int, hidden_dim: int) -> None:
    head: Any = merbench.build(merbench.Config(hidden_dim=hidden_dim), Shape(1, dim, 2), 0)
    h = hidden_dim
    wanted = 3 * (dim * h + 2 * h * h + 3 * h) + (3 * h * h + 2 * h * h + 3 * h) + (3 * h + 3) + (h + 1)
    assert sum(parameter.numel() for parameter in head.module.parameters()) == wanted


def test_the_input_of_every_mlp_is_dropped_in_training_and_nowhere_else() -> None:
    module: Any = made(dropout=0.5).module
    dropped = [one.p for one in module.modules() if isinstance(one, torch.nn.Dropout)]
    assert dropped == [0.5] * 4
    assert all(isinstance(one[0], torch.nn.Dropout) for one in (*module.encoders, module.attention))


@pytest.mark.parametrize(("bias", "predicted"), [(0.0, 0), (1e-6, 1), (-1e-6, 0)])
def test_zero_says_negative_and_above_zero_positive(bias: float, predicted: int) -> None:
    head: Any = made()
    torch.nn.init.zeros_(head.module.score.weight)
    torch.nn.init.constant_(head.module.score.bias, bias)
    logits = head.predict(part(0).view)
    assert set(logits.argmax(1).tolist()) == {predicted}
    assert torch.equal(logits[:, 0], -logits[:, 1])


def test_it_learns_the_score_and_not_only_its_sign() -> None:
    head, train, test = made(hidden_dim=32, epochs=60, dropout=0.0), part(0, 300, 0.0), part(2, 200, 0.0)
    head.fit(train, None, ignore)
    guessed = head.predict(test.view)[:, 1]
    assert float(torch.corrcoef(torch.stack([guessed, test.values[:, 0]]))[0, 1]) > 0.95
    doubled = Labelled(train.view, train.targets, 2 * train.values)
    again = made(hidden_dim=32, epochs=60, dropout=0.0)
    again.fit(doubled, None, ignore)
    slope = float((again.predict(test.view)[:, 1] / guessed).median())
    assert 1.7 < slope < 2.3  # twice the scores, twice the answers


def test_the_first_best_epoch_by_weighted_f1_of_the_sign() -> None:
    head, watch = made(epochs=20), part(1, noise=3.0)
    report = head.fit(part(0, noise=3.0), watch, ignore)
    seen = [row["watch_wf1"] for row in report.history]
    signs = (head.predict(watch.view)[:, 1] > 0).numpy()
    assert 100 * f1_score((watch.values[:, 0] > 0).numpy(), signs, average="weighted") == pytest.approx(
        max(seen)
    )
    assert report.selected == f"epoch {seen.index(max(seen)) + 1} by watch WF1 {max(seen):.1f}"


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_weighted_f1_by_hand(pairs: list[tuple[int, int]]) -> None:
    """2 hits / (true + predicted) per class, weighted by how often it is true."""
    truth, guess = (torch.tensor(column) for column in zip(*pairs, strict=True))
    wanted = 0.0
    for name in set(truth.tolist()):
        hits = int(((truth == name) & (guess == name)).sum())
        true, predicted = int((truth == name).sum()), int((guess == name).sum())
        wanted += true * 2 * hits / (true + predicted)
    logits = torch.nn.functional.one_hot(guess, 3).float()
    assert weighted_f1(logits, truth) == pytest.approx(100 * wanted / len(pairs), abs=1e-9)


def test_scores_are_needed_and_told() -> None:
    data = part(0)
    for values in (None, data.values[:, 0], data.values.repeat(1, 2), data.values * float("nan")):
        with pytest.raises(SplitError, match=r"(?s)learns a score.*head=e2v_linear"):
            made().fit(Labelled(data.view, data.targets, values), None, ignore)


@pytest.mark.parametrize(
    ("changes", "shape", "message"),
    [
        ({"dropout": 1.0}, SHAPE, "dropout"),
        ({"l2": -1.0}, SHAPE, "l2"),
        ({"lr": 0.0}, SHAPE, "lr"),
        ({"draws": -1}, SHAPE, "draws"),
        ({"draws": 3, "lr": 1e-4}, SHAPE, "head.lr"),
        ({}, Shape(1, DIM, 3), "task.neutral=drop"),
        ({}, Shape(4, DIM, 2), "view=mean_last"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, Any], shape: Shape, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        merbench.build(merbench.Config(**changes), shape, 0)


def test_frames_are_averaged_first() -> None:
    data = part(0)
    frames = PackedFrames(data.view.values.repeat_interleave(3, 0), torch.arange(0, 151, 3))
    torch.testing.assert_close(made().predict(frames), made().predict(data.view))


# ------------------------------------------------------------------------------------------ random search


def searched(draws: int, seed: int = 0) -> RandomSearch:
    head = merbench.build(merbench.Config(epochs=3, batch=16, draws=draws), SHAPE, seed)
    assert isinstance(head, RandomSearch)
    return head


def test_a_search_keeps_the_best_draw_on_the_watched_part() -> None:
    train, watch, test = part(0, noise=2.0), part(1, noise=2.0), part(2)
    head, told = searched(7), list[float]()
    report = head.fit(train, watch, told.append)
    rows = report.history
    assert [row["draw"] for row in rows] == [n for n in range(1, 8) for _ in range(3)]
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
    for name, values in merbench.SEARCHED.items():
        assert {row[name] for row in rows} <= set(values)
    best = max(rows, key=lambda row: row["watch_wf1"])
    assert report.selected == (
        f"draw {best['draw']} of 7 (hidden_dim {best['hidden_dim']}, dropout {best['dropout']:g}, "
        f"lr {best['lr']:g}), epoch {best['epoch']} by watch WF1 {best['watch_wf1']:.1f}"
    )
    signs = (head.predict(watch.view)[:, 1] > 0).numpy()
    reached = 100 * f1_score(watch.targets.numpy(), signs, average="weighted")
    assert reached == pytest.approx(best["watch_wf1"])
    again = searched(7)
    assert again.fit(train, watch, ignore) == report
    assert torch.equal(again.predict(test.view), head.predict(test.view))


def test_the_first_of_equally_good_draws_is_kept() -> None:
    watch = part(1, utterances=3, noise=0.0)  # three utterances: the measure has few values
    report = searched(8).fit(part(0, noise=0.0), watch, ignore)
    reached = [max(row["watch_wf1"] for row in report.history if row["draw"] == n) for n in range(1, 9)]
    assert reached.count(max(reached)) > 1, "no two draws are equally good; the test needs some"
    assert report.selected.startswith(f"draw {reached.index(max(reached)) + 1} of 8")


def test_fifty_draws_reach_the_whole_grid_and_another_seed_draws_others() -> None:
    drawn = searched(50)._drawn()
    assert len(drawn) == 50
    for name, values in merbench.SEARCHED.items():
        assert {settings_[name] for settings_, _ in drawn} == set(values)
    assert len({seed for _, seed in drawn}) == 50
    assert searched(50, seed=1)._drawn() != drawn
    assert searched(50)._drawn() == drawn
    assert np.prod([len(values) for values in merbench.SEARCHED.values()]) == 24


def test_a_search_without_a_part_that_selects_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"(?s)nothing selects.*head\.draws=0"):
        searched(2).fit(part(0), None, ignore)
    with pytest.raises(RuntimeError, match="before fit"):
        searched(2).predict(part(0).view)


def test_defaults_are_the_published_ones() -> None:
    config = dataclasses.asdict(merbench.Config())
    assert {name: config[name] for name in ("l2", "batch", "epochs", "select_by", "draws")} == {
        "l2": 1e-5,
        "batch": 32,
        "epochs": 100,
        "select_by": "wf1",
        "draws": 0,
    }
    assert all(config[name] in values for name, values in merbench.SEARCHED.items())
