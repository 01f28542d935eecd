"""The training that is written out gives what autograd gives, and reads the frames where they lie."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from downstreams import e2v_linear
from downstreams._epochs import FrameHead
from downstreams._frame_linear import FrameLinear
from downstreams._frame_linear_step import ALONE, TOGETHER, FrameLinearStepper, pooled
from harness.contracts import Labelled, PackedFrames, Shape

SHAPE = Shape(layers=1, dim=16, classes=3)


def ignore(share: float) -> None:
    """Progress that nobody watches."""


def part_of(counts: list[int], seed: int = 0, offset: float = 0.0) -> Labelled:
    chance = torch.Generator().manual_seed(seed)
    values = torch.randn(sum(counts), 1, SHAPE.dim, generator=chance) + offset
    targets = torch.randint(0, SHAPE.classes, (len(counts),), generator=chance)
    targets[:2] = torch.tensor([0, 1])
    bounds = torch.cat([torch.zeros(1).long(), torch.tensor(counts).cumsum(0)])
    values += 0.3 * targets.repeat_interleave(torch.tensor(counts))[:, None, None]
    return Labelled(PackedFrames(values, bounds), targets)


def network(seed: int = 0, *, standardises: bool = False) -> FrameLinear:
    torch.manual_seed(seed)
    return FrameLinear(SHAPE, 6, standardises=standardises)


def autograd(module: FrameLinear, part: Labelled, rows: Tensor) -> tuple[dict[str, Tensor], float]:
    """In double precision."""
    twin = copy.deepcopy(module).double()
    twin.zero_grad()
    twin.mean, twin.deviation = module.mean.double(), module.deviation.double()
    taken = part.view.take(rows)
    values = (taken.values[:, 0].double() - twin.mean) / twin.deviation
    sums = torch.stack([
        torch.relu(twin.pre_net(values[a:b])).mean(0)
        for a, b in zip(taken.offsets[:-1].tolist(), taken.offsets[1:].tolist(), strict=True)
    ])  # fmt: skip
    loss = nn.functional.cross_entropy(twin.post_net(sums), part.targets[rows])
    loss.backward()
    return {name: weight.grad for name, weight in twin.named_parameters()}, float(loss.detach())


LENGTHS = st.lists(
    st.sampled_from([1, 2, 7, ALONE - 1, ALONE, ALONE + 1, TOGETHER, TOGETHER + 50]), min_size=2, max_size=9
)


@settings(max_examples=30)
@given(counts=LENGTHS, standardises=st.booleans(), lazy=st.booleans(), seed=st.integers(0, 99))
def test_the_gradient_is_autograds(counts: list[int], standardises: bool, lazy: bool, seed: int) -> None:
    """Against double precision: float32 sums of some hundred terms agree to 1e-5 of the largest."""
    part = part_of(counts, seed, offset=5.0 if standardises else 0.0)
    module = network(seed, standardises=standardises)
    if standardises:
        module.take_scale(part.view)
    rows = torch.randperm(len(counts))[: max(2, len(counts) - 1)]
    view = part.view.select(torch.arange(len(counts))) if lazy else part.view
    stepper = FrameLinearStepper(module, view, part.targets)
    stepper.gradient(torch.arange(2))  # what an earlier batch left has to go
    total = stepper.gradient(rows)
    wanted, loss = autograd(module, part, rows)
    assert total / len(rows) == pytest.approx(loss, rel=1e-5)
    for name, weight in module.named_parameters():
        close = 1e-5 * max(float(wanted[name].abs().max()), 1e-3)
        torch.testing.assert_close(weight.grad.double(), wanted[name], rtol=0, atol=close)


def test_short_utterances_are_computed_together_and_come_out_alone() -> None:
    part = part_of([3, 70, 5, 1, 300, 63, 64, 2] * 8)
    module, rows = network(), torch.randperm(64)
    together = pooled(module, part.view, rows)
    alone = torch.cat([pooled(module, part.view, row[None]) for row in rows])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(together, module.hidden(part.view)[rows].detach(), rtol=1e-5, atol=1e-6)


class Reference(FrameHead):
    """The same head, trained by autograd on copied batches."""

    def _prepare(self, train: Labelled) -> None:
        if self.module.standardises:
            self.module.take_scale(train.view)


@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_whole_training_equals_autograds(standardise: bool, threads: int) -> None:
    """Selection, rates and history included. RMSprop divides by a gradient's size, which carries the rounding of
    vanishing gradients into the weights; measured here 2e-6 after 12 epochs."""
    train, watch = part_of([5, 90, 40, 130, 20, 9, 66, 3] * 4), part_of([30, 70, 8] * 5, seed=1)
    config = e2v_linear.Config(hidden_dim=16, epochs=12, batch=7, standardise=standardise)
    made = e2v_linear.build(config, SHAPE, 3)
    plain = Reference(copy.deepcopy(made.module), SHAPE, made._plan, 3)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        ours, theirs = made.fit(train, watch, ignore), plain.fit(train, watch, ignore)
    finally:
        torch.set_num_threads(before)
    assert ours.selected == theirs.selected
    for mine, other in zip(ours.history, theirs.history, strict=True):
        assert mine.keys() == other.keys()
        assert mine == pytest.approx(other, rel=1e-4)
    for name, weight in made.module.state_dict().items():
        torch.testing.assert_close(weight, plain.module.state_dict()[name], rtol=1e-3, atol=2e-5)
    torch.testing.assert_close(made.predict(watch.view), plain.predict(watch.view), rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("standardise", [False, True])
def test_a_fold_on_disk_trains_the_same_head_bit_by_bit(standardise: bool) -> None:
    whole = part_of([5, 90, 40, 130, 20, 9, 66, 3] * 4)
    rows = torch.randperm(32, generator=torch.Generator().manual_seed(0))
    heads = []
    for pick in (whole.view.take, whole.view.select):
        train = Labelled(pick(rows[:24]), whole.targets[rows[:24]])
        watch = Labelled(pick(rows[24:]), whole.targets[rows[24:]])
        made = e2v_linear.build(e2v_linear.Config(epochs=6, batch=5, standardise=standardise), SHAPE, 0)
        made.fit(train, watch, ignore)
        heads.append((made, made.predict(watch.view), made.embed(watch.view)))
    (first, *one), (second, *other) = heads
    for name, weight in first.module.state_dict().items():
        assert torch.equal(weight, second.module.state_dict()[name]), name
    for mine, theirs in zip(one, other, strict=True):
        assert torch.equal(mine, theirs)


def test_no_frame_is_copied_that_is_long_enough() -> None:
    """A batch of long utterances is read where it lies: nothing as large as one of them is allocated."""
    part = part_of([400] * 6)
    module = network()
    stepper = FrameLinearStepper(module, part.view, part.targets)
    with torch.profiler.profile(profile_memory=True) as seen:
        stepper.gradient(torch.arange(6))
    largest = max(event.cpu_memory_usage for event in seen.events())
    assert largest < 400 * SHAPE.dim * 4
