"""SUPERB's head: from means, from frames and by a plain padded loop it is one and the same training."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest
import torch
from torch import Tensor, nn

from downstreams import superb_linear
from downstreams._seeded import endless_batches, generator
from downstreams._superb_step import FrameStepper, MeanStepper, Rule, WeightedSumLinear
from harness.contracts import Labelled, Means, PackedFrames, Shape
from harness.errors import ConfigError

SHAPE = Shape(layers=5, dim=24, classes=4)
UTTERANCES = 70
# float32; the order of sums differs between the paths
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def ignore(share: float) -> None:
    """Progress that nobody watches."""


def frames(seed: int, utterances: int = UTTERANCES) -> Labelled:
    chance = torch.Generator().manual_seed(seed)
    targets = torch.randint(SHAPE.classes, (utterances,), generator=chance)
    counts = torch.randint(1, 30, (utterances,), generator=chance)
    values = torch.randn(int(counts.sum()), SHAPE.layers, SHAPE.dim, generator=chance)
    owner = torch.repeat_interleave(torch.arange(utterances), counts)
    values += torch.randn(SHAPE.classes, SHAPE.layers, SHAPE.dim, generator=chance)[targets[owner]]
    return Labelled(PackedFrames(values, torch.cat([torch.zeros(1).long(), counts.cumsum(0)])), targets)


def means(part: Labelled) -> Labelled:
    """By a plain loop, in double precision."""
    offsets = part.view.offsets.tolist()
    rows = [part.view.values[a:b].double().mean(0) for a, b in pairwise(offsets)]
    return Labelled(Means(torch.stack(rows).float()), part.targets)


def trained_a_little(part: Labelled) -> WeightedSumLinear:
    """A network away from its start, where the layer weights still are all alike."""
    head = superb_linear.build(superb_linear.Config(updates=30, lr=1e-2), SHAPE, 1)
    head.fit(part, None, ignore)
    return head.module


def gradients(module: nn.Module) -> list[Tensor]:
    return [parameter.grad.clone() for parameter in module.parameters() if parameter.grad is not None]


def autograd(module: WeightedSumLinear, part: Labelled, rows: Tensor) -> list[Tensor]:
    module.zero_grad()
    nn.functional.cross_entropy(module(part.view.take(rows)), part.targets[rows]).backward()
    return gradients(module)


def test_starts_as_superb_does() -> None:
    """Zero layer weights; projector, then classifier, as torch makes them after `manual_seed`."""
    head = superb_linear.build(superb_linear.Config(), SHAPE, 7)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        projector, classifier = nn.Linear(SHAPE.dim, 256), nn.Linear(256, SHAPE.classes)
    state = head.module.state_dict()
    assert torch.equal(state["layer_weights"], torch.zeros(SHAPE.layers))
    assert torch.equal(state["projector.weight"], projector.weight)
    assert torch.equal(state["projector.bias"], projector.bias)
    assert torch.equal(state["classifier.weight"], classifier.weight)
    assert torch.equal(state["classifier.bias"], classifier.bias)


def test_size_is_the_published_one() -> None:
    """s3prl's head has 197,892 parameters on 768 dimensions and 4 classes, plus the layer weights."""
    head = superb_linear.build(superb_linear.Config(), Shape(13, 768, 4), 0)
    assert sum(parameter.numel() for parameter in head.module.parameters()) == 197_892 + 13


def test_logits_from_means_equal_logits_from_frames() -> None:
    part = frames(0)
    module = trained_a_little(means(part))
    assert float(module.layer_weights.detach().std()) > 1e-3
    torch.testing.assert_close(module(means(part).view), module(part.view), **CLOSE)


def test_logits_equal_a_padded_masked_reference() -> None:
    part = frames(0)
    module = trained_a_little(means(part))
    counts = (part.view.offsets[1:] - part.view.offsets[:-1]).tolist()
    padded = nn.utils.rnn.pad_sequence(list(part.view.values.split(counts)), batch_first=True)
    mixed = (padded * module.layer_weights.softmax(0)[:, None]).sum(2)
    mask = torch.arange(padded.shape[1])[None] < torch.tensor(counts)[:, None]
    pooled = (module.projector(mixed) * mask[..., None]).sum(1) / torch.tensor(counts)[:, None]
    torch.testing.assert_close(module(part.view), module.classifier(pooled), **CLOSE)


@pytest.mark.parametrize("seed", range(3))
def test_written_out_gradient_equals_autograd_on_frames(seed: int) -> None:
    part = frames(seed)
    module = trained_a_little(means(part))
    rows = torch.randperm(UTTERANCES, generator=generator(seed))[:32]
    expected = autograd(module, part, rows)
    stepper = MeanStepper(module, means(part).view, part.targets, Rule(1e-4, 1.0), 32)
    loss = stepper.gradient(rows)
    assert float(loss) == pytest.approx(
        float(nn.functional.cross_entropy(module(part.view.take(rows)), part.targets[rows]).detach()),
        rel=1e-5,
    )
    assert stepper._flat.grad is not None
    got = torch.split_with_sizes(stepper._flat.grad, [slope.numel() for slope in expected])
    for one, other in zip(got, expected, strict=True):
        scale = float(other.abs().max())
        torch.testing.assert_close(one.view_as(other) / scale, other / scale, **CLOSE)


