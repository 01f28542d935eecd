"""data2vec 1 against fairseq: inference, and two steps of pre-training with every tensor that was kept.

Tolerances as in `test_pretraining_parity.py`: inference 1e-5, losses, states and weights 3e-4, gradients 2e-3 of a
tensor's largest value, norms below 1e-4 of the largest left out. Targets of the deep network of width 24 come to
1.3e-4, as instance norm divides by channels that hardly move; everything else to less than 1e-5.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from harness.contracts import Card
from harness.pretrain._config import OptimiserRule
from harness.pretrain._optimiser import optimiser, set_step
from upstreams import hf
from upstreams.objectives import data2vec
from upstreams.objectives._data2vec1 import Dropouts, LossRule
from upstreams.objectives._ema import EmaRule
from upstreams.objectives._losses import Losses
from upstreams.objectives._masks import SpanRule, places
from upstreams.objectives._targets import TargetRule
from upstreams.objectives.data2vec import Config, Data2vec, NetworkRule

INFERENCE_TOLERANCE = 1e-5
TOLERANCE = 3e-4
GRADIENT_TOLERANCE = 2e-3
FOLDERS = ["d2v1_tiny", "d2v1_full_depth"]
Tensors = dict[str, Tensor]


class Step(NamedTuple):
    """What one step of ours left behind."""

    losses: Losses
    seen: Tensors
    gradients: Tensors
    student: Tensors
    teacher: Tensors
    decay: float


def relative(ours: Tensor, theirs: Tensor) -> float:
    assert ours.shape == theirs.shape
    return float((ours.detach() - theirs).abs().max() / theirs.abs().max())


def config_of(folder: Path) -> Config:
    theirs = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return Config(
        network=NetworkRule(
            dim=theirs["encoder_embed_dim"],
            heads=theirs["encoder_attention_heads"],
            mlp_dim=theirs["encoder_ffn_embed_dim"],
            layers=theirs["encoder_layers"],
            channels=8,
            position_groups=theirs["conv_pos_groups"],
            dropouts=Dropouts(attention=0, block=0, layer=0),
        ),
        loss=LossRule(
            beta=theirs["loss_beta"],
            scale=theirs["loss_scale"],
            target=TargetRule(
                top_k=theirs["average_top_k_layers"],
                instance_norm_layer=theirs["instance_norm_target_layer"],
            ),
        ),
        mask=SpanRule(share=theirs["mask_prob"], length=theirs["mask_length"]),
        ema=EmaRule(
            start=theirs["ema_decay"], end=theirs["ema_end_decay"], end_update=theirs["ema_anneal_end_step"]
        ),
    )


def started(folder: Path) -> Data2vec:
    objective = Data2vec(config_of(folder)).train()
    objective.objective.student.load_state_dict(load_file(folder / "student_init.safetensors"))
    objective.objective.teacher.load_state_dict(load_file(folder / "teacher_init.safetensors"))
    return objective


@pytest.fixture(params=FOLDERS)
def folder(request: pytest.FixtureRequest, shared: Path) -> Path:
    return shared / "parity" / str(request.param)


# ---------------------------------------------------------------------------------------------- inference


def test_every_state_of_an_utterance(folder: Path) -> None:
    theirs, net = load_file(folder / "outputs_infer.safetensors"), started(folder).eval().objective.student
    waves = load_file(folder / "inputs_infer.safetensors")["batch.source"]
    lengths = json.loads((folder / "meta.json").read_text(encoding="utf-8"))["lengths"]
    wave = waves[:1, : lengths[0]]
    local, encoder = net.local_features(wave), net.encoder
    ours = {
        "feature_extractor": net.feature_extractor(wave),
        "feature_norm": net.layer_norm(net.feature_extractor(wave).transpose(1, 2)),
        "post_extract_proj": local,
        "pos_conv": encoder.pos_conv(local.transpose(1, 2)),
        "encoder_norm": encoder.positioned(local),
        **{f"layer.{number}.out": output.hidden for number, output in enumerate(encoder(local))},
    }
    for name, wanted in theirs.items():
        if name.startswith("single.0.") and name != "single.0.x":
            assert relative(ours[name.removeprefix("single.0.")], wanted) < INFERENCE_TOLERANCE, name
    for place, length in enumerate(lengths):
        last = encoder(net.local_features(waves[place : place + 1, :length]))[-1].hidden
        assert relative(last, theirs[f"single.{place}.x"]) < INFERENCE_TOLERANCE


def test_the_official_padded_batch(folder: Path) -> None:
    """Padding as in the original: zero before the positional convolutions, then no key; it leaks through them."""
    theirs, net = load_file(folder / "outputs_infer.safetensors"), started(folder).eval().objective.student
    local = net.local_features(load_file(folder / "inputs_infer.safetensors")["batch.source"])
    outside = theirs["batch.frame_padding_mask"].bool()
    x = net.encoder.positioned(local.masked_fill(outside[..., None], 0.0))
    for block in net.encoder.layers:
        x = block(x, ~outside[:, None, None, :]).hidden
    inside = ~outside
    assert relative(x[inside], theirs["batch.x"][inside]) < INFERENCE_TOLERANCE


def test_what_training_leaves_gives_the_original_s_features_when_it_is_loaded(
    folder: Path, tmp_path: Path
) -> None:
    """Through the family that the card names, alone and in a padded batch."""
    from safetensors.torch import save_file

    objective = started(folder)
    save_file(
        {name: x.contiguous() for name, x in objective.released().items()}, tmp_path / "model.safetensors"
    )
    (tmp_path / "config.json").write_text(json.dumps(objective.settings()))
    card = Card(name="made", family=data2vec.FAMILY, about="", licence="", source="", **objective.card())
    options = {**card.options, "normalise": False}  # the fixture's waves are normalised already
    upstream = hf.load(card, hf.Config(**options), tmp_path)  # type: ignore[arg-type]
    theirs = load_file(folder / "outputs_infer.safetensors")
    waves = load_file(folder / "inputs_infer.safetensors")["batch.source"]
    lengths = torch.tensor(json.loads((folder / "meta.json").read_text(encoding="utf-8"))["lengths"])
    states, frames = upstream.extract(waves, lengths)
    assert len(states) == card.layers
    for place, count in enumerate(frames.tolist()):
        wanted = theirs[f"single.{place}.x"][0]
        assert relative(states[-1][place, :count], wanted) < INFERENCE_TOLERANCE
    counted = sum(weight.numel() for weight in upstream.module.parameters())
    assert counted == card.parameters


# -------------------------------------------------------------------------------------------- pre-training


@cache
def replayed(folder: Path) -> list[Step]:
    told = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    objective, inputs = started(folder), load_file(folder / "inputs_pretrain.safetensors")
    adam_told = told["optimizer"]
    rule = OptimiserRule(
        lr=adam_told["lr"],
        betas=tuple(adam_told["betas"]),
        eps=adam_told["eps"],
        weight_decay=adam_told["weight_decay"],
        warmup_updates=0,
        updates=10**9,
    )
    adam = optimiser([weight for _, weight in objective.trained()], rule)
    seen: Tensors = {}
    watch(objective, seen)
    done = []
    for number in range(len(told["steps"])):
        given = inputs[f"step{number}.source"], inputs[f"step{number}.mask"].bool()
        step = _step(objective, adam, rule, number, given)
        done.append(step._replace(seen={**seen, "target": seen["targets"][given[1]]}))
    return done


def watch(objective: Data2vec, seen: Tensors) -> None:
    """Have the parts write down what they give, under the fixtures' names.

    The fixtures' `encoder_norm` and `layer.k.out` are the teacher's: its copy of the encoder ran last, and wrote
    over what the student's had left under the same names. The student's states show in `pred`.
    """
    net, encoder = objective.objective.student, objective.objective.teacher

    def keep(name: str) -> Any:
        def hook(_: torch.nn.Module, __: Any, output: Any) -> None:
            seen[name] = (output[0] if isinstance(output, tuple) else output).detach().clone()

        return hook

    net.post_extract_proj.register_forward_hook(keep("post_extract_proj"))
    encoder.layer_norm.register_forward_hook(keep("encoder_norm"))
    encoder.layers[-1].register_forward_hook(keep(f"layer.{len(encoder.layers) - 1}.out"))
    net.final_proj.register_forward_hook(keep("pred"))
    inner = objective.objective
    original = inner._targets

    def targets(local: Tensor) -> Tensor:
        seen["targets"] = original(local)
        return seen["targets"]

    inner._targets = targets  # type: ignore[method-assign]


def _step(
    objective: Data2vec,
    adam: torch.optim.AdamW,
    rule: OptimiserRule,
    number: int,
    given: tuple[Tensor, Tensor],
) -> Step:
    losses = objective.objective(given[0], places(given[1]))
    adam.zero_grad()
    (losses.total / losses.frames).backward()
    gradients = {name: w.grad.clone() for name, w in objective.trained() if w.grad is not None}
    set_step(adam, number, rule)
    adam.step()
    decay = objective.finished_update(number + 1)["ema_decay"]
    states = [
        {name: weight.clone() for name, weight in net.state_dict().items()}
        for net in (objective.objective.student, objective.objective.teacher)
    ]
    return Step(losses, {}, gradients, states[0], states[1], decay)


def steps(folder: Path) -> list[tuple[int, Step, dict[str, Any]]]:
    told = json.loads((folder / "meta.json").read_text(encoding="utf-8"))["steps"]
    return [(number, *pair) for number, pair in enumerate(zip(replayed(folder), told, strict=True))]


def test_losses_spreads_and_the_teacher_s_pace(folder: Path) -> None:
    for _, ours, told in steps(folder):
        assert ours.losses.frames == told["sample_size"]
        assert float(ours.losses.total.detach()) == pytest.approx(told["loss_sum"], rel=TOLERANCE)
        assert float(ours.losses.target_std) == pytest.approx(told["target_var"], rel=TOLERANCE)
        assert float(ours.losses.prediction_std) == pytest.approx(told["pred_var"], rel=TOLERANCE)
        assert ours.decay == pytest.approx(told["ema_decay_applied_after_step"], rel=1e-12)


def test_states_predictions_and_targets(folder: Path) -> None:
    for number, ours, _ in steps(folder):
        theirs = load_file(folder / f"outputs_step{number}.safetensors")
        assert len(theirs) == 5
        for name, wanted in theirs.items():
            assert relative(ours.seen[name], wanted) < TOLERANCE, (number, name)


def test_gradients(folder: Path) -> None:
    for _, ours, told in steps(folder):
        norms = told["grad_norms_after_dividing_by_sample_size"]
        assert set(norms) == set(ours.gradients)
        least = 1e-4 * max(norms.values())
        compared = [name for name, norm in norms.items() if norm > least]
        assert len(compared) > 0.7 * len(norms)
        for name in compared:
            assert float(ours.gradients[name].norm()) == pytest.approx(norms[name], rel=GRADIENT_TOLERANCE), (
                name
            )


@pytest.mark.parametrize("who", ["student", "teacher"])
def test_weights_after_every_update(folder: Path, who: str) -> None:
    done = replayed(folder)
    for number, file in enumerate((f"{who}_after_update1", f"{who}_final")):
        for name, wanted in load_file(folder / f"{file}.safetensors").items():
            assert relative(getattr(done[number], who)[name], wanted) < TOLERANCE, (number, name)


def test_sums_and_norms_of_every_weight(folder: Path) -> None:
    """But for the keys' biases: softmax does not feel them, so that Adam follows the rounding of their gradient.

    In the deep network of 24 channels some keys' and queries' gradients are rounding as well (below 1e-4 of the
    largest norm); of those only the teacher's figures are held, which such a step hardly reaches.
    """
    for _, ours, told in steps(folder):
        norms = told["grad_norms_after_dividing_by_sample_size"]
        least = 1e-4 * max(norms.values())
        for name, figures in told["student_params_after_optimizer_step[sum,l2,absmax]"].items():
            if norms[name] > least:
                compare(ours.student[name], figures, name)
        for name, figures in told["teacher_after_ema[sum,l2,absmax]"].items():
            if norms[f"encoder.{name}"] > least or name.startswith("pos_conv."):
                compare(ours.teacher[name], figures, name)


def compare(ours: Tensor, figures: list[float], name: str) -> None:
    total, norm, largest = figures
    weight = ours.double()
    assert abs(float(weight.sum()) - total) < TOLERANCE * weight.numel() * largest, name
    assert float(weight.norm()) == pytest.approx(norm, rel=TOLERANCE), name
    assert float(weight.abs().max()) == pytest.approx(largest, rel=TOLERANCE), name


def test_positional_convolutions_of_the_teacher_are_the_student_s_own(folder: Path) -> None:
    told = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    for step in replayed(folder):
        own = {name.removeprefix("encoder."): weight for name, weight in step.student.items()}
        copied = {name for name, weight in step.teacher.items() if torch.equal(weight, own[name])}
        assert copied == set(told["skip_keys_copied_not_averaged"])
