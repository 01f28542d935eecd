"""Where a pre-training begins: cold, or with a file of emotion2vec, data2vec 2.0 or our own; what is refused."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from harness.errors import ConfigError, WeightsError
from upstreams._emotion2vec_checkpoint import read_sizes
from upstreams._emotion2vec_files import read
from upstreams.objectives import emotion2vec
from upstreams.objectives._data2vec2 import DecoderSizes, LossRule
from upstreams.objectives._masks import MaskRule
from upstreams.objectives._targets import TargetRule
from upstreams.objectives.emotion2vec import Config, Emotion2vecObjective, NetworkRule

AUDIO = "modality_encoders.AUDIO."
SMALL: dict[str, Any] = {
    "dim": 32, "heads": 4, "mlp_dim": 64, "prenet": 1, "depth": 2, "channels": 16,
    "decoder": DecoderSizes(dim=16, layers=2),
}  # fmt: skip
TARGET = TargetRule(top_k=2)
Tensors = dict[str, Tensor]


def config(*, tokens: int = 10, **settings: Any) -> Config:
    loss = LossRule(target=TARGET, utterance="chunk" if tokens else "none", clones=2)
    return Config(network=NetworkRule(**SMALL, tokens=tokens), loss=loss, **settings)


def weights(objective: Emotion2vecObjective, who: str = "student") -> Tensors:
    net: torch.nn.Module = getattr(objective.objective, who)
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


@pytest.fixture
def pretrained() -> tuple[Tensors, Tensors]:
    """Student and teacher of data2vec 2.0: no tokens, every weight away from where a cold start has it."""
    plain = emotion2vec.build(config(tokens=0), None, seed=5)
    generator = torch.Generator().manual_seed(6)
    student, teacher = weights(plain), weights(plain, "teacher")
    for tensor in [*student.values(), *teacher.values()]:
        tensor.add_(torch.randn(tensor.shape, generator=generator), alpha=0.1)
    return student, teacher


def fairseq_file(path: Path, student: Tensors, teacher: Tensors | None = None, **cfg: Any) -> Path:
    model: dict[str, Any] = dict(student)
    if teacher is not None:
        model["_ema"] = dict(teacher)
    optimiser = {"state": {0: {"exp_avg": torch.ones(3)}}}
    torch.save({"cfg": {"model": cfg}, "model": model, "last_optimizer_state": optimiser}, path)
    return path


# --------------------------------------------------------------------------------------------------- cold


def test_the_same_seed_draws_the_same_weights_and_leaves_the_caller_s_alone() -> None:
    state = torch.get_rng_state()
    one, other, third = (weights(emotion2vec.build(config(), None, seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(one[name], other[name]) for name in one)
    drawn = {name for name in one if not torch.equal(one[name], third[name])}
    norms = {name for name in one if ".norm" in name or "project_features.1." in name or ".2.1." in name}
    biases = {name for name in one if "blocks" in name and name.endswith("bias") and "decoder" not in name}
    assert set(one) - drawn == norms | biases | {f"{AUDIO}alibi_scale"}


def test_a_cold_start_is_drawn_as_the_original_s() -> None:
    objective = emotion2vec.build(
        Config(network=NetworkRule(**{**SMALL, "dim": 192, "mlp_dim": 768}), loss=LossRule(target=TARGET)),
        None,
        1,
    )
    own = weights(objective)
    linear = torch.cat([w.flatten() for name, w in own.items() if "attn" in name and name.endswith("weight")])
    assert float(linear.std()) == pytest.approx(0.02, rel=0.02)  # 500,000 draws: 0.1 % is one standard error
    conv = own[f"{AUDIO}local_encoder.conv_layers.1.0.weight"]
    assert float(conv.std()) == pytest.approx((2 / conv[0].numel()) ** 0.5, rel=0.1)
    assert not own["blocks.0.attn.qkv.bias"].any()
    tokens = own[f"{AUDIO}extra_tokens"][0]
    assert not tokens[0].any()
    assert float(tokens[1:].std()) == pytest.approx(1.0, rel=0.1)
    teacher = weights(objective, "teacher")
    assert all(torch.equal(teacher[name], own[name]) for name in teacher)
    assert not any("local_encoder" in name or "decoder" in name for name in teacher)


# --------------------------------------------------------------------------------------------- from a file


def test_data2vec2_gives_everything_but_the_tokens(
    pretrained: tuple[Tensors, Tensors], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    student, teacher = pretrained
    path = fairseq_file(tmp_path / "base_libri.pt", student, teacher, num_heads=4)
    objective = emotion2vec.build(config(), path, seed=3)
    cold = weights(emotion2vec.build(config(), None, seed=3))
    token = f"{AUDIO}extra_tokens"
    ours, theirs = weights(objective), weights(objective, "teacher")
    assert torch.equal(ours.pop(token), cold[token])
    assert torch.equal(theirs.pop(token), cold[token])
    assert ours.keys() == student.keys()
    assert all(torch.equal(ours[name], student[name]) for name in student)
    assert theirs.keys() == teacher.keys()
    assert all(torch.equal(theirs[name], teacher[name]) for name in teacher)
    assert "no utterance tokens: drawn anew" in caplog.text
    assert "decoder" not in caplog.text


def test_the_teacher_can_begin_as_the_student(
    pretrained: tuple[Tensors, Tensors], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with_ema = fairseq_file(tmp_path / "a.pt", *pretrained)
    without = fairseq_file(tmp_path / "b.pt", pretrained[0])
    chosen = emotion2vec.build(config(tokens=0, teacher_init="student"), with_ema, 3)
    assert "moving average" not in caplog.text
    forced = emotion2vec.build(config(tokens=0), without, 3)
    assert "b.pt holds no moving average" in caplog.text
    for objective in (chosen, forced):
        teacher = weights(objective, "teacher")
        assert all(torch.equal(teacher[name], pretrained[0][name]) for name in teacher)


def test_half_precision_and_the_old_distance_scale(
    pretrained: tuple[Tensors, Tensors], tmp_path: Path
) -> None:
    halves = tuple({name: tensor.half() for name, tensor in part.items()} for part in pretrained)
    for part in halves:
        part[f"{AUDIO}alibi_scale"] = part[f"{AUDIO}alibi_scale"][0]
    objective = emotion2vec.build(config(tokens=0), fairseq_file(tmp_path / "x.pt", *halves), 3)
    for own, half in zip((weights(objective), weights(objective, "teacher")), halves, strict=True):
        assert all(own[name].dtype == torch.float32 for name in own)
        assert all(torch.equal(own[name].flatten(), half[name].float().flatten()) for name in own)


def test_adapting_a_released_classifier_draws_a_decoder_and_drops_the_head(
    project_root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file as FunASR publishes it: its names wrapped, a head, no decoder, no moving average."""
    path = project_root / "tests" / "parity" / "funasr_plus_unuse" / "model.pt"
    checkpoint = read(path)
    sizes = read_sizes(checkpoint.tensors, checkpoint)
    network = NetworkRule(
        dim=sizes.dim, heads=sizes.heads, mlp_dim=sizes.mlp_dim, prenet=sizes.prenet, depth=sizes.depth,
        channels=sizes.convs[0].channels, position_groups=sizes.position_groups, tokens=sizes.extra_tokens,
        decoder=DecoderSizes(dim=16, layers=2),
    )  # fmt: skip
    settings = Config(network=network, loss=LossRule(target=TargetRule(top_k=sizes.depth), clones=2))
    objective, cold = (emotion2vec.build(settings, start, 4) for start in (path, None))
    ours, drawn = weights(objective), weights(cold)
    for name, tensor in ours.items():
        assert torch.equal(tensor, drawn[name] if "decoder" in name else checkpoint.tensors[name]), name
    for said in ("no decoder: drawn anew", "a classification head", "no moving average"):
        assert said in caplog.text
    batch = objective.train().batch(torch.randn(2, 8_000), np.random.default_rng(0))
    assert torch.isfinite(objective.loss(batch).total)


