"""Every head of numbers or shares meets the same tests; and each is held to what is known of its answer."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from scipy.spatial.distance import jensenshannon

import downstreams
from downstreams import scales_mlp, shares_mlp
from harness.contracts import FitReport, Head, HeadModule, Labelled, Means, Shape
from harness.errors import CheckError, ConfigError, SplitError

NAMES = sorted(
    name
    for name in (m.name for m in pkgutil.iter_modules(downstreams.__path__) if not m.name.startswith("_"))
    if getattr(importlib.import_module(f"downstreams.{name}"), "KINDS", ("classes",)) != ("classes",)
)
LAYERS, DIM, OUTPUTS = 2, 6, 3
QUICK: dict[str, dict[str, Any]] = {
    "scales_mlp": {"epochs": 25, "hidden_dims": [16], "lr": 1e-2},
    "shares_mlp": {"epochs": 25, "hidden_dims": [16], "lr": 1e-2},
}
MEASURE = {"scales_mlp": "ccc", "shares_mlp": "jsd"}
LESS_IS_BETTER = {"jsd"}
SHAPE = Shape(LAYERS, DIM, OUTPUTS)


def load(name: str) -> Any:
    return importlib.import_module(f"downstreams.{name}")


def config(name: str) -> Any:
    return load(name).Config(**QUICK[name])


def problem(name: str, seed: int, utterances: int = 96) -> Labelled:
    """Features of very different sizes; values that depend on them linearly, up to noise."""
    chance = torch.Generator().manual_seed(seed)
    plain = torch.randn(utterances, LAYERS, DIM, generator=chance)
    weights = torch.randn(DIM, OUTPUTS, generator=torch.Generator().manual_seed(99))
    values = plain[:, 0] @ weights + 0.3 * torch.randn(utterances, OUTPUTS, generator=chance)
    values = 3 + 0.5 * values if name == "scales_mlp" else torch.softmax(values, 1)
    sizes = 10.0 ** torch.arange(-2, DIM - 2)
    return Labelled(Means(5 * sizes + plain * sizes), torch.zeros(utterances, dtype=torch.int64), values)


def fitted(name: str, *, watch: bool = True) -> tuple[Any, FitReport]:
    head = load(name).build(config(name), SHAPE, 3)
    report = head.fit(problem(name, 0), problem(name, 1) if watch else None, ignore)
    return head, report


def ignore(_: float) -> None:
    pass


def measured(name: str, head: Any, part: Labelled) -> float:
    """The measure, from numpy and scipy."""
    outputs, values = head.predict(part.view).double().numpy(), np.asarray(part.values, dtype=np.float64)
    if name == "scales_mlp":
        return float(np.mean([lin(values[:, k], outputs[:, k]) for k in range(OUTPUTS)]))
    predicted = np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)
    return float(np.mean([jensenshannon(p, q, base=2) ** 2 for p, q in zip(values, predicted, strict=True)]))


def lin(x: Any, y: Any) -> float:
    covariance = np.mean((x - x.mean()) * (y - y.mean()))
    return float(2 * covariance / (x.var() + y.var() + (x.mean() - y.mean()) ** 2))


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_both_are_there_and_named_here() -> None:
    assert set(NAMES) == set(QUICK) == set(MEASURE)


def test_module_keeps_the_contract(name: str) -> None:
    module = load(name)
    assert isinstance(module, HeadModule)
    assert module.NEEDS == "means"
    assert dataclasses.is_dataclass(module.Config)


def test_recipe_shows_the_defaults(name: str, project_root: Path) -> None:
    shown = yaml.safe_load((project_root / "recipes" / "head" / f"{name}.yaml").read_text())
    assert shown.pop("name") == name
    plain = {key: float(value) if key in ("lr", "weight_decay") else value for key, value in shown.items()}
    assert plain == dataclasses.asdict(load(name).Config())


def test_learns_and_reports(name: str) -> None:
    head, told = load(name).build(config(name), SHAPE, 3), list[float]()
    assert isinstance(head, Head)
    report = head.fit(problem(name, 0), problem(name, 1), told.append)
    outputs = head.predict(problem(name, 2).view)
    assert outputs.shape == (96, OUTPUTS)
    assert outputs.dtype == torch.float32
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
    assert len(report.history) == 25
    good = measured(name, head, problem(name, 2))
    # the training mean alone has a concordance of 0, mean shares alone a divergence of 0.25
    assert good < 0.05 if MEASURE[name] in LESS_IS_BETTER else good > 0.85


def test_keeps_the_first_best_epoch(name: str) -> None:
    head, report = fitted(name)
    measure = MEASURE[name]
    seen = [row[f"watch_{measure}"] for row in report.history]
    best = min(seen) if measure in LESS_IS_BETTER else max(seen)
    # float32 outputs of one network, in one batch or in several
    assert measured(name, head, problem(name, 1)) == pytest.approx(best, abs=1e-6)
    epoch = int(report.history[seen.index(best)]["epoch"])
    assert report.selected == f"epoch {epoch} by watch {measure.upper()} {best:.3f}"


def test_same_seed_same_bits_and_every_fit_starts_anew(name: str) -> None:
    view = problem(name, 2).view
    head, report = fitted(name)
    first = head.predict(view)
    assert torch.equal(fitted(name)[0].predict(view), first)
    assert head.fit(problem(name, 0), problem(name, 1), ignore) == report
    assert torch.equal(head.predict(view), first)
    other = load(name).build(config(name), SHAPE, 4)
    other.fit(problem(name, 0), problem(name, 1), ignore)
    assert not torch.equal(other.predict(view), first)


def test_global_chance_and_threads_are_left_alone(name: str) -> None:
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    fitted(name)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_without_a_watch_the_last_epoch_stays(name: str) -> None:
    head, report = fitted(name, watch=False)
    assert report.selected == "epoch 25, the last"
    assert all(f"watch_{MEASURE[name]}" not in row for row in report.history)
    assert bool(torch.isfinite(head.predict(problem(name, 2).view)).all())


def test_an_utterance_alone_gets_what_it_gets_in_company(name: str) -> None:
    view = problem(name, 2).view
    head, _ = fitted(name)
    alone = head.predict(view.take(torch.tensor([5])))
    # another number of rows in a matrix product may change the order of a float32 sum
    torch.testing.assert_close(alone[0], head.predict(view)[5], rtol=1e-5, atol=1e-5)


def test_a_column_that_is_constant_in_training_says_nothing(name: str) -> None:
    train, test = problem(name, 0), problem(name, 2)
    values = train.view.values.clone()
    values[:, :, 2] = 7.0
    head = load(name).build(config(name), SHAPE, 3)
    head.fit(train._replace(view=Means(values)), None, ignore)
    moved = test.view.values.clone()
    moved[:, :, 2] += 1e6
    assert torch.equal(head.predict(Means(moved)), head.predict(test.view))


@pytest.mark.parametrize(
    "values", [None, torch.zeros(96, 2), torch.full((96, 3), torch.nan), torch.zeros(95, 3)]
)
def test_values_that_do_not_fit_are_refused(name: str, values: torch.Tensor | None) -> None:
    head = load(name).build(config(name), SHAPE, 0)
    train = problem(name, 0)
    with pytest.raises(SplitError, match="training part does not have the values"):
        head.fit(train._replace(values=values), None, ignore)
    with pytest.raises(SplitError, match="watched part does not have the values"):
        head.fit(train, train._replace(values=values), ignore)


def test_features_that_do_not_fit_are_refused(name: str) -> None:
    head = load(name).build(config(name), SHAPE, 0)
    train = problem(name, 0)
    bad = train.view.values.clone()
    bad[7, 1, 4] = torch.nan
    with pytest.raises(CheckError, match=r"(?s)utterance 7 of 96.*layer 1, dimension 4"):
        head.fit(train._replace(view=Means(bad)), None, ignore)
    with pytest.raises(ConfigError, match="do not fit the head"):
        head.predict(Means(train.view.values[..., :4]))
    nobody = Labelled(Means(bad[:0]), train.targets[:0], torch.zeros(0, 3))
    with pytest.raises(SplitError, match="watched part is empty"):
        head.fit(train, nobody, ignore)


@pytest.mark.parametrize(
    "setting", [{"lr": 0.0}, {"epochs": 0}, {"dropout": 1.0}, {"hidden_dims": [0]}, {"weight_decay": -1.0}]
)
def test_settings_out_of_their_range_are_refused(name: str, setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"head.{next(iter(setting))}"):
        load(name).build(load(name).Config(**setting), SHAPE, 0)


# ------------------------------------------------------------------------------------------- scales


def test_the_gradient_of_the_loss_is_that_of_its_formula() -> None:
    chance = torch.Generator().manual_seed(0)
    outputs = torch.randn(7, 2, generator=chance, dtype=torch.float64, requires_grad=True)
    values = torch.randn(7, 2, generator=chance, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: 1 - scales_mlp.concordance(x, values).mean(), (outputs,))


def test_concordance_is_lins() -> None:
    chance = np.random.default_rng(0)
    x, y = chance.normal(3, 1, (50, 4)), chance.normal(2, 2, (50, 4))
    got = scales_mlp.concordance(torch.from_numpy(x), torch.from_numpy(y)).numpy()
    # 1e-8 is added to the denominator
    np.testing.assert_allclose(got, [lin(y[:, k], x[:, k]) for k in range(4)], atol=1e-8)


@pytest.mark.parametrize("same", [True, False])
def test_a_batch_of_constants_leaves_finite_gradients(same: bool) -> None:
    outputs = torch.full((4, 2), 3.0, requires_grad=True)
    values = torch.full((4, 2), 3.0 if same else 5.0)
    loss = 1 - scales_mlp.concordance(outputs, values).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 1.0
    assert bool(torch.isfinite(outputs.grad).all())  # type: ignore[arg-type]


def test_linear_by_squared_error_is_least_squares() -> None:
    """On linear data the linear head comes to the closed-form solution, and to its concordance."""
    train, test = problem("scales_mlp", 0, 300), problem("scales_mlp", 2, 300)
    one = [part._replace(view=Means(part.view.values[:, :1])) for part in (train, test)]
    settings = scales_mlp.Config(hidden_dims=[], loss="mse", lr=0.03, weight_decay=0.0, batch=300, epochs=400)
    head = scales_mlp.build(settings, Shape(1, DIM, OUTPUTS), 0)
    head.fit(one[0], None, ignore)
    rows = [np.c_[np.ones(300), part.view.values[:, 0].double().numpy()] for part in one]
    scale = np.abs(rows[0]).max(0)
    solved = np.linalg.lstsq(rows[0] / scale, np.asarray(train.values, np.float64), rcond=None)[0]
    expected = (rows[1] / scale) @ solved
    got = head.predict(one[1].view).double().numpy()
    np.testing.assert_allclose(got, expected, atol=2e-3)  # 400 steps of Adam; the values spread over 1.2
    values = np.asarray(test.values, dtype=np.float64)
    for k in range(OUTPUTS):
        assert lin(values[:, k], got[:, k]) == pytest.approx(lin(values[:, k], expected[:, k]), abs=1e-3)


def test_concordance_loss_reaches_at_least_the_concordance_of_least_squares_in_training() -> None:
    train = problem("scales_mlp", 5, 200)
    one = train._replace(view=Means(train.view.values[:, :1]))
    found = {}
    for loss in ("ccc", "mse"):
        settings = scales_mlp.Config(
            hidden_dims=[], loss=loss, lr=0.03, weight_decay=0.0, batch=200, epochs=300
        )
        head = scales_mlp.build(settings, Shape(1, DIM, OUTPUTS), 0)
        head.fit(one, None, ignore)
        found[loss] = measured("scales_mlp", head, one)
    assert found["ccc"] >= found["mse"] - 1e-4


def test_outputs_are_in_the_owners_unit() -> None:
    train, test = problem("scales_mlp", 0), problem("scales_mlp", 2)
    outputs = []
    for factor, shift in ((1.0, 0.0), (100.0, -50.0)):
        head = scales_mlp.build(config("scales_mlp"), SHAPE, 3)
        head.fit(train._replace(values=factor * train.values + shift), None, ignore)
        outputs.append((head.predict(test.view) - shift) / factor)
    # the same training up to the rounding of float32 values that are a hundred times larger
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-3, atol=1e-3)


def test_a_scale_that_never_varies_is_refused() -> None:
    train = problem("scales_mlp", 0)
    values = train.values.clone()  # type: ignore[union-attr]
    values[:, 1] = 2.5
    head = scales_mlp.build(config("scales_mlp"), SHAPE, 0)
    with pytest.raises(SplitError, match=r"2\.5 on scale 1 in all 96"):
        head.fit(train._replace(values=values), None, ignore)


def test_one_utterance_has_no_concordance() -> None:
    with pytest.raises(ConfigError, match="no concordance"):
        scales_mlp.build(scales_mlp.Config(batch=1), SHAPE, 0)
    scales_mlp.build(scales_mlp.Config(batch=1, loss="mse"), SHAPE, 0)


# ------------------------------------------------------------------------------------------- shares


def emo_superb_loss(outputs: torch.Tensor, shares: torch.Tensor, weights: torch.Tensor) -> float:
    """EMO-SUPERB's weighted loss in numpy: the weight of an utterance is the sum of its shares' weights."""
    p, z, w = (np.asarray(each.detach(), dtype=np.float64) for each in (shares, outputs, weights))
    q = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    return float(np.mean((p * w).sum(1) * -(p * np.log(q)).sum(1)))


def test_the_balanced_loss_is_emo_superbs() -> None:
    train = problem("shares_mlp", 0)
    shares = train.values
    assert shares is not None
    counts = (np.asarray(shares) > 1 / 3).sum(0)
    beta = 95 / 96
    inverse = (1 - beta) / (1 - beta**counts)
    weights = shares_mlp.class_weights(shares)
    np.testing.assert_allclose(weights.numpy(), inverse / inverse.sum() * 3, rtol=1e-6)
    outputs = torch.randn(96, 3, generator=torch.Generator().manual_seed(1))
    got = float(shares_mlp._weighted_loss(weights, outputs, train))
    assert got == pytest.approx(emo_superb_loss(outputs, shares, weights), rel=1e-5)  # float32


def test_balance_changes_the_answer_and_a_class_without_votes_does_no_harm() -> None:
    train, test = problem("shares_mlp", 0), problem("shares_mlp", 2)
    shares = train.values.clone()  # type: ignore[union-attr]
    shares[:, 2] = 0
    train = train._replace(values=shares / shares.sum(1, keepdim=True))
    outputs = []
    for balance in (False, True):
        settings = shares_mlp.Config(**QUICK["shares_mlp"], balance=balance)
        head = shares_mlp.build(settings, SHAPE, 3)
        head.fit(train, None, ignore)
        outputs.append(head.predict(test.view))
        assert bool(torch.isfinite(outputs[-1]).all())
    assert not torch.equal(*outputs)


def test_values_that_are_no_shares_are_refused() -> None:
    train = problem("shares_mlp", 0)
    head = shares_mlp.build(config("shares_mlp"), SHAPE, 0)
    with pytest.raises(SplitError, match="no shares"):
        head.fit(train._replace(values=2 * train.values), None, ignore)  # type: ignore[operator]


def test_cross_entropy_can_select() -> None:
    settings = shares_mlp.Config(**QUICK["shares_mlp"], select_by="cross_entropy")
    head = shares_mlp.build(settings, SHAPE, 3)
    report = head.fit(problem("shares_mlp", 0), problem("shares_mlp", 1), ignore)
    seen = [row["watch_cross_entropy"] for row in report.history]
    assert report.selected.endswith(f"by watch CE {min(seen):.3f}")
