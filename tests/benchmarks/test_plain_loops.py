"""The plain loops that ours is timed against do the same work: same loss, same gradients, same choices."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from benchmarks._head_data import CLASSES, Features, parts, read_features, write_features
from benchmarks._plain_heads import (
    MaskedGRU,
    MaskedLinear,
    SuperbHead,
    SuperbRule,
    emotion2vec_training,
    loader,
    padded,
    ridge_sweep,
    superb_training,
    superb_update,
)
from downstreams import e2v_linear, gru, ridge, superb_linear
from harness.contracts import Labelled, Means, PackedFrames, Shape

LAYERS, DIM = 3, 8


@pytest.fixture(scope="module")
def all_layers(tmp_path_factory: pytest.TempPathFactory) -> Features:
    """Frames of all layers."""
    folder = tmp_path_factory.mktemp("layers") / "data"
    write_features(folder, 48, (LAYERS, DIM), mean_frames=14, signal=0.5)
    return read_features(folder)


@pytest.fixture(scope="module")
def one_layer(tmp_path_factory: pytest.TempPathFactory) -> Features:
    folder = tmp_path_factory.mktemp("layer") / "data"
    write_features(folder, 150, (1, DIM), mean_frames=14, signal=0.5)
    return read_features(folder)


def _batch(features: Features, rows: Tensor) -> tuple[object, Labelled]:
    """The same utterances as theirs (padded) and as ours (packed)."""
    (batch,) = loader(features, rows, len(rows), shuffle=False)
    return batch, features.labelled(rows)


def _slopes(loss: Tensor, module: nn.Module) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(module.parameters())))


def _assert_same_step(theirs: nn.Module, ours: nn.Module, features: Features) -> None:
    """With the same weights: the loss and every gradient.

    Both sum the same float32 numbers in another order, so that 1e-5 is rounding.
    """
    for one, other in zip(theirs.parameters(), ours.parameters(), strict=True):
        other.data.copy_(one.data)
    theirs.eval(), ours.eval()
    batch, part = _batch(features, torch.arange(0, 30, 3))
    found = nn.functional.cross_entropy(theirs(batch), part.targets)
    wanted = nn.functional.cross_entropy(ours(part.view), part.targets)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)
    for one, other in zip(_slopes(found, theirs), _slopes(wanted, ours), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_emotion2vecs_step_is_ours(one_layer: Features) -> None:
    head = e2v_linear.build(e2v_linear.Config(), Shape(layers=1, dim=DIM, classes=CLASSES), 0)
    _assert_same_step(MaskedLinear(DIM), head.module, one_layer)


def test_superbs_step_is_ours(all_layers: Features) -> None:
    head = superb_linear.build(superb_linear.Config(), Shape(layers=LAYERS, dim=DIM, classes=CLASSES), 0)
    _assert_same_step(SuperbHead(LAYERS, DIM), head.module, all_layers)


def test_the_grus_step_is_ours(one_layer: Features) -> None:
    head = gru.build(gru.Config(hidden_dim=16), Shape(layers=1, dim=DIM, classes=CLASSES), 0)
    theirs = MaskedGRU(DIM, hidden=16)
    theirs.gru.flatten_parameters()
    _assert_same_step(theirs, head.module, one_layer)


def test_padding_changes_nothing(one_layer: Features) -> None:
    """An utterance in a padded batch gets the logits that it gets alone."""
    rows = torch.arange(12)
    model = MaskedLinear(DIM)
    (together,) = loader(one_layer, rows, len(rows), shuffle=False)
    alone = torch.cat([model(batch) for batch in loader(one_layer, rows, 1, shuffle=False)])
    torch.testing.assert_close(model(together), alone, rtol=1e-5, atol=1e-6)


def test_eight_batches_of_four_are_one_of_thirty_two(all_layers: Features) -> None:
    """SUPERB's accumulated update is one over 32 utterances.

    Plain descent shows the gradient's size, which Adam would not; neither reaches the norm at which it is clipped.
    """
    rows = torch.arange(32)
    torch.manual_seed(0)
    theirs, ours = SuperbHead(LAYERS, DIM), SuperbHead(LAYERS, DIM)
    ours.load_state_dict(theirs.state_dict())
    before = [parameter.detach().clone() for parameter in theirs.parameters()]
    small, whole = (iter(loader(all_layers, rows, size, shuffle=False)) for size in (4, 32))
    eight = SuperbRule(updates=1, clip_norm=100.0)
    superb_update(theirs, small, torch.optim.SGD(theirs.parameters(), lr=1.0), eight)
    once = SuperbRule(updates=1, batch=32, accumulate=1, clip_norm=100.0)
    superb_update(ours, whole, torch.optim.SGD(ours.parameters(), lr=1.0), once)
    for start, one, other in zip(before, theirs.parameters(), ours.parameters(), strict=True):
        torch.testing.assert_close(one - start, other - start, rtol=1e-4, atol=1e-6)


def test_the_released_loop_learns_what_ours_learns(one_layer: Features) -> None:
    """Final accuracy on unseen utterances: other chance, same level, far above the 25 % of guessing."""
    train, watch, test = parts(len(one_layer.targets), 0, (0.5, 0.2, 0.3))
    model = emotion2vec_training(one_layer, train, watch, epochs=20, seed=0)
    head = e2v_linear.build(e2v_linear.Config(epochs=20), Shape(layers=1, dim=DIM, classes=CLASSES), 0)
    head.fit(one_layer.labelled(train), one_layer.labelled(watch), lambda _: None)
    part = one_layer.labelled(test)
    (batch,) = loader(one_layer, test, len(test), shuffle=False)
    theirs, ours = (
        float((logits.argmax(1) == part.targets).float().mean())
        for logits in (model(batch), head.predict(part.view))
    )
    assert min(theirs, ours) > 0.35
    assert abs(theirs - ours) < 0.2


def test_superbs_loop_learns(all_layers: Features) -> None:
    train, watch = parts(len(all_layers.targets), 0)
    rule = SuperbRule(updates=60, lr=1e-2, eval_every=20)
    model = superb_training(all_layers, train, watch, rule, 0)
    (batch,) = loader(all_layers, train, len(train), shuffle=False)
    assert float((model(batch).argmax(1) == all_layers.targets[train]).float().mean()) > 0.5


def test_the_sweep_chooses_what_ours_chooses(all_layers: Features) -> None:
    """Layer, strength and accuracy of every fold."""
    borders = [0, *all_layers.counts.cumsum(0).tolist()]
    means = torch.stack([all_layers.values[a:b].mean(0) for a, b in pairwise(borders)])
    features = Features(means, all_layers.targets, torch.ones_like(all_layers.counts))
    folds = [parts(len(means), fold) for fold in range(3)]
    config = ridge.Config(alphas=[1.0, 100.0])
    shape = Shape(layers=LAYERS, dim=DIM, classes=CLASSES)
    whole = Labelled(Means(means), features.targets)
    shared = ridge.share(config, shape, whole, [train for train, _ in folds])
    for number, chosen in enumerate(ridge_sweep(features, folds, config.alphas)):
        heads = [ridge.build(config, shape, 0)]
        if shared is not None:
            heads.append(ridge.build_shared(config, shape, 0, shared, number))
        for head in heads:
            train, watch = (features.labelled(rows) for rows in folds[number])
            assert head.fit(train, watch, lambda _: None).selected == chosen


def test_made_up_features_are_packed_and_padded_alike(one_layer: Features) -> None:
    rows = torch.tensor([5, 2])
    view = one_layer.labelled(rows).view
    assert isinstance(view, PackedFrames)
    (batch,) = loader(one_layer, rows, 2, shuffle=False)
    for place, (first, last) in enumerate(_runs(view)):
        torch.testing.assert_close(batch.frames[place, : last - first], view.values[first:last] + 0)
    assert batch.mask.sum() == len(view.values)
    assert padded([(torch.ones(2, 1, 3), torch.tensor(1))]).frames.shape == (1, 2, 1, 3)


def _runs(view: PackedFrames) -> Iterator[tuple[int, int]]:
    return pairwise(view.offsets.tolist())
