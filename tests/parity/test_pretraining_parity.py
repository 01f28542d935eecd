"""Steps of pre-training against those of the original code: every folder of fixtures, every tensor in it.

Tolerances are what the makers of the fixtures ask for: 3e-4 of a tensor's largest value, gradients 2e-3, those
below 1e-4 of the largest norm left out. Ours agree to 1e-5 nearly everywhere. In the deep network of width 24
targets and predictions come to 2e-4: instance norm divides by channels that hardly move, and Adam takes a full
step along a gradient below its epsilon, whose sign is rounding. A wrong slope, norm, weight or order of events
moves something by more than 1e-2.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from harness.pretrain._config import OptimiserRule
from harness.pretrain._optimiser import optimiser, set_step
from upstreams._emotion2vec_net import Dropouts
from upstreams.objectives._data2vec2 import DecoderSizes, LossRule
from upstreams.objectives._ema import EmaRule
from upstreams.objectives._losses import Losses
from upstreams.objectives._masks import places
from upstreams.objectives._targets import TargetRule, frame_targets
from upstreams.objectives.emotion2vec import Config, Emotion2vecObjective, NetworkRule

TOLERANCE = 3e-4
GRADIENT_TOLERANCE = 2e-3
IN_CHECKOUT = ["pretrain_e2v_token"]
ELSEWHERE = [
    "pretrain_d2v2_plain",
    "pretrain_e2v_chunk",
    "pretrain_e2v_chunk_ln_targets",
    "pretrain_e2v_full_depth",
    "pretrain_e2v_global",
    "pretrain_end_of_block",
]
NO_DROPOUT = Dropouts(attention=0, block=0, prenet_input=0, layer=0, decoder_input=0)
UTTERANCE = {"chunk": "chunk", "single": "token", "global": "global"}
Tensors = dict[str, Tensor]


class Step(NamedTuple):
    """What one step of ours left behind."""

    losses: Losses
    seen: Tensors
    """Under the fixtures' names."""
    gradients: Tensors
    student: Tensors
    teacher: Tensors
    decay: float


def relative(ours: Tensor, theirs: Tensor) -> float:
    assert ours.shape == theirs.shape
    return float((ours.float() - theirs.float()).abs().max() / theirs.abs().max())


def config_of(folder: Path) -> Config:
    """Ours from theirs."""
    theirs = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    audio, decoder = theirs["modalities"]["audio"], theirs["modalities"]["audio"]["decoder"]
    return Config(
        network=NetworkRule(
            dim=theirs["embed_dim"],
            heads=theirs["num_heads"],
            mlp_dim=round(theirs["embed_dim"] * theirs["mlp_ratio"]),
            prenet=audio["prenet_depth"],
            depth=theirs["depth"],
            channels=8,
            position_groups=audio["conv_pos_groups"],
            tokens=audio["num_extra_tokens"],
            dropouts=NO_DROPOUT,
            decoder=DecoderSizes(
                dim=decoder["decoder_dim"],
                layers=decoder["decoder_layers"],
                kernel=decoder["decoder_kernel"],
                groups=decoder["decoder_groups"],
            ),
        ),
        loss=LossRule(
            frame_weight=theirs["d2v_loss"],
            utterance=UTTERANCE[theirs["cls_type"]] if theirs["cls_loss"] else "none",  # type: ignore[arg-type]
            utterance_weight=theirs["cls_loss"],
            beta=theirs["loss_beta"],
            scale=theirs["loss_scale"],
            clones=theirs["clone_batch"],
            target=TargetRule(
                top_k=theirs["average_top_k_layers"],
                end_of_block=theirs["end_of_block_targets"],
                batch_norm_layer=theirs["batch_norm_target_layer"],
                instance_norm_layer=theirs["instance_norm_target_layer"],
                layer_norm_layer=theirs["layer_norm_target_layer"],
                layer_norm=theirs["layer_norm_targets"],
                instance_norm=theirs["instance_norm_targets"],
            ),
        ),
        ema=EmaRule(
            start=theirs["ema_decay"], end=theirs["ema_end_decay"], end_update=theirs["ema_anneal_end_step"]
        ),
    )


def watch(objective: Emotion2vecObjective, seen: Tensors) -> None:
    """Have every part of the network write down what it gives."""

    def keep(name: str, place: int | None = None, *, swap: bool = False) -> Any:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            value = output if place is None else output[place]
            seen[name] = (value.transpose(1, 2) if swap else value).detach().clone()

        return hook

    inner = objective.objective
    inner.student.audio.project_features.register_forward_hook(keep("local_features"))
    decoder: Any = inner.student.audio.decoder
    decoder.register_forward_hook(keep("decoder_out"))
    decoder.register_forward_pre_hook(lambda _, inputs: seen.update(decoder_in=inputs[0].detach().clone()))
    for who, net in (("student", inner.student), ("teacher", inner.teacher)):
        encoder = net.audio.context_encoder
        list(net.audio.relative_positional_encoder)[-1].register_forward_hook(
            keep(f"{who}.pos_conv", swap=True)
        )
        encoder.norm.register_forward_hook(keep(f"{who}.context_norm"))
        encoder.blocks[-1].register_forward_hook(keep(f"{who}.prenet_out", 0))
        for number, block in enumerate(net.blocks):
            block.register_forward_hook(keep(f"{who}.block.{number}.out", 0))
            block.mlp.register_forward_hook(keep(f"{who}.block.{number}.ffn"))  # type: ignore[union-attr]


