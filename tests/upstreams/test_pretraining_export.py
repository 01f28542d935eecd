"""What a pre-training leaves behind loads as any other checkpoint, and has the names of the original's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from harness.contracts import Card, Objective
from upstreams import emotion2vec as family
from upstreams._emotion2vec_checkpoint import _parse_spec
from upstreams.objectives import emotion2vec
from upstreams.objectives._data2vec2 import DecoderSizes, LossRule
from upstreams.objectives._fairseq_words import data2vec_multi
from upstreams.objectives._targets import TargetRule
from upstreams.objectives.emotion2vec import Config, Emotion2vecObjective, NetworkRule

WAVES = torch.randn(2, 9_000, generator=torch.Generator().manual_seed(0))
LENGTHS = torch.tensor([9_000, 7_000])


def made(**network: Any) -> Emotion2vecObjective:
    """A small objective after one step, so that nothing in it is as it was drawn."""
    sizes = {"dim": 48, "heads": 4, "mlp_dim": 80, "prenet": 1, "depth": 2, "channels": 16, **network}
    config = Config(
        network=NetworkRule(**sizes, decoder=DecoderSizes(dim=16, layers=2)),
        loss=LossRule(target=TargetRule(top_k=2), clones=2, utterance="chunk"),
    )
    objective = emotion2vec.build(config, None, seed=2).train()
    adam = torch.optim.AdamW((weight for _, weight in objective.trained()), lr=0.01)
    objective.loss(objective.batch(WAVES, np.random.default_rng(0))).total.backward()  # type: ignore[no-untyped-call]
    adam.step()
    objective.finished_update(1)
    return objective


def parts(objective: Emotion2vecObjective) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    released = {name: tensor.contiguous() for name, tensor in objective.released().items()}
    teacher = {name.removeprefix("_ema."): x for name, x in released.items() if name.startswith("_ema.")}
    return {name: x for name, x in released.items() if not name.startswith("_ema.")}, teacher


def written(objective: Emotion2vecObjective, folder: Path, form: str) -> Path:
    student, teacher = parts(objective)
    settings = objective.settings()
    model = {name: value for name, value in settings.items() if name != "normalize"}
    cfg = {"model": model, "task": {"_name": "audio_pretraining", "normalize": settings["normalize"]}}
    if form == "safetensors":
        save_file(dict(objective.released()), folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps(settings))
    else:
        state = student if form == "released" else {**student, "_ema": teacher}
        torch.save({"args": None, "cfg": cfg, "model": state}, folder / "checkpoint.pt")
    return folder


def card_of(objective: Emotion2vecObjective) -> Card:
    return Card(name="made", family=emotion2vec.FAMILY, about="", licence="", source="", **objective.card())


@pytest.mark.parametrize("form", ["safetensors", "released", "with teacher"])
def test_features_and_tokens_are_those_of_the_student_that_was_trained(form: str, tmp_path: Path) -> None:
    objective = made()
    card = card_of(objective)
    loaded = family.load(
        card, family.Config(normalise=bool(card.options["normalise"])), written(objective, tmp_path, form)
    )
    student = objective.objective.student.eval()
    for wave, length in zip(WAVES, LENGTHS.tolist(), strict=True):
        alone = wave[None, :length]
        with torch.no_grad():
            wanted = student(torch.nn.functional.layer_norm(alone, (length,)), None)
        states, frames = loaded.extract(alone, torch.tensor([length]))
        assert len(states) == len(wanted) == card.layers
        assert all(torch.equal(a, b[:, 10:]) for a, b in zip(states, wanted, strict=True))
        assert int(frames) == states[0].shape[1] == (length - card.min_samples) // card.hop_samples + 1
        assert torch.equal(loaded.utterance_tokens(alone, torch.tensor([length])), wanted[-1][:, :10])
    counted = sum(weight.numel() for weight in loaded.module.parameters())
    assert counted == card.parameters


def test_a_network_without_tokens_goes_the_same_way(tmp_path: Path) -> None:
    config = Config(
        network=NetworkRule(dim=32, heads=4, mlp_dim=64, prenet=1, depth=2, channels=16, tokens=0),
        loss=LossRule(target=TargetRule(top_k=2), utterance="none"),
    )
    objective = emotion2vec.build(config, None, seed=2)
    card = card_of(objective)
    loaded = family.load(card, family.Config(), written(objective, tmp_path, "released"))
    assert loaded.utterance_tokens(WAVES, LENGTHS).shape == (2, 0, 32)


def test_names_and_shapes_are_those_of_the_released_checkpoint(shared: Path) -> None:
    told = json.loads(
        (shared / "reference" / "checkpoint_keys" / "keys_emotion2vec_base.json").read_text(encoding="utf-8")
    )
    with torch.device("meta"):
        objective = Emotion2vecObjective(Config())
    student, teacher = parts(objective)
    assert {name: list(x.shape) for name, x in student.items()} == told["keys"]
    assert {name: list(x.shape) for name, x in teacher.items()} == told[
        "_ema_keys_in_a_pretraining_checkpoint"
    ]
    assert len(student) == told["n_tensors"]
    assert sum(x.numel() for x in student.values()) == told["n_params"]


def flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by their dotted names."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        inner = flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
        found.update(inner)
    return found


def test_settings_are_those_of_the_released_run(shared: Path) -> None:
    """`max_update` and `seed` belong to the run."""
    path = shared / "reference" / "checkpoint_keys" / "keys_emotion2vec_base.json"
    theirs = flat(json.loads(path.read_text(encoding="utf-8"))["config"])
    ours, spec = flat(data2vec_multi(Config())), "modalities.audio.feature_encoder_spec"
    assert _parse_spec(ours[spec]) == _parse_spec(theirs.pop(spec))
    for name in ("max_update", "seed"):
        theirs.pop(name)
    assert {name: ours[name] for name in theirs} == theirs


def test_a_loader_without_defaults_finds_every_setting(project_root: Path) -> None:
    """FunASR's: what its own configuration says and we do not would be a missing key there."""
    path = project_root / "tests" / "parity" / "funasr_base" / "config.json"
    asked = json.loads(path.read_text(encoding="utf-8"))
    theirs, ours = flat(asked.get("model_conf", asked)), flat(data2vec_multi(Config()))
    assert theirs.keys() - ours.keys() == {"max_update", "seed"}
    off = ("drop_path", "learned_alibi", "alibi_max_pos", "local_grad", "keep_masked", "channel", "add_")
    told = {name: value for name, value in theirs.items() if any(word in name for word in off)}
    assert {name: ours[name] for name in told} == told


def test_settings_survive_json_and_a_file_of_tensors_and_plain_values(tmp_path: Path) -> None:
    objective = made()
    assert json.loads(json.dumps(objective.settings())) == objective.settings()
    path = written(objective, tmp_path, "with teacher") / "checkpoint.pt"
    content = torch.load(path, weights_only=True)
    assert content["model"]["_ema"].keys() == parts(objective)[1].keys()


def test_it_is_an_objective() -> None:
    assert isinstance(made(), Objective)
