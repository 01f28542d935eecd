"""data2vec 1's names, its beginnings, and what it leaves behind."""

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
from harness.errors import AudioError, ConfigError, WeightsError
from upstreams import hf
from upstreams._data2vec_names import to_fairseq, to_transformers
from upstreams.objectives import data2vec
from upstreams.objectives._data2vec1 import LossRule
from upstreams.objectives._ema import EmaRule, follow
from upstreams.objectives._targets import TargetRule
from upstreams.objectives.data2vec import Config, Data2vec, NetworkRule

SMALL: dict[str, Any] = {"dim": 32, "heads": 4, "mlp_dim": 48, "layers": 3, "channels": 16}
WAVES = torch.randn(2, 9_000, generator=torch.Generator().manual_seed(0))
Tensors = dict[str, Tensor]


def config(**settings: Any) -> Config:
    return Config(network=NetworkRule(**SMALL), loss=LossRule(target=TargetRule(top_k=2)), **settings)


@pytest.fixture
def trained() -> Data2vec:
    """After one step, so that nothing is as it was drawn."""
    objective = data2vec.build(config(), None, seed=2).train()
    adam = torch.optim.AdamW((weight for _, weight in objective.trained()), lr=0.01)
    objective.loss(objective.batch(WAVES, np.random.default_rng(0))).total.backward()  # type: ignore[no-untyped-call]
    adam.step()
    objective.finished_update(1)
    return objective


def parts(objective: Data2vec) -> tuple[Tensors, Tensors]:
    released = {name: tensor.clone() for name, tensor in objective.released().items()}
    teacher = {name.removeprefix("_ema."): x for name, x in released.items() if name.startswith("_ema.")}
    return {name: x for name, x in released.items() if not name.startswith("_ema.")}, teacher


def same(one: Tensors, other: Tensors) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# -------------------------------------------------------------------------------------------------- names


def test_names_of_every_tensor_in_both_libraries(shared: Path) -> None:
    keys = shared / "reference" / "checkpoint_keys"
    pairs = json.loads((keys / "keys_data2vec_v1_to_hf.json").read_text(encoding="utf-8"))["map"]
    assert len(pairs) == 232
    for own, theirs in pairs.items():
        if theirs is not None:
            assert to_transformers(own) == theirs
            assert to_fairseq(theirs) == own
            assert to_transformers(theirs) == theirs
        assert to_fairseq(own) == own


def test_names_and_shapes_are_those_of_the_released_checkpoint(shared: Path) -> None:
    path = shared / "reference" / "checkpoint_keys" / "keys_data2vec_v1_base.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    with torch.device("meta"):
        student, teacher = parts(Data2vec(Config()))
    assert {name: list(x.shape) for name, x in student.items()} == told["keys"]
    assert {name: list(x.shape) for name, x in teacher.items()} == told["_ema_keys"]
    assert sum(x.numel() for x in student.values()) == told["n_params"]


# ------------------------------------------------------------------------------------------------ beginning


