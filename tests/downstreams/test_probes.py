"""The scikit-learn probes equal plain scikit-learn pipelines, narrow and wide, and select by the watched part."""

from __future__ import annotations

import importlib
import logging
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import Tensor

from downstreams import lda, linear_svc, logistic, ridge
from downstreams._layers import layer_candidates
from downstreams._wide_lda import WideLDA, ledoit_wolf_share
from harness.contracts import Labelled, Means, PackedFrames, Shape
from harness.errors import CheckError, ConfigError


def ignore(share: float) -> None:
    """Progress that nobody watches."""


def problem(seed: int, *, utterances: int = 90, layers: int = 3, dim: int = 12, classes: int = 4) -> Labelled:
    """Noise, with the classes visible in one layer only, on columns of very different scale."""
    chance = torch.Generator().manual_seed(seed)
    targets = torch.arange(utterances) % classes
    values = torch.randn(utterances, layers, dim, generator=chance)
    values[torch.arange(utterances), 1 % layers, targets] += 1.5
    return Labelled(Means(values * torch.logspace(-3, 3, dim) + 5.0), targets)


def shape_of(part: Labelled, classes: int = 4) -> Shape:
    return Shape(part.view.values.shape[1], part.view.values.shape[2], classes)


def fitted_logits(module: Any, settings: dict[str, Any], train: Labelled, test: Labelled) -> Tensor:
    classes = int(train.targets.max()) + 1
    head = module.build(module.Config(**settings), shape_of(train, classes), 0)
    head.fit(train, None, ignore)
    return head.predict(test.view)


def reference(model: Any, train: Labelled, test: Labelled, layer: int | str) -> Any:
    """The same pipeline written plainly, on all columns, without any change of basis."""
    pick = (lambda v: v.flatten(1)) if layer == "concat" else (lambda v: v[:, layer])
    pipeline = make_pipeline(StandardScaler(), model)
    pipeline.fit(pick(train.view.values).double().numpy(), train.targets.numpy())
    return pipeline, pick(test.view.values).double().numpy()


