"""emotion2vec's head reproduces the released code's own trace (outputs of the original, random features)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from torch import Tensor, nn

from downstreams import e2v_linear
from downstreams._epochs import FrameHead
from downstreams._seeded import generator, shuffled_batches
from downstreams._selection import weighted_accuracy
from harness.contracts import EmbeddingHead, Labelled, Means, PackedFrames, Shape
from harness.errors import ConfigError

TRACE = Path(__file__).parents[1] / "parity" / "downstream"
SHAPE = Shape(layers=1, dim=48, classes=4)
# The trace is float32 on padded blocks; here sums run over packed frames in a shuffled order. Measured: logits
# 2e-7, loss 4e-6 of its value, weights 4e-6 of the largest; the folder's README suggests 1e-5 and 3e-4.
LOGITS, TRAINED = 2e-6, 3e-5


def ignore(share: float) -> None:
    """Progress that nobody watches."""


def packed(feats: Tensor, padding: Tensor) -> PackedFrames:
    valid = padding == 0
    return PackedFrames(feats[valid][:, None], torch.cat([torch.zeros(1).long(), valid.sum(1).cumsum(0)]))


@pytest.fixture(scope="module")
def trace() -> dict[str, Any]:
    tensors = {name: load_file(TRACE / f"{name}.safetensors") for name in ("inputs", "head_init", "outputs")}
    inputs = tensors["inputs"]
    part = Labelled(packed(inputs["feats"], inputs["padding_mask"]), inputs["labels"])
    return tensors | {"part": part, "meta": json.loads((TRACE / "meta.json").read_text())}


def head(trace: dict[str, Any], epochs: int = 25) -> e2v_linear.FrameLinearHead:
    made = e2v_linear.build(e2v_linear.Config(epochs=epochs), SHAPE, 42)
    made.module.load_state_dict(trace["head_init"])
    return made


def error(got: Tensor, wanted: Tensor) -> float:
    return float((got - wanted).abs().max() / wanted.abs().max())


def test_logits(trace: dict[str, Any]) -> None:
    assert error(head(trace).predict(trace["part"].view), trace["outputs"]["logits"]) < LOGITS


def test_training_trace(trace: dict[str, Any]) -> None:
    made, meta = head(trace), trace["meta"]
    history = made.fit(trace["part"], None, ignore).history
    assert len(history) == 25
    assert [row["loss"] for row in history] == pytest.approx(meta["loss_per_epoch"], rel=TRAINED)
    assert [row["lr"] for row in history] == pytest.approx(meta["lr_used_in_epoch"], rel=1e-12)
    assert [row["momentum"] for row in history] == pytest.approx(meta["momentum_used_in_epoch"], rel=1e-12)
    for name, weight in made.module.state_dict().items():
        assert error(weight, trace["outputs"][f"after.{name}"]) < TRAINED, name


def test_metrics(trace: dict[str, Any]) -> None:
    """The WA that selects here is the trace's; UA and WF1 are scikit-learn's balanced accuracy and weighted F1."""
    truth, guess = trace["inputs"]["metric_true"], trace["inputs"]["metric_pred"]
    expected = trace["meta"]["metrics"]
    logits = nn.functional.one_hot(guess, int(guess.max()) + 1).float()
    assert weighted_accuracy(logits, truth) == pytest.approx(expected["WA"], abs=1e-9)
    assert 100 * accuracy_score(truth, guess) == pytest.approx(expected["WA"], abs=1e-9)
    assert 100 * balanced_accuracy_score(truth, guess) == pytest.approx(expected["UA"], abs=1e-9)
    assert 100 * f1_score(truth, guess, average="weighted") == pytest.approx(expected["WF1"], abs=1e-9)


def padded_loop(
    part: Labelled, start: dict[str, Tensor], epochs: int, batch: int, seed: int
) -> nn.ModuleDict:
    """The released training written plainly, on padded batches, several batches per epoch."""
    net = nn.ModuleDict({"pre_net": nn.Linear(48, 256), "post_net": nn.Linear(256, 4)})
    net.load_state_dict(start)
    optimiser = torch.optim.RMSprop(net.parameters(), lr=5e-4, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CyclicLR(optimiser, 5e-4, 1e-3, step_size_up=10)
    counts, order = part.view.offsets.diff(), generator(seed)
    sequences = part.view.values[:, 0].split(counts.tolist())
    for _ in range(epochs):
        for rows in shuffled_batches(len(sequences), batch, order):
            block = nn.utils.rnn.pad_sequence([sequences[row] for row in rows.tolist()], batch_first=True)
            mask = torch.arange(block.shape[1])[None] < counts[rows][:, None]
            hidden = torch.relu(net["pre_net"](block)) * mask[..., None]
            logits = net["post_net"](hidden.sum(1) / counts[rows][:, None])
            optimiser.zero_grad()
            nn.functional.cross_entropy(logits, part.targets[rows]).backward()
            optimiser.step()
        schedule.step()
    return net


def test_several_batches_per_epoch_equal_a_padded_loop(trace: dict[str, Any]) -> None:
    made = e2v_linear.build(e2v_linear.Config(epochs=12, batch=4), SHAPE, 42)
    made.module.load_state_dict(trace["head_init"])
    made.fit(trace["part"], None, ignore)
    expected = padded_loop(trace["part"], trace["head_init"], epochs=12, batch=4, seed=42)
    for name, weight in made.module.state_dict().items():
        # RMSprop divides by the gradient's size, which carries rounding of vanishing gradients into the weights
        torch.testing.assert_close(weight, expected.state_dict()[name], rtol=1e-4, atol=1e-5)


def test_the_relu_comes_before_the_pooling(trace: dict[str, Any]) -> None:
    """Pre-pooled vectors are another head (about 10 points worse on IEMOCAP): they are refused, not averaged."""
    view = trace["part"].view
    with pytest.raises(ConfigError, match="reads frames"):
        head(trace).predict(Means(view.values[:6]))
    with pytest.raises(ConfigError, match="reads frames"):
        head(trace).fit(Labelled(Means(view.values[:6]), trace["part"].targets), None, ignore)


def test_several_layers_are_refused_with_the_view_to_use() -> None:
    with pytest.raises(ConfigError, match="view=last"):
        e2v_linear.build(e2v_linear.Config(), Shape(13, 768, 4), 0)


def test_defaults_and_size_are_the_released_ones() -> None:
    config = e2v_linear.Config()
    assert (config.lr, config.max_lr, config.momentum, config.cycle_up_epochs) == (5e-4, 1e-3, 0.9, 10)
    assert (config.hidden_dim, config.batch, config.epochs) == (256, 128, 100)
    module = e2v_linear.build(config, Shape(1, 768, 4), 42).module
    assert sum(parameter.numel() for parameter in module.parameters()) == 197_892


def test_an_utterance_without_frames_is_named(trace: dict[str, Any]) -> None:
    view = trace["part"].view
    offsets = view.offsets.clone()
    offsets[3] = offsets[2]
    with pytest.raises(Exception, match="utterance 2 of 6 with 0 frames"):
        head(trace).predict(PackedFrames(view.values, offsets))


def test_an_embedding_is_the_mean_of_the_first_layers_output(trace: dict[str, Any]) -> None:
    """Computed anew, utterance by utterance, in float64; float32 sums of some tens of frames agree to 1e-5."""
    made, view = head(trace), trace["part"].view
    made.fit(trace["part"], None, ignore)
    weight, bias = (part.detach().double() for part in (made.module.pre_net.weight, made.module.pre_net.bias))
    got = made.embed(view)
    assert got.shape == (len(view), 256)
    assert got.dtype == torch.float32
    for row in range(len(view)):
        frames = view.values[view.offsets[row] : view.offsets[row + 1], 0].double()
        wanted = (frames @ weight.T + bias).clamp(min=0).mean(0)
        assert error(got[row].double(), wanted) < 1e-5
    torch.testing.assert_close(made.module.post_net(got), made.predict(view), rtol=0, atol=1e-6)


def test_an_embedding_is_of_the_selected_epoch(trace: dict[str, Any]) -> None:
    watched, last = head(trace, 8), head(trace, 8)
    report = watched.fit(trace["part"], trace["part"], ignore)
    last.fit(trace["part"], None, ignore)
    selected = int(report.selected.split()[1])
    assert selected < 8, "the trace learns all at once; the test needs an earlier epoch"
    assert not torch.equal(watched.embed(trace["part"].view), last.embed(trace["part"].view))
    again = head(trace, selected)
    again.fit(trace["part"], None, ignore)
    torch.testing.assert_close(again.embed(trace["part"].view), watched.embed(trace["part"].view))


def test_an_embedding_needs_frames(trace: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="time means"):
        head(trace).embed(Means(torch.zeros(2, 1, 48)))


def test_the_head_says_that_it_embeds(trace: dict[str, Any]) -> None:
    assert isinstance(head(trace), EmbeddingHead)
    assert not isinstance(FrameHead(nn.Linear(1, 1), SHAPE, head(trace)._plan, 0), EmbeddingHead)


def uneven(seed: int, count: int = 60) -> Labelled:
    """Two classes that differ in one small channel, beside one a thousand times as large and one that is still."""
    draw = torch.Generator().manual_seed(seed)
    targets = torch.arange(count) % 2
    offsets = torch.arange(0, 5 * count + 1, 5)
    values = torch.randn(5 * count, 1, 3, generator=draw)
    values[:, 0, 0] = 0.01 * (values[:, 0, 0] + 3 * targets.repeat_interleave(5))
    values[:, 0, 1] = 1e4 + 1e3 * values[:, 0, 1]
    values[:, 0, 2] = 7.0
    return Labelled(PackedFrames(values, offsets), targets)


def trained(part: Labelled, **settings: Any) -> e2v_linear.FrameLinearHead:
    made = e2v_linear.build(e2v_linear.Config(epochs=30, **settings), Shape(layers=1, dim=3, classes=2), 0)
    made.fit(part, None, ignore)
    return made


def test_standardised_it_learns_what_a_large_channel_hides() -> None:
    test = uneven(1)
    right = {
        flag: accuracy_score(test.targets, trained(uneven(0), standardise=flag).predict(test.view).argmax(1))
        for flag in (False, True)
    }
    assert right[True] > 0.95
    assert right[False] < 0.8


def test_the_scale_is_that_of_the_training_frames_alone() -> None:
    """numpy's own, in double precision; a channel that never moves is centred, and predicting changes nothing."""
    part = uneven(0)
    made = trained(part, standardise=True)
    assert isinstance(made.module, e2v_linear.FrameLinear)
    values = part.view.values[:, 0].numpy().astype("float64")
    assert made.module.mean.numpy() == pytest.approx(values.mean(0), rel=1e-5)
    assert made.module.deviation.numpy() == pytest.approx([*values.std(0)[:2], 1.0], rel=1e-4)
    before = made.module.mean.clone()
    made.predict(uneven(2).view)
    assert torch.equal(made.module.mean, before)


def test_standardised_it_does_not_mind_the_unit_of_a_channel() -> None:
    """Hz or kHz: the same answers, but for rounding."""
    part, test = uneven(0), uneven(1)
    unit = torch.tensor([1000.0, 0.001, 1.0])
    other = [
        Labelled(PackedFrames(one.view.values * unit, one.view.offsets), one.targets) for one in (part, test)
    ]
    here = trained(part, standardise=True).predict(test.view)
    there = trained(other[0], standardise=True).predict(other[1].view)
    assert torch.equal(here.argmax(1), there.argmax(1))
    assert float((here - there).abs().max()) < 0.01 * float(here.abs().max())
