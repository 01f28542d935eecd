"""What can be set of emotion2vec's losses beyond what the original's outputs show: every switch switches."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from upstreams._emotion2vec_net import Dropouts
from upstreams.objectives import emotion2vec
from upstreams.objectives._data2vec2 import DecoderSizes, LossRule
from upstreams.objectives._losses import Losses
from upstreams.objectives._masks import Places
from upstreams.objectives._targets import TargetRule, frame_targets, raw_mean
from upstreams.objectives.emotion2vec import Config, Emotion2vecObjective, NetworkRule

NONE = Dropouts(attention=0, block=0, prenet_input=0, layer=0, decoder_input=0)
WAVES = torch.randn(3, 8_000, generator=torch.Generator().manual_seed(0))
LAYERS = [torch.randn(2, 23, 12, generator=torch.Generator().manual_seed(n)) + n for n in range(3)]


def made(dropouts: Dropouts = NONE, **loss: Any) -> Emotion2vecObjective:
    network = NetworkRule(
        dim=32, heads=4, mlp_dim=64, prenet=1, depth=2, channels=16, tokens=3, dropouts=dropouts,
        decoder=DecoderSizes(dim=16, layers=2),
    )  # fmt: skip
    rule = LossRule(**{"target": TargetRule(top_k=2), "clones": 2, **loss})
    return emotion2vec.build(Config(network=network, loss=rule), None, seed=1).train()


def losses(objective: Emotion2vecObjective, seed: int = 0) -> Losses:
    batch = objective.batch(WAVES, np.random.default_rng(0))
    torch.manual_seed(seed)
    found: Losses = objective.objective(batch["waves"], Places(batch["hidden"], batch["seen"]))
    return found


def with_rule(objective: Emotion2vecObjective, **loss: Any) -> Emotion2vecObjective:
    objective.objective.rule = replace(objective.objective.rule, **loss)
    return objective


def test_the_weights_scale_their_terms() -> None:
    one = losses(made())
    other = losses(made(frame_weight=2.0, utterance_weight=0.25))
    assert float(other.frame) == pytest.approx(2 * float(one.frame), rel=1e-6)
    assert float(other.utterance) == pytest.approx(0.25 * float(one.utterance), rel=1e-6)
    assert float(other.total.detach()) == pytest.approx(float(other.frame + other.utterance), rel=1e-6)


@pytest.mark.parametrize("off", [{"utterance": "none"}, {"utterance_weight": 0.0}])
def test_without_an_utterance_loss_the_frame_loss_alone_is_left(off: dict[str, Any]) -> None:
    one, other = losses(made()), losses(made(**off))
    assert float(other.utterance) == 0
    assert float(other.total.detach()) == float(one.frame)


def test_a_mean_over_utterances_does_not_grow_with_the_batch() -> None:
    """Three utterances of two clones each."""
    summed, averaged = losses(made()), losses(made(utterance_reduction="mean"))
    assert float(summed.utterance) == pytest.approx(6 * float(averaged.utterance), rel=1e-6)
    assert float(summed.frame) == float(averaged.frame)


def test_the_utterance_target_is_zero_as_released_and_is_not_with_the_raw_mean() -> None:
    """The released norm takes out of every channel exactly the mean that the utterance loss asks for."""
    rule = TargetRule(top_k=3)
    normed = frame_targets(LAYERS, rule).mean(1)
    assert float(normed.abs().max()) < 1e-6
    raw = raw_mean(LAYERS, rule)
    assert raw.shape == (2, 12)
    assert float(raw.std(1, correction=0).min()) == pytest.approx(1.0, abs=1e-3)
    by_hand = torch.stack(LAYERS).mean((0, 2))
    assert torch.corrcoef(torch.stack([raw[0], by_hand[0]]))[0, 1] > 0.9999


@pytest.mark.parametrize("kind", ["chunk", "token", "global"])
def test_the_raw_mean_is_what_the_loss_is_held_against(kind: str) -> None:
    objective = made(utterance=kind, utterance_target="raw_mean")
    seen: list[tuple[Tensor, Tensor]] = []
    original = objective.objective._error

    def error(predicted: Tensor, wanted: Tensor) -> Tensor:
        seen.append((predicted, wanted))
        return original(predicted, wanted)

    objective.objective._error = error  # type: ignore[method-assign]
    losses(objective)
    predicted, wanted = seen[1]
    assert predicted.shape == wanted.shape == (6, 32)
    assert torch.equal(wanted[0::2], wanted[1::2])  # clones of an utterance have one target
    assert float(wanted.mean(1).abs().max()) < 1e-5
    assert float(wanted.std(1).min()) > 0.5


def test_the_kinds_of_utterance_loss_read_different_outputs() -> None:
    objective = made(utterance_target="raw_mean")
    values = {
        kind: float(losses(with_rule(objective, utterance=kind)).utterance)
        for kind in ("chunk", "token", "global")
    }
    assert len({round(value, 3) for value in values.values()}) == 3


def test_the_decoder_s_dropout_reaches_the_utterance_loss_on_demand_only() -> None:
    dropouts = replace(NONE, decoder_input=0.5)
    clean = float(losses(made()).utterance)
    kept, reached = (
        float(losses(made(dropouts, utterance_dropout=flag)).utterance) for flag in (False, True)
    )
    assert kept == clean
    assert reached != pytest.approx(clean, rel=1e-3)
    objective = made(dropouts, utterance_dropout=True).eval()
    assert float(losses(objective).utterance) == pytest.approx(clean, rel=1e-6)


def test_end_of_block_reads_what_the_paper_s_equation_says() -> None:
    one, other = (losses(made(target=TargetRule(top_k=2, end_of_block=flag))) for flag in (False, True))
    assert float(one.frame) != pytest.approx(float(other.frame), rel=1e-3)


def test_the_teacher_is_untouched_by_gradients_and_by_dropout() -> None:
    objective = made(Dropouts())
    assert not objective.objective.teacher.training
    assert losses(objective, seed=1).target_std == losses(objective, seed=2).target_std
    losses(objective).total.backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is None for weight in objective.objective.teacher.parameters())
    heard = [weight.grad for name, weight in objective.trained() if "extra" in name or "local" in name]
    assert all(gradient is not None for gradient in heard)


def test_the_same_seeds_give_the_same_loss() -> None:
    objective = made(Dropouts())
    one, other, third = (float(losses(objective, seed).total.detach()) for seed in (1, 1, 2))
    assert one == other
    assert one != third


def test_a_step_is_the_plain_one_that_shares_and_leaves_out_nothing(project_root: Path) -> None:
    """Loss and gradients, against every clone through the waveform encoder and all frames kept."""
    place = project_root / "benchmarks" / "pretraining.py"
    spec = importlib.util.spec_from_file_location("benchmark_of_pretraining", place)
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    small = NetworkRule(
        dim=32, heads=4, mlp_dim=64, prenet=1, depth=2, channels=16, decoder=DecoderSizes(dim=16)
    )
    loss_off, gradients_off = benchmark.check_equal(small, "cpu")
    assert max(loss_off, gradients_off) < 1e-5


@pytest.mark.parametrize("kind", ["chunk", "token", "global"])
def test_the_log_tells_that_the_released_utterance_target_is_nothing(kind: str) -> None:
    """Beside frame targets of unit size; 1e-6 is float32's rounding in a mean over 24 frames."""
    released = losses(made(utterance=kind)).figures()
    assert released["utterance_target_rms"] < 1e-6
    assert released["target_std"] > 0.1
    raw = losses(made(utterance=kind, utterance_target="raw_mean")).figures()
    assert raw["utterance_target_rms"] > 0.5


@pytest.mark.parametrize("without", [{"utterance": "none"}, {"utterance_weight": 0.0}])
def test_without_an_utterance_loss_nothing_is_told_of_its_target(without: dict[str, Any]) -> None:
    assert "utterance_target_rms" not in losses(made(**without)).figures()