CASES: list[tuple[Any, dict[str, Any], Any]] = [
    (ridge, {"alphas": [3.0]}, lambda: RidgeClassifier(alpha=3.0)),
    (logistic, {"C": [0.05]}, lambda: LogisticRegression(C=0.05, tol=1e-9, max_iter=9999)),
    (lda, {}, lambda: LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")),
]
# L-BFGS stops at a gradient of 1e-4, which leaves the logits that uncertain; the others differ by rounding.
LOOSE = {"logistic": {"rtol": 1e-2, "atol": 3e-3}}


@pytest.mark.parametrize("dim", [12, 300], ids=["narrow", "wide"])
@pytest.mark.parametrize("layer", [1, "concat"])
@pytest.mark.parametrize(("module", "settings", "model"), CASES, ids=lambda v: getattr(v, "__name__", ""))
def test_equals_a_plain_pipeline(
    module: Any, settings: dict[str, Any], model: Any, layer: int | str, dim: int
) -> None:
    train, test = problem(0, dim=dim), problem(1, dim=dim)
    got = fitted_logits(module, {"layer": layer} | settings, train, test)
    pipeline, rows = reference(model(), train, test, layer)
    name = module.__name__.rsplit(".", 1)[-1]
    close = LOOSE.get(name, {"rtol": 1e-5, "atol": 1e-5})
    torch.testing.assert_close(got, torch.from_numpy(pipeline.decision_function(rows)).float(), **close)


@pytest.mark.parametrize(("module", "settings", "model"), CASES, ids=lambda v: getattr(v, "__name__", ""))
def test_two_classes_give_two_columns(module: Any, settings: dict[str, Any], model: Any) -> None:
    train, test = problem(0, classes=2), problem(1, classes=2)
    got = fitted_logits(module, {"layer": 1} | settings, train, test)
    pipeline, rows = reference(model(), train, test, 1)
    assert got.shape == (90, 2)
    assert got.argmax(1).tolist() == pipeline.predict(rows).tolist()


@pytest.mark.parametrize(("dim", "classes"), [(12, 4), (300, 4), (12, 7), (300, 7), (12, 2)])
def test_support_vectors_predict_what_libsvm_predicts(dim: int, classes: int) -> None:
    """Also where the votes of one against one are tied."""
    train, test = problem(0, dim=dim, classes=classes, utterances=140), problem(1, dim=dim, classes=classes)
    got = fitted_logits(linear_svc, {"layer": 1}, train, test)
    pipeline, rows = reference(SVC(kernel="linear"), train, test, 1)
    assert got.argmax(1).tolist() == pipeline.predict(rows).tolist()


def test_a_tie_of_votes_goes_where_libsvm_puts_it() -> None:
    """On this data scikit-learn's own decision values put an utterance into another class than its predict."""
    train, test = problem(3, classes=7, utterances=140), problem(4, classes=7, utterances=140)
    pipeline, rows = reference(SVC(kernel="linear"), train, test, 0)
    predicted, raw = pipeline.predict(rows), pipeline.decision_function(rows).argmax(1)
    assert (predicted != raw).any()
    got = fitted_logits(linear_svc, {"layer": 0}, train, test)
    assert got.argmax(1).tolist() == predicted.tolist()


def test_the_watched_part_selects_layer_and_strength() -> None:
    train, watch = problem(0), problem(1)
    head = ridge.build(ridge.Config(alphas=[0.1, 10.0]), shape_of(train), 0)
    report = head.fit(train, watch, ignore)
    scores = [row["watch_wa"] for row in report.history]
    assert [(row["layer"], row["alpha"]) for row in report.history] == [
        (layer, alpha) for layer in range(3) for alpha in (0.1, 10.0)
    ]
    best = report.history[scores.index(max(scores))]
    assert best["layer"] == 1
    assert report.selected == f"layer 1, alpha {best['alpha']:g} by watch WA {max(scores):.1f}"


def test_a_tie_goes_to_the_first_candidate() -> None:
    """All layers alike: every candidate of one strength scores the same."""
    part = problem(0, layers=1)
    same = Labelled(Means(part.view.values.expand(-1, 3, -1).clone()), part.targets)
    head = logistic.build(logistic.Config(C=[0.1]), shape_of(same), 0)
    assert head.fit(same, same, ignore).selected.startswith("layer 0, C 0.1 by watch WA")


@pytest.mark.parametrize("module", [ridge, logistic, lda, linear_svc])
def test_several_candidates_need_a_watch(module: Any) -> None:
    head = module.build(module.Config(), shape_of(problem(0)), 0)
    with pytest.raises(ConfigError, match="nothing selects") as caught:
        head.fit(problem(0), None, ignore)
    assert "head.layer=K" in str(caught.value)


@pytest.mark.parametrize("module", [lda, linear_svc])
def test_one_layer_needs_no_watch(module: Any) -> None:
    train = problem(0, layers=1)
    report = module.build(module.Config(), shape_of(train), 0).fit(train, None, ignore)
    assert report.selected == "as configured"


def test_frames_are_averaged() -> None:
    train = problem(0, layers=1)
    twice = PackedFrames(
        torch.repeat_interleave(train.view.values, 2, 0), 2 * torch.arange(len(train.view) + 1)
    )
    one = fitted_logits(lda, {}, train, train)
    two = fitted_logits(lda, {}, Labelled(twice, train.targets), train)
    torch.testing.assert_close(one, two)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [("auto", [0, 1, 2, 3]), (2, [2]), (-1, [3]), (-4, [0]), ("concat", ["concat"])],
)
def test_layers(layer: int | str, expected: list[int | str]) -> None:
    assert layer_candidates(layer, Shape(4, 8, 2)) == expected


@pytest.mark.parametrize("layer", [4, -5, "best", "2"])
def test_a_layer_that_is_not_there(layer: int | str) -> None:
    with pytest.raises(ConfigError, match="0 to 3"):
        layer_candidates(layer, Shape(4, 8, 2))


@pytest.mark.parametrize("values", [[], [0.0], [1.0, -1.0], [2.0, 2.0]])
def test_strengths_that_cannot_be(values: list[float]) -> None:
    with pytest.raises(ConfigError, match=r"head\.alphas"):
        ridge.build(ridge.Config(alphas=values), Shape(1, 4, 2), 0)
    with pytest.raises(ConfigError, match=r"head\.C"):
        logistic.build(logistic.Config(C=values), Shape(1, 4, 2), 0)