def watch_errors(objective: Emotion2vecObjective, seen: Tensors) -> None:
    """Write down which predictions are held against which targets."""
    inner = objective.objective
    original = inner._error

    def error(predicted: Tensor, wanted: Tensor) -> Tensor:
        name = "cls" if "regression_pred" in seen else "regression"
        seen[f"{name}_pred"], seen[f"{name}_target"] = predicted.detach(), wanted
        return original(predicted, wanted)

    inner._error = error  # type: ignore[method-assign]


@cache
def replayed(folder: Path) -> list[Step]:
    """Our steps from their weights, inputs, masks and noise."""
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    start = (folder / meta["init_weights"]).resolve()
    start = start if start.is_dir() else folder.parent / start.name
    objective = Emotion2vecObjective(config_of(folder)).train()
    objective.objective.student.load_state_dict(load_file(start / "student_init.safetensors"))
    objective.objective.teacher.load_state_dict(load_file(start / "teacher_init.safetensors"))
    told = meta["optimizer"]
    rule = OptimiserRule(
        lr=told["lr"],
        betas=tuple(told["betas"]),
        eps=told["eps"],
        weight_decay=told["weight_decay"],
        warmup_updates=0,
        updates=10**9,
    )
    adam = optimiser([weight for _, weight in objective.trained()], rule)
    seen: Tensors = {}
    watch(objective, seen)
    watch_errors(objective, seen)
    inputs = load_file(folder / "inputs.safetensors")
    done = []
    for number in range(len(meta["steps"])):
        given = {name.partition(".")[2]: x for name, x in inputs.items() if name.startswith(f"step{number}.")}
        seen.clear()
        done.append(_step(objective, adam, rule, given, number)._replace(seen=dict(seen)))
    return done


def _step(
    objective: Emotion2vecObjective, adam: torch.optim.AdamW, rule: OptimiserRule, given: Tensors, number: int
) -> Step:
    losses = objective.objective(given["source"], places(given["mask"].bool()), given["decoder_noise"])
    adam.zero_grad()
    (losses.total / losses.frames).backward()
    gradients = {name: w.grad.clone() for name, w in objective.trained() if w.grad is not None}
    set_step(adam, number, rule)
    adam.step()
    decay = objective.finished_update(number + 1)["ema_decay"]
    student, teacher = (
        {name: weight.clone() for name, weight in net.state_dict().items()}
        for net in (objective.objective.student, objective.objective.teacher)
    )
    return Step(losses, {}, gradients, student, teacher, decay)


@pytest.fixture(params=[*IN_CHECKOUT, *ELSEWHERE])
def folder(request: pytest.FixtureRequest, project_root: Path) -> Path:
    """In the checkout, else in the reference data."""
    ours = project_root / "tests" / "parity" / str(request.param)
    if ours.is_dir():
        return ours
    shared: Path = request.getfixturevalue("shared")
    return shared / "parity" / str(request.param)


def steps(folder: Path) -> list[tuple[Step, dict[str, Any], Tensors]]:
    """Our step, their figures, their tensors."""
    told = json.loads((folder / "meta.json").read_text(encoding="utf-8"))["steps"]
    files = [load_file(folder / f"outputs_step{number}.safetensors") for number in range(len(told))]
    return list(zip(replayed(folder), told, files, strict=True))


def test_every_folder_of_the_reference_data_is_replayed(shared: Path) -> None:
    there = {path.name for path in (shared / "parity").glob("pretrain_*")}
    assert there == {*IN_CHECKOUT, *ELSEWHERE}


def test_losses(folder: Path) -> None:
    for ours, told, _ in steps(folder):
        assert ours.losses.frames == told["sample_size"]
        terms = {"AUDIO_regression": ours.losses.frame, "cls": ours.losses.utterance}
        for name, wanted in told["loss_sums"].items():
            assert float(terms[name]) == pytest.approx(wanted, rel=TOLERANCE), name
        if "cls" not in told["loss_sums"]:
            assert float(ours.losses.utterance) == 0
        total = ours.losses.total.detach()
        assert float(total) == pytest.approx(told["loss_total_sum"], rel=TOLERANCE)
        assert float(total) / ours.losses.frames == pytest.approx(
            told["loss_total_per_masked_frame"], rel=TOLERANCE
        )


def test_spreads_that_show_a_collapse(folder: Path) -> None:
    for ours, told, _ in steps(folder):
        assert float(ours.losses.target_std) == pytest.approx(told["target_var"], rel=TOLERANCE)
        assert float(ours.losses.prediction_std) == pytest.approx(told["pred_var"], rel=TOLERANCE)


