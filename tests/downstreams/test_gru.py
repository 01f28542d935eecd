"""The GRU over batches of frames equals a GRU over one utterance at a time."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from downstreams import gru
from downstreams._stretches import STRETCH, outputs_of
from downstreams.gru import FrameGRU
from harness.contracts import Labelled, PackedFrames, Shape
from harness.errors import ConfigError

SHAPE = Shape(layers=1, dim=5, classes=3)


def ignore(share: float) -> None:
    """Progress that nobody watches."""


def part() -> Labelled:
    counts = torch.tensor([4, 1, 9, 2, 9, 3])
    values = torch.randn(int(counts.sum()), 1, 5, generator=torch.Generator().manual_seed(0))
    offsets = torch.cat([torch.zeros(1).long(), counts.cumsum(0)])
    return Labelled(PackedFrames(values, offsets), torch.tensor([0, 1, 2, 0, 1, 2]))


def test_stretches_equal_one_at_a_time() -> None:
    """Outputs and gradients; lengths around the borders of the stretches."""
    torch.manual_seed(0)
    network = nn.GRU(5, 7, num_layers=2)
    counts = (1, STRETCH, 3 * STRETCH + 1, STRETCH + 1, 2 * STRETCH, STRETCH - 1)
    sequences = [torch.randn(count, 5) for count in counts]
    weights = [torch.randn(count, 7) for count in counts]
    found, slopes = _run(network, outputs_of(network, sequences), weights)
    wanted, wanted_slopes = _run(network, [network(sequence)[0] for sequence in sequences], weights)
    # several utterances are multiplied at once: other order of float32 sums
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(slopes, wanted_slopes, rtol=1e-4, atol=1e-5)


def _run(
    network: nn.Module, outputs: list[torch.Tensor], weights: list[torch.Tensor]
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """The outputs, and the slopes of their weighted sum by every parameter."""
    total = sum((out * weight).sum() for out, weight in zip(outputs, weights, strict=True))
    assert isinstance(total, torch.Tensor)
    slopes = torch.autograd.grad(total, list(network.parameters()))
    return [out.detach() for out in outputs], list(slopes)


def test_a_batch_equals_one_at_a_time() -> None:
    head = gru.build(gru.Config(hidden_dim=7), SHAPE, 0)
    module = head.module
    assert isinstance(module, FrameGRU)
    sequences = part().view.values[:, 0].split(part().view.offsets.diff().tolist())
    with torch.no_grad():
        module.eval()
        alone = torch.stack([module.classifier(module.gru(sequence)[0].mean(0)) for sequence in sequences])
    # a batch multiplies several utterances at once: other order of float32 sums
    torch.testing.assert_close(head.predict(part().view), alone, rtol=1e-5, atol=1e-6)


def test_two_layers_one_direction_with_dropout_between() -> None:
    module = gru.build(gru.Config(), Shape(1, 768, 4), 0).module
    assert isinstance(module, FrameGRU)
    assert isinstance(module.gru, nn.GRU)
    assert (module.gru.num_layers, module.gru.hidden_size, module.gru.dropout) == (2, 256, 0.5)
    assert not module.gru.bidirectional


def test_dropout_follows_the_seed() -> None:
    """Equal starts, other dropout: only the seed of `fit` differs."""
    one, two = (gru.build(gru.Config(epochs=1, hidden_dim=7), SHAPE, seed) for seed in (1, 2))
    two.module.load_state_dict(one.module.state_dict())
    losses = [head.fit(part(), None, ignore).history[0]["loss"] for head in (one, two)]
    assert losses[0] != losses[1]


def test_several_layers_are_refused() -> None:
    with pytest.raises(ConfigError, match="gru reads one layer"):
        gru.build(gru.Config(), Shape(2, 5, 3), 0)


@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_dropout_is_a_share(dropout: float) -> None:
    with pytest.raises(ConfigError, match="dropout"):
        gru.build(gru.Config(dropout=dropout), SHAPE, 0)