@pytest.mark.parametrize("dim", [12, 300])
@pytest.mark.parametrize("module", [ridge, logistic, lda, linear_svc])
def test_constant_columns_carry_nothing(module: Any, dim: int, caplog: pytest.LogCaptureFixture) -> None:
    """A column that is constant in training changes no logit, not even where it jumps in the test part."""
    settings: dict[str, Any] = {ridge: {"alphas": [1.0]}, logistic: {"C": [0.1]}}.get(module, {})
    train, test = problem(0, layers=1, dim=dim), problem(1, layers=1, dim=dim)
    train.view.values[..., 9] = 3.25
    with caplog.at_level(logging.INFO, logger="downstreams"):
        calm = fitted_logits(module, settings, train, test)
    assert f"1 of {dim} columns are constant" in caplog.text
    test.view.values[..., 9] = 1e6
    assert torch.equal(fitted_logits(module, settings, train, test), calm)


def test_features_that_never_vary_are_refused() -> None:
    part = problem(0, layers=1)
    flat = Labelled(Means(torch.ones_like(part.view.values)), part.targets)
    with pytest.raises(CheckError, match="do not vary"):
        lda.build(lda.Config(), shape_of(flat), 0).fit(flat, None, ignore)


def test_what_does_not_converge_is_told(caplog: pytest.LogCaptureFixture) -> None:
    train = problem(0, layers=1)
    head = logistic.build(logistic.Config(C=[100.0], max_iter=2), shape_of(train), 0)
    head.fit(train, None, ignore)
    assert "LogisticRegression" in caplog.text


def test_predict_before_fit_is_a_defect() -> None:
    part = problem(0)
    with pytest.raises(RuntimeError, match="before fit"):
        ridge.build(ridge.Config(), shape_of(part), 0).predict(part.view)


@pytest.mark.parametrize("constant", [False, True])
def test_wide_lda_equals_scikit_learn(constant: bool) -> None:
    """In double precision, with classes of unequal size and a column that is constant within one class."""
    chance = np.random.default_rng(0)
    classes = np.repeat(np.arange(4), [40, 11, 5, 2])
    rows = chance.normal(size=(58, 150)) * chance.uniform(0.1, 3.0, 150) + classes[:, None] * 0.1
    if constant:
        rows[classes == 1, 7] = 3.0
    expected = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(rows, classes)
    got = WideLDA().fit(rows, classes).decision_function(rows)
    # sums over pairs of utterances instead of pairs of columns: rounding, grown by the condition of the system
    np.testing.assert_allclose(got, expected.decision_function(rows), rtol=1e-9, atol=1e-9)


def test_ledoit_wolf_equals_scikit_learn() -> None:
    from sklearn.covariance import ledoit_wolf_shrinkage

    rows = np.random.default_rng(1).normal(size=(20, 90)) * np.linspace(0.5, 2, 90)
    rows -= rows.mean(0)
    assert ledoit_wolf_share(rows) == pytest.approx(
        ledoit_wolf_shrinkage(rows, assume_centered=True), rel=1e-12
    )
    assert ledoit_wolf_share(np.zeros((1, 5))) == 0.0


@pytest.mark.parametrize("name", ["ridge", "logistic", "lda", "linear_svc"])
def test_one_utterance_per_class_is_enough(name: str) -> None:
    """Few utterances and many columns: every class has no spread of its own, and every answer is finite."""
    module = importlib.import_module(f"downstreams.{name}")
    single = {"ridge": {"alphas": [1.0]}, "logistic": {"C": [1.0]}}.get(name, {})
    values = torch.randn(4, 1, 300, generator=torch.Generator().manual_seed(0))
    train = Labelled(Means(values), torch.arange(4))
    head = module.build(module.Config(layer=0, **single), Shape(layers=1, dim=300, classes=4), 0)
    head.fit(train, None, lambda share: None)
    logits = head.predict(train.view)
    assert logits.isfinite().all()
    assert torch.equal(logits.argmax(1), train.targets)