def in_their_order(theirs: Mapping[str, Tensor], mask: Tensor, tokens: int) -> Tensor:
    """Places of their student's sequence in ours: their visible frames come in another order."""
    own = (~mask).nonzero()[:, 1].view(len(mask), -1)
    kept = theirs["ids_keep"]
    assert torch.equal(kept.sort(1).values, own)
    front = torch.arange(tokens).expand(len(mask), -1)
    return torch.cat([front, tokens + torch.searchsorted(own, kept)], 1)


def test_every_state_of_student_decoder_and_teacher(folder: Path) -> None:
    inputs, tokens = load_file(folder / "inputs.safetensors"), config_of(folder).network.tokens
    for number, (ours, _, theirs) in enumerate(steps(folder)):
        order = in_their_order(theirs, inputs[f"step{number}.mask"].bool(), tokens)[..., None]
        for name, wanted in theirs.items():
            if name in ("ids_keep", "targets", "cls_target") or name.startswith("grad."):
                continue
            got = ours.seen[name]
            if name.startswith("student.") and name != "student.pos_conv":
                got = got.take_along_dim(order, 1)
            assert relative(got, wanted) < TOLERANCE, (number, name)


def test_targets(folder: Path) -> None:
    """Everywhere, not at the masked frames only. The released norm makes the utterance's zero but for rounding."""
    rule, tokens = config_of(folder).loss.target, config_of(folder).network.tokens
    part = "out" if rule.end_of_block else "ffn"
    for ours, told, theirs in steps(folder):
        blocks = sum(name.startswith("teacher.block.") and name.endswith(part) for name in ours.seen)
        layers = [ours.seen[f"teacher.block.{number}.{part}"][:, tokens:] for number in range(blocks)]
        assert relative(frame_targets(layers, rule), theirs["targets"]) < TOLERANCE
        if "cls_target" not in theirs:
            continue
        if told["cls_target_abs_max"] < 1e-5:
            assert float(ours.seen["cls_target"].abs().max()) < 1e-5
        else:
            assert relative(ours.seen["cls_target"], theirs["cls_target"]) < TOLERANCE


def test_gradients(folder: Path) -> None:
    for ours, told, theirs in steps(folder):
        norms = told["grad_norms_after_dividing_by_sample_size"]
        least = 1e-4 * max(norms.values())
        compared = [name for name, norm in norms.items() if norm > least]
        assert len(compared) > 0.7 * len(norms)
        for name in compared:
            assert float(ours.gradients[name].norm()) == pytest.approx(norms[name], rel=GRADIENT_TOLERANCE), (
                name
            )
        for name in (name for name in theirs if name.startswith("grad.")):
            assert relative(ours.gradients[name.removeprefix("grad.")], theirs[name]) < GRADIENT_TOLERANCE, (
                name
            )


def test_every_weight_has_a_gradient_or_none_in_the_original(folder: Path) -> None:
    for ours, told, _ in steps(folder):
        assert set(told["grad_norms_after_dividing_by_sample_size"]) == set(ours.gradients)


def without_key_bias(name: str, weight: Tensor) -> Tensor:
    """Softmax does not feel the keys' bias: its gradient is rounding, which Adam blows up to full steps."""
    if not name.endswith("attn.qkv.bias"):
        return weight
    return torch.cat([weight.chunk(3)[0], weight.chunk(3)[2]])


@pytest.mark.parametrize("who", ["student", "teacher"])
def test_weights_after_every_update(folder: Path, who: str) -> None:
    done, compared = replayed(folder), 0
    for number, step in enumerate(done):
        names = [f"{who}_after_update{number + 1}", *([f"{who}_final"] if number == len(done) - 1 else [])]
        for path in (folder / f"{name}.safetensors" for name in names):
            for name, wanted in (load_file(path) if path.is_file() else {}).items():
                got = getattr(step, who)[name]
                assert relative(without_key_bias(name, got), without_key_bias(name, wanted)) < TOLERANCE, name
                compared += 1
    assert compared


def test_sums_and_norms_of_every_weight(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    key, done = "student_params_after_optimizer_step[sum,l2,absmax]", replayed(folder)
    for number, told in enumerate(meta["steps"]):
        compare_figures(done[number].student, told[key])
    compare_figures(done[-1].student, meta["student_final[sum,l2,absmax]"])
    compare_figures(done[-1].teacher, meta["teacher_final[sum,l2,absmax]"])


def compare_figures(ours: Tensors, theirs: Mapping[str, list[float]]) -> None:
    assert set(theirs) == set(ours)
    for name, (total, norm, largest) in theirs.items():
        if name.endswith("attn.qkv.bias"):
            continue
        weight = ours[name].double()
        assert abs(float(weight.sum()) - total) < TOLERANCE * weight.numel() * largest, name
        assert float(weight.norm()) == pytest.approx(norm, rel=TOLERANCE), name
        assert float(weight.abs().max()) == pytest.approx(largest, rel=TOLERANCE), name


def test_the_teacher_follows_at_the_stated_rate(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    rates = [told["ema_decay_in_force"] for told in meta["steps"][1:]]
    ours = [step.decay for step in replayed(folder)]
    assert ours == pytest.approx([*rates, meta["ema_decay_final"]], rel=1e-12)
