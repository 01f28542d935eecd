"""Every head of classes in `downstreams/` meets the same tests; a new file there is tested without a word here.

Heads of numbers and shares (`KINDS`) meet theirs in `test_value_heads.py`.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import random
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from sklearn.metrics import accuracy_score, f1_score

import downstreams
from harness.contracts import Contexts, FitReport, Head, HeadModule, Labelled, Means, PackedFrames, Shape
from harness.errors import CheckError, ConfigError, SplitError

MODULES = [m.name for m in pkgutil.iter_modules(downstreams.__path__) if not m.name.startswith("_")]
HEADS = sorted(
    name
    for name in MODULES
    if "classes" in getattr(importlib.import_module(f"downstreams.{name}"), "KINDS", ("classes",))
)
DIM = 6
# Outputs of the heads that cannot have any number of classes; all others are tested with three.
OUTPUTS = {"merbench": 2}
# Shorter trainings for a small problem; a head that is not named here is tested with its defaults.
QUICK: dict[str, dict[str, Any]] = {
    "superb_linear": {"updates": 300, "eval_every": 100, "lr": 1e-2},
    "e2v_linear": {"epochs": 12, "batch": 16},
    "gru": {"epochs": 12, "batch": 16, "lr": 1e-2, "hidden_dim": 16},
    "merbench": {"epochs": 12, "batch": 16, "lr": 1e-2, "hidden_dim": 16},
    "epc_shi2023": {"epochs": 12, "batch": 16, "lr": 1e-2, "hidden_dim": 16},
    "epc_shi2020": {"epochs": 12, "batch": 16, "lr": 1e-2, "hidden_dim": 16},
    "epc_gru": {"epochs": 12, "batch": 16, "lr": 1e-2, "hidden_dim": 16},
}
# Settings that leave one candidate, so that nothing has to select.
SINGLE: dict[str, dict[str, Any]] = {
    "ridge": {"layer": 0, "alphas": [1.0]},
    "logistic": {"layer": 0, "C": [1.0]},
    "lda": {"layer": 0},
    "linear_svc": {"layer": 0},
}
MEASURES = {"wa": accuracy_score, "wf1": partial(f1_score, average="weighted")}


def load(name: str) -> Any:
    return importlib.import_module(f"downstreams.{name}")


def config(name: str, *, single: bool = False) -> Any:
    return load(name).Config(**QUICK.get(name, {}), **(SINGLE.get(name, {}) if single else {}))


def outputs(name: str) -> int:
    return OUTPUTS.get(name, 3)


def problem(name: str, seed: int, absent: int | None = None, utterances: int = 48) -> Labelled:
    """Clusters that any linear model separates; frames scatter around their utterance's mean.

    The values are scores with the sign of a class against the first one, for heads that learn a score.
    """
    chance, classes = torch.Generator().manual_seed(seed), outputs(name)
    centres = torch.zeros(classes, DIM)
    centres[range(classes), range(classes)] = 4.0
    targets = torch.arange(utterances) % classes
    targets[targets == absent] = (0 if absent is None else absent + 1) % classes
    scores = torch.where(targets > 0, 1.5, -1.5)[:, None]
    if load(name).NEEDS == "means":
        layers = 1 if name in OUTPUTS else 2
        noise = torch.randn(utterances, layers, DIM, generator=chance)
        return Labelled(Means(centres[targets][:, None] + noise), targets, scores)
    if load(name).NEEDS == "contexts":
        values = centres[targets] + torch.randn(utterances, DIM, generator=chance)
        return Labelled(contexts(values[:, None], chance), targets)
    counts = torch.randint(3, 9, (utterances,), generator=chance)
    owner = torch.repeat_interleave(torch.arange(utterances), counts)
    values = centres[targets][owner] + torch.randn(len(owner), DIM, generator=chance)
    return Labelled(
        PackedFrames(values[:, None], torch.cat([torch.zeros(1).long(), counts.cumsum(0)])), targets, scores
    )


def contexts(values: torch.Tensor, chance: torch.Generator) -> Contexts:
    """Example i reads utterance i and up to three others of its class, each by anyone."""
    counts = torch.randint(1, 5, (len(values),), generator=chance)
    rows = [
        (row + 3 * step) % len(values) for row, count in enumerate(counts.tolist()) for step in range(count)
    ]
    offsets = torch.cat([torch.zeros(1).long(), counts.cumsum(0)])
    return Contexts(values, torch.tensor(rows), offsets, torch.randint(0, 3, (len(rows),), generator=chance))


def with_values(view: Any, values: torch.Tensor) -> Any:
    return type(view)(values, *view[1:])


def shape_of(name: str, part: Labelled) -> Shape:
    return Shape(part.view.values.shape[1], part.view.values.shape[2], outputs(name))


def ignore(share: float) -> None:
    """Progress that nobody watches."""


def fitted(
    name: str, *, single: bool = False, absent: int | None = None, seed: int = 3
) -> tuple[Head, FitReport]:
    train = problem(name, 0, absent)
    head = load(name).build(config(name, single=single), shape_of(name, train), seed)
    return head, head.fit(train, None if single else problem(name, 1), ignore)


@pytest.fixture(params=HEADS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_heads_are_there() -> None:
    probes = {"ridge", "logistic", "lda", "linear_svc"}
    conversations = {"epc_shi2023", "epc_shi2020", "epc_gru"}
    assert {"superb_linear", "e2v_linear", "gru", "merbench"} | probes | conversations <= set(HEADS)


@pytest.mark.parametrize("by", ["wa", "wf1"])
@pytest.mark.parametrize("name", [name for name in HEADS if hasattr(load(name).Config(), "select_by")])
def test_selects_by_what_it_is_told(name: str, by: str) -> None:
    """Scattered clusters of uneven sizes, on which the two measures have their best epochs apart."""
    settings_ = dataclasses.replace(config(name), select_by=by, epochs=25)
    train, watch = (_scattered(problem(name, seed, utterances=60), seed) for seed in (0, 1))
    head = load(name).build(settings_, shape_of(name, train), 3)
    report = head.fit(train, watch, ignore)
    seen = [row[f"watch_{by}"] for row in report.history]
    got = 100 * MEASURES[by](watch.targets.numpy(), head.predict(watch.view).argmax(1).numpy())
    assert got == pytest.approx(max(seen))
    assert report.selected == f"epoch {seen.index(max(seen)) + 1} by watch {by.upper()} {max(seen):.1f}"
    assert len(set(seen)) > 2


def _scattered(part: Labelled, seed: int) -> Labelled:
    """Most of the first class, and so much noise that nobody is always right."""
    values = part.view.values
    noise = 4 * torch.randn(values.shape, generator=torch.Generator().manual_seed(seed + 10))
    rows = torch.cat(
        [torch.nonzero(part.targets == 0).flatten(), torch.nonzero(part.targets > 0).flatten()[::2]]
    )
    view = with_values(part.view, values + noise).take(rows)
    scores = None if part.values is None else part.values[rows]
    return Labelled(view, part.targets[rows], scores)


def test_module_keeps_the_contract(name: str) -> None:
    module = load(name)
    assert isinstance(module, HeadModule)
    assert module.NEEDS in ("means", "frames", "contexts")
    assert dataclasses.is_dataclass(module.Config)


def test_recipe_shows_the_defaults(name: str, project_root: Path) -> None:
    shown = yaml.safe_load((project_root / "recipes" / "head" / f"{name}.yaml").read_text())
    assert shown.pop("name") == name
    defaults = dataclasses.asdict(load(name).Config())
    assert {
        key: float(value) if isinstance(value, str) and key == "lr" else value for key, value in shown.items()
    } == defaults


def test_learns_and_reports(name: str) -> None:
    train, watch, test = problem(name, 0), problem(name, 1), problem(name, 2)
    head, told = load(name).build(config(name), shape_of(name, train), 3), list[float]()
    assert isinstance(head, Head)
    report = head.fit(train, watch, told.append)
    logits = head.predict(test.view)
    assert logits.shape == (len(test.view), outputs(name))
    assert logits.dtype == torch.float32
    assert bool(torch.isfinite(logits).all())
    # the centres lie four deviations apart per axis, so an ideal rule errs on about 0.3 %
    assert float((logits.argmax(1) == test.targets).float().mean()) > 0.9
    assert told == sorted(told)
    assert told[0] > 0
    assert told[-1] == pytest.approx(1.0)
    assert all({"epoch", "step"} & set(row) and "watch_wa" in row for row in report.history)


def assert_smallest_loss_is_kept(head: Head, report: FitReport, watch: Labelled) -> None:
    """The classes are even in training, so that the weighted loss is the plain one."""
    seen = [row["watch_loss"] for row in report.history]
    got = float(torch.nn.functional.cross_entropy(head.predict(watch.view), watch.targets))
    assert got == pytest.approx(min(seen), rel=1e-5)
    assert report.selected == f"epoch {seen.index(min(seen)) + 1} by watch loss {min(seen):.4f}"


def test_keeps_the_first_best_moment(name: str) -> None:
    head, report = fitted(name)
    if "watch_loss" in report.history[0]:
        assert_smallest_loss_is_kept(head, report, problem(name, 1))
        return
    by = getattr(config(name), "select_by", "wa")
    seen = [row[f"watch_{by}"] for row in report.history]
    watch = problem(name, 1)
    got = 100 * MEASURES[by](watch.targets.numpy(), head.predict(watch.view).argmax(1).numpy())
    assert got == pytest.approx(max(seen))
    assert f"watch {by.upper()} {max(seen):.1f}" in report.selected
    first = report.history[seen.index(max(seen))]
    moments = [key for key in ("epoch", "layer") if key in first] or ["step"]
    assert f"{moments[0]} {first[moments[0]]:g}" in report.selected


def test_same_seed_same_bits(name: str) -> None:
    test = problem(name, 2).view
    one, two = fitted(name)[0].predict(test), fitted(name)[0].predict(test)
    assert torch.equal(one, two)


def test_fit_starts_anew_every_time(name: str) -> None:
    head, report = fitted(name)
    before = head.predict(problem(name, 2).view)
    again = head.fit(problem(name, 0), problem(name, 1), ignore)
    assert torch.equal(head.predict(problem(name, 2).view), before)
    assert again == report


def test_global_chance_and_threads_are_left_alone(name: str) -> None:
    torch_state, threads = torch.get_rng_state(), torch.get_num_threads()
    numpy_state, python_state = np.random.get_state()[1].copy(), random.getstate()
    head, _ = fitted(name)
    head.predict(problem(name, 2).view)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert torch.get_num_threads() == threads
    assert np.array_equal(np.random.get_state()[1], numpy_state)
    assert random.getstate() == python_state


def test_global_chance_decides_nothing(name: str) -> None:
    test = problem(name, 2).view
    one = fitted(name)[0].predict(test)
    torch.rand(7)
    assert torch.equal(fitted(name)[0].predict(test), one)


def test_without_a_watch(name: str) -> None:
    head, report = fitted(name, single=True)
    test = problem(name, 2)
    assert float((head.predict(test.view).argmax(1) == test.targets).float().mean()) > 0.85
    assert report.selected
    assert all("watch_wa" not in row for row in report.history)


@pytest.mark.parametrize("absent", range(3))
def test_a_class_without_training_data(name: str, absent: int) -> None:
    if outputs(name) == 2:
        pytest.skip("one class alone is refused, see below")
    head, _ = fitted(name, single=True, absent=absent)
    logits = head.predict(problem(name, 0, absent).view)
    assert logits.shape[1] == outputs(name)
    assert bool(torch.isfinite(logits).all())
    assert not bool((logits.argmax(1) == absent).any())


def test_an_utterance_alone_gets_what_it_gets_in_company(name: str) -> None:
    view = problem(name, 2).view
    head, _ = fitted(name)
    together, alone = head.predict(view), head.predict(view.take(torch.tensor([5])))
    # another number of rows in a matrix product may change the order of a float32 sum
    torch.testing.assert_close(alone[0], together[5], rtol=1e-5, atol=1e-5)


def test_one_class_is_refused(name: str) -> None:
    train = problem(name, 0)
    head = load(name).build(config(name, single=True), shape_of(name, train), 0)
    with pytest.raises(SplitError, match="single class"):
        head.fit(Labelled(train.view, torch.zeros_like(train.targets)), None, ignore)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_values_that_are_not_numbers_are_named(name: str, bad: float) -> None:
    train = problem(name, 0)
    head, _ = fitted(name, single=True)
    values = train.view.values.clone()
    values[7, 0, 4] = bad
    view = with_values(train.view, values)
    with pytest.raises(CheckError, match=r"(?s)utterance \d+ of 48.*layer 0, dimension 4"):
        head.predict(view)
    with pytest.raises(CheckError, match="training part"):
        head.fit(Labelled(view, train.targets), None, ignore)
    with pytest.raises(CheckError, match="watched part"):
        head.fit(train, Labelled(view, train.targets), ignore)


def test_another_width_is_refused(name: str) -> None:
    train = problem(name, 0)
    head, _ = fitted(name, single=True)
    narrow = with_values(train.view, train.view.values[..., :4])
    with pytest.raises(ConfigError, match="do not fit the head"):
        head.predict(narrow)


def test_an_empty_part_is_refused(name: str) -> None:
    train = problem(name, 0)
    head = load(name).build(config(name, single=True), shape_of(name, train), 0)
    nobody = torch.empty(0, dtype=torch.int64)
    with pytest.raises(SplitError, match="watched part is empty"):
        head.fit(train, Labelled(train.view.take(nobody), nobody), ignore)


@pytest.mark.parametrize("target", [-1, 3])
def test_targets_outside_the_task_are_refused(name: str, target: int) -> None:
    train = problem(name, 0)
    head = load(name).build(config(name, single=True), shape_of(name, train), 0)
    targets = train.targets.clone()
    targets[3] = target
    with pytest.raises(SplitError, match="outside the task"):
        head.fit(Labelled(train.view, targets), None, ignore)


def test_too_few_targets_are_refused(name: str) -> None:
    train = problem(name, 0)
    head = load(name).build(config(name, single=True), shape_of(name, train), 0)
    with pytest.raises(SplitError, match="another number of targets"):
        head.fit(Labelled(train.view, train.targets[:-1]), None, ignore)