def test_a_cold_start_depends_on_its_seed_alone() -> None:
    state = torch.get_rng_state()
    one, other, third = (parts(data2vec.build(config(), None, seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert same(one[0], other[0])
    assert not torch.equal(one[0]["mask_emb"], third[0]["mask_emb"])
    assert all(torch.equal(x, one[0][f"encoder.{name}"]) for name, x in one[1].items())


@pytest.mark.parametrize("last", ["final_proj.", "final_proj.0."])
def test_fairseq_s_file_gives_student_and_teacher(
    trained: Data2vec, last: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    student, teacher = parts(trained)
    renamed = {name.replace("final_proj.", last): x for name, x in student.items()}
    cfg = {"model": {"encoder_attention_heads": 4}}
    torch.save({"cfg": cfg, "model": {**renamed, "_ema": teacher}}, tmp_path / "audio_base_ls.pt")
    again = parts(data2vec.build(config(), tmp_path, seed=9))
    assert same(again[0], student)
    assert same(again[1], teacher)
    assert not caplog.text


@pytest.mark.parametrize("prefix", ["", "data2vec_audio."])
def test_transformers_folder_gives_all_but_the_last_layer(
    trained: Data2vec, prefix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    student, _ = parts(trained)
    theirs = {
        prefix + to_transformers(name): x for name, x in student.items() if not name.startswith("final_proj")
    }
    torch.save(theirs, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text(json.dumps({"num_attention_heads": 4}))
    ours, teacher = parts(data2vec.build(config(), tmp_path, seed=9))
    drawn, _ = parts(data2vec.build(config(), None, seed=9))
    wanted = {name: drawn[name] if name.startswith("final_proj") else x for name, x in student.items()}
    assert same(ours, wanted)
    assert all(torch.equal(x, student[f"encoder.{name}"]) for name, x in teacher.items())
    assert "no last layer, which predicts the targets: drawn anew" in caplog.text
    assert "no moving average" in caplog.text


def test_what_does_not_fit_is_refused_by_name(trained: Data2vec, tmp_path: Path) -> None:
    student, _ = parts(trained)
    save_file(student, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"num_attention_heads": 8}))
    with pytest.raises(WeightsError) as caught:
        data2vec.build(config(), tmp_path, 1)
    assert str(caught.value.got).endswith("heads 8")
    (tmp_path / "config.json").unlink()
    student.pop("encoder.layers.1.fc1.bias")
    student["mask_emb"] = torch.ones(3)
    save_file(student, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError) as caught:
        data2vec.build(config(), tmp_path, 1)
    assert "1 missing: encoder.layers.1.fc1.bias" in str(caught.value.got)
    assert "1 of another shape: mask_emb (3,)" in str(caught.value.got)


@pytest.mark.parametrize(
    "network", [{"heads": 5}, {"position_groups": 7}, {"layers": 1}], ids=["heads", "groups", "layers"]
)
def test_settings_that_contradict_each_other(network: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="contradict each other"):
        Config(network=NetworkRule(**{**SMALL, **network}), loss=LossRule(target=TargetRule(top_k=2)))


def test_one_frame_is_too_short() -> None:
    with pytest.raises(AudioError, match="too short to be masked"):
        data2vec.build(config(), None, 1).batch(torch.randn(2, 500), np.random.default_rng(0))


# ------------------------------------------------------------------------------------------------- training


def test_it_is_an_objective_that_learns(trained: Data2vec) -> None:
    assert isinstance(trained, Objective)
    batch = trained.batch(WAVES, np.random.default_rng(0))
    adam = torch.optim.AdamW((weight for _, weight in trained.trained()), lr=0.003)
    losses = []
    for _ in range(8):
        adam.zero_grad()
        loss = trained.loss(batch)
        (loss.total / loss.frames).backward()  # type: ignore[no-untyped-call]
        adam.step()
        losses.append(loss.figures["frame_loss"])
    assert losses[-1] < 0.9 * losses[0]
    assert loss.figures["utterance_loss"] == 0


def test_several_steps_of_the_teacher_are_as_many_single_ones(trained: Data2vec) -> None:
    """To rounding: eight float32 steps against one with the eighth power."""
    student, teacher = trained.objective.student.encoder, trained.objective.teacher
    before = {name: x.clone() for name, x in teacher.state_dict().items()}
    for weight in student.parameters():
        weight.data.add_(0.5)
    for _ in range(8):
        follow(teacher, student, 0.9, copied=lambda name: name.startswith("pos_conv."))
    singly = {name: x.clone() for name, x in teacher.state_dict().items()}
    teacher.load_state_dict(before)
    trained.config.ema = EmaRule(start=0.9, end=0.9, end_update=1, steps=8)
    assert trained.finished_update(5) == {"ema_decay": pytest.approx(0.9**8)}
    for name, x in teacher.state_dict().items():
        assert torch.allclose(x, singly[name], atol=1e-6), name


def test_what_it_leaves_is_loaded_by_the_family_of_its_card(trained: Data2vec, tmp_path: Path) -> None:
    save_file(dict(trained.released()), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(trained.settings()))
    card = Card(name="made", family=data2vec.FAMILY, about="", licence="", source="", **trained.card())
    upstream = hf.load(card, hf.Config(**dict(card.options)), tmp_path)  # type: ignore[arg-type]
    states, _ = upstream.extract(WAVES, torch.tensor([9_000, 9_000]))
    trained.eval()
    net = trained.objective.student
    with torch.no_grad():
        local = net.local_features(torch.nn.functional.layer_norm(WAVES, (9_000,)))
        wanted = [net.encoder.positioned(local), *(output.hidden for output in net.encoder(local))]
    assert len(states) == len(wanted) == card.layers
    for ours, theirs in zip(states, wanted, strict=True):
        assert float((ours - theirs).abs().max()) < 1e-4  # the family normalises in double precision