@pytest.mark.parametrize("clip_norm", [0.05, 1.0, 100.0])
def test_one_update_equals_autograd(clip_norm: float) -> None:
    """With the gradient cut and not cut."""
    part = frames(4)
    rule, rows = Rule(1e-3, clip_norm), torch.arange(32)
    by_frames, by_means = trained_a_little(means(part)), trained_a_little(means(part))
    FrameStepper(by_frames, part.view, part.targets, rule).step(rows)
    MeanStepper(by_means, means(part).view, part.targets, rule, 32).step(rows)
    for one, other in zip(by_means.parameters(), by_frames.parameters(), strict=True):
        torch.testing.assert_close(one, other, **CLOSE)


def test_training_from_means_equals_training_from_frames() -> None:
    """The whole training with its selection; differences stay at rounding over 200 updates."""
    config = superb_linear.Config(updates=200, eval_every=50, lr=1e-3)
    train, watch = frames(0), frames(1)
    by_frames, by_means = (superb_linear.build(config, SHAPE, 5) for _ in range(2))
    long = by_frames.fit(train, watch, ignore)
    short = by_means.fit(means(train), means(watch), ignore)
    assert long.selected == short.selected
    for one, other in zip(short.history, long.history, strict=True):
        assert one == pytest.approx(other, rel=1e-4)
    for one, other in zip(by_means.module.parameters(), by_frames.module.parameters(), strict=True):
        # Adam divides by the gradient's own size, so a weight's rounding may reach a few per cent of one lr step
        torch.testing.assert_close(one, other, rtol=1e-5, atol=5e-5)
    # either head reads either view
    torch.testing.assert_close(
        by_means.predict(watch.view), by_frames.predict(means(watch).view), rtol=1e-4, atol=1e-3
    )


def reference_training(train: Labelled, seed: int, updates: int, lr: float) -> list[nn.Module | Tensor]:
    """A plain loop with torch's own parts: accumulating 8 batches of 4 as SUPERB does."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        projector, classifier = nn.Linear(SHAPE.dim, 256), nn.Linear(256, SHAPE.classes)
    weights = nn.Parameter(torch.zeros(SHAPE.layers))
    parameters = [weights, *projector.parameters(), *classifier.parameters()]
    adam = torch.optim.Adam(parameters, lr=lr)
    for rows in islice(endless_batches(len(train.view), 32, generator(seed)), updates):
        for four in rows.split(4):
            mixed = torch.einsum("l,nld->nd", weights.softmax(0), train.view.values[four])
            loss = nn.functional.cross_entropy(classifier(projector(mixed)), train.targets[four])
            (loss / 8).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
        adam.zero_grad()
    return [parameter.detach() for parameter in parameters]


def test_training_equals_superbs_accumulated_loop() -> None:
    train = means(frames(2))
    head = superb_linear.build(superb_linear.Config(updates=100, lr=1e-3), SHAPE, 9)
    head.fit(train, None, ignore)
    expected = reference_training(train, seed=9, updates=100, lr=1e-3)
    for one, other in zip(head.module.parameters(), expected, strict=True):
        torch.testing.assert_close(one.detach(), other, rtol=1e-5, atol=5e-5)


def test_batches_are_full_and_every_utterance_comes_once_per_epoch() -> None:
    batches = list(islice(endless_batches(70, 32, generator(0)), 35))
    assert {len(batch) for batch in batches} == {32}
    stream = torch.cat(batches)
    for epoch in range(16):
        assert stream[70 * epoch : 70 * (epoch + 1)].sort().values.tolist() == list(range(70))
    assert not torch.equal(stream[:70], stream[70:140])


def test_fewer_utterances_than_a_batch() -> None:
    train = means(frames(3, utterances=9))
    head = superb_linear.build(superb_linear.Config(updates=5), SHAPE, 0)
    assert len(head.fit(train, None, ignore).history) == 1


@pytest.mark.parametrize(
    ("updates", "every", "expected"),
    [(300, 100, [100, 200, 300]), (250, 100, [100, 200, 250]), (40, 100, [40])],
)
def test_the_last_update_is_always_looked_at(updates: int, every: int, expected: list[int]) -> None:
    config = superb_linear.Config(updates=updates, eval_every=every)
    report = superb_linear.build(config, SHAPE, 0).fit(means(frames(0)), means(frames(1)), ignore)
    assert [row["step"] for row in report.history] == expected


def test_without_a_watch_the_last_state_stays() -> None:
    config = superb_linear.Config(updates=60, eval_every=20)
    report = superb_linear.build(config, SHAPE, 0).fit(means(frames(0)), None, ignore)
    assert report.selected == "step 60, the last"


def test_defaults_are_superbs() -> None:
    assert vars(superb_linear.Config()) == {
        "projector_dim": 256, "lr": 1e-4, "clip_norm": 1.0, "batch": 32, "updates": 30_000, "eval_every": 1000,
    }  # fmt: skip


@pytest.mark.parametrize("setting", ["lr", "batch", "updates", "eval_every", "clip_norm", "projector_dim"])
def test_a_setting_that_is_not_positive_is_named(setting: str) -> None:
    with pytest.raises(ConfigError, match=f"head.{setting}"):
        superb_linear.build(superb_linear.Config(**{setting: 0}), SHAPE, 0)


def test_the_stored_means_are_not_changed() -> None:
    train = means(frames(0))
    before = train.view.values.clone()
    superb_linear.build(superb_linear.Config(updates=20), SHAPE, 0).fit(train, None, ignore)
    assert torch.equal(train.view.values, before)


@pytest.mark.parametrize("threads", [1, 2])
def test_number_of_threads_is_put_back(threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        head = superb_linear.build(superb_linear.Config(updates=20, eval_every=10), SHAPE, 0)
        head.fit(means(frames(0)), means(frames(1)), ignore)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