def test_a_run_of_ours_goes_on_with_its_teacher(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    first = emotion2vec.build(config(), None, seed=1)
    for tensor in first.objective.teacher.state_dict().values():
        tensor.add_(0.25)
    released = {name: tensor.contiguous() for name, tensor in first.released().items()}
    student = {name: tensor for name, tensor in released.items() if not name.startswith("_ema.")}
    teacher = {name.removeprefix("_ema."): released[name] for name in released if name not in student}
    save_file(student, tmp_path / "model.safetensors")
    save_file(released, tmp_path / "flat.safetensors")
    fairseq_file(tmp_path / "checkpoint_ema.pt", student, teacher)
    for start in (tmp_path, tmp_path / "model.safetensors", tmp_path / "flat.safetensors"):
        again = emotion2vec.build(config(), start, seed=9)
        for who in ("student", "teacher"):
            one, other = weights(first, who), weights(again, who)
            assert all(torch.equal(one[name], other[name]) for name in one), (start, who)
    assert "checkpoint_ema.pt holds the teacher as well" in caplog.text
    assert "drawn anew" not in caplog.text


# ---------------------------------------------------------------------------------------------- refusals

SPOILT: dict[str, tuple[Callable[[Tensors, Tensors], object], str]] = {
    "missing": (lambda s, _: s.pop("blocks.1.norm2.bias"), "1 missing: blocks.1.norm2.bias"),
    "of no use": (
        lambda s, _: s.update({"blocks.0.gamma": torch.ones(3)}),
        "1 of no use: blocks.0.gamma (3,)",
    ),
    "decoder in part": (
        lambda s, _: s.pop(f"{AUDIO}decoder.proj.bias"),
        f"1 missing: {AUDIO}decoder.proj.bias",
    ),
    "another decoder": (
        lambda s, _: s.update({f"{AUDIO}decoder.proj.weight": torch.ones(32, 8)}),
        f"1 of another shape: {AUDIO}decoder.proj.weight (32, 8)",
    ),
    "other tokens": (lambda s, _: s.update({f"{AUDIO}extra_tokens": torch.ones(1, 3, 32)}), "extra_tokens 3"),
    "teacher in part": (lambda _, t: t.pop("blocks.0.norm1.weight"), "1 missing: blocks.0.norm1.weight"),
    "teacher of other width": (
        lambda _, t: t.update({"blocks.0.norm1.weight": torch.ones(8)}),
        "1 of another shape: blocks.0.norm1.weight (8,)",
    ),
    "another architecture": (lambda s, _: s.pop(f"{AUDIO}alibi_scale"), f"missing {AUDIO}alibi_scale"),
}


@pytest.mark.parametrize("fault", SPOILT)
def test_a_file_that_does_not_fit_is_refused_by_name(
    fault: str, pretrained: tuple[Tensors, Tensors], tmp_path: Path
) -> None:
    spoil, told = SPOILT[fault]
    spoil(*pretrained)
    path = fairseq_file(tmp_path / "x.pt", *pretrained, num_heads=4)
    with pytest.raises(WeightsError) as caught:
        emotion2vec.build(config(), path, 1)
    assert told in str(caught.value.got)
    assert "cannot begin with this checkpoint" in str(caught.value)
    assert "init.path" in str(caught.value.next_step)
    assert caught.value.wanted


def test_other_sizes_are_told_size_by_size(pretrained: tuple[Tensors, Tensors], tmp_path: Path) -> None:
    path = fairseq_file(tmp_path / "x.pt", *pretrained)
    network = NetworkRule(**{**SMALL, "dim": 48, "mlp_dim": 96, "depth": 3}, tokens=0)
    with pytest.raises(WeightsError) as caught:
        emotion2vec.build(Config(network=network, loss=LossRule(target=TARGET, utterance="none")), path, 1)
    assert str(caught.value.got).endswith("dim 32, mlp_dim 64, depth 2")
    assert caught.value.wanted == "dim 48, mlp_dim 96, depth 3"


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_what_is_no_file_of_weights_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match="cannot begin with this checkpoint"):
        emotion2vec.build(config(), path, 1)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"network": NetworkRule(**{**SMALL, "heads": 5})}, "dim"),
        ({"network": NetworkRule(**{**SMALL, "decoder": DecoderSizes(dim=24)})}, "decoder.dim"),
        ({"network": NetworkRule(**{**SMALL, "position_groups": 7})}, "dim"),
        ({"network": NetworkRule(**SMALL, tokens=0)}, "tokens"),
        ({"network": NetworkRule(**SMALL), "loss": LossRule()}, "target.top_k"),
        ({"network": NetworkRule(**SMALL), "mask": MaskRule(share=1.0)}, "mask.share"),
    ],
)
def test_settings_that_contradict_each_other(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=f"at {named}"):
        Config(**{"loss": LossRule(target=TARGET), **settings})


def test_a_global_loss_needs_no_tokens() -> None:
    loss = LossRule(target=TARGET, utterance="global", utterance_target="raw_mean", clones=2)
    objective = emotion2vec.build(Config(network=NetworkRule(**SMALL, tokens=0), loss=loss), None, 1)
    batch = objective.batch(torch.randn(2, 8_000), np.random.default_rng(0))
    assert objective.loss(batch).figures["utterance_loss"] > 0
