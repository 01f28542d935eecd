"""Checkpoint folders: every layout that circulates is read, every damage named, nothing filled in at random."""

from __future__ import annotations

import json
import logging
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from harness.contracts import Card
from harness.errors import WeightsError
from upstreams import _torchaudio_shim, hf

_torchaudio_shim.install()
import transformers  # noqa: E402 - torchaudio has to be mended first

CONFIG = hf.Config(architecture="wav2vec2", feature_norm="group", stable_layer_norm=False, normalise=False)
REVISION = "0" * 40
WAVE = torch.sin(torch.arange(4_000) * 0.05)[None]
LENGTH = torch.tensor([4_000])


def card(**changes: Any) -> Card:
    facts = {"name": "small", "family": "hf", "about": "", "licence": "", "source": "", "hop_samples": 320}
    return Card(**{**facts, "dim": 32, "layers": 3, "min_samples": 400, "hub_id": "house/small", **changes})


def last_state(folder: Path | None, of: Card | None = None) -> torch.Tensor:
    return hf.load(of or card(), CONFIG, folder).extract(WAVE, LENGTH).states[-1]


@pytest.fixture(scope="module")
def small() -> Any:
    return hf.random_small(card(), CONFIG, seed=1)


@pytest.fixture(scope="module")
def expected(small: Any) -> torch.Tensor:
    return small.extract(WAVE, LENGTH).states[-1]


@pytest.fixture
def folder(small: Any, tmp_path: Path) -> Path:
    small.module.save_pretrained(tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def rewrite(folder: Path, change: Any) -> None:
    tensors = load_file(folder / "model.safetensors")
    save_file(change(tensors), folder / "model.safetensors")


def edit_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


# ------------------------------------------------------------------------------------- layouts that are read


def test_a_file_or_its_folder(folder: Path, expected: torch.Tensor) -> None:
    assert torch.equal(last_state(folder), expected)
    assert torch.equal(last_state(folder / "model.safetensors"), expected)


def test_a_pickle_with_the_old_names_of_weight_norm(folder: Path, expected: torch.Tensor) -> None:
    state = load_file(folder / "model.safetensors")
    old = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): value
        for name, value in state.items()
    }
    assert "encoder.pos_conv_embed.conv.weight_g" in old
    (folder / "model.safetensors").unlink()
    torch.save(old, folder / "pytorch_model.bin")
    assert torch.equal(last_state(folder), expected)


def test_a_model_with_heads(small: Any, tmp_path: Path, expected: torch.Tensor) -> None:
    described = small.module.config
    described.vocab_size = 12
    whole = transformers.Wav2Vec2ForCTC(described)
    whole.wav2vec2.load_state_dict(small.module.state_dict())
    whole.save_pretrained(tmp_path)
    assert any(name.startswith("lm_head") for name in load_file(tmp_path / "model.safetensors"))
    assert torch.equal(last_state(tmp_path), expected)


def test_the_mask_embedding_of_training_may_be_absent(folder: Path, expected: torch.Tensor) -> None:
    rewrite(folder, lambda tensors: {n: v for n, v in tensors.items() if n != "masked_spec_embed"})
    assert torch.equal(last_state(folder), expected)


def test_half_precision_is_computed_in_single(folder: Path, expected: torch.Tensor) -> None:
    rewrite(folder, lambda tensors: {name: value.half() for name, value in tensors.items()})
    state = last_state(folder)
    assert state.dtype == torch.float32
    assert torch.allclose(state, expected, atol=0.05)  # float16 weights keep three decimals


# ------------------------------------------------------------------------------------------ damage is named


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such folder") as caught:
        last_state(tmp_path / "nowhere")
    assert "upstream.path" in str(caught.value.next_step)


def test_an_empty_folder_and_a_folder_without_tensors(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError, match="an empty folder"):
        last_state(tmp_path / "empty")
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"config\.json and model\.safetensors") as caught:
        last_state(folder)
    assert caught.value.got == "config.json"


@pytest.mark.parametrize("kept", [0, 4, 300, -1_000])
def test_truncated_safetensors(folder: Path, kept: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(WeightsError, match="truncated or damaged"):
        last_state(folder)


@pytest.mark.parametrize("kept", [0, 100, -1_000])
def test_truncated_pickle(folder: Path, kept: int) -> None:
    path = folder / "pytorch_model.bin"
    torch.save(load_file(folder / "model.safetensors"), path)
    (folder / "model.safetensors").unlink()
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(WeightsError, match="truncated or damaged"):
        last_state(folder)


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("exploded"),))


@pytest.mark.parametrize("content", [_Bomb(), {"a": 1}, [torch.zeros(1)]])
def test_a_pickle_of_anything_else_is_not_run(
    folder: Path, content: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "model.safetensors").unlink()
    if isinstance(content, _Bomb):
        (folder / "pytorch_model.bin").write_bytes(pickle.dumps(content))
    else:
        torch.save(content, folder / "pytorch_model.bin")
    with pytest.raises(WeightsError, match="truncated or damaged"):
        last_state(folder)
    assert not (folder / "exploded").exists()


@pytest.mark.parametrize(
    "gone", ["encoder.layers.1.final_layer_norm.bias", "feature_projection.projection.weight"]
)
def test_a_missing_tensor_is_never_made_up(folder: Path, gone: str) -> None:
    rewrite(folder, lambda tensors: {name: value for name, value in tensors.items() if name != gone})
    with pytest.raises(WeightsError, match=rf"1 missing \({gone}"):
        last_state(folder)


def test_more_blocks_than_the_config_says(folder: Path) -> None:
    edit_config(folder, num_hidden_layers=1)
    with pytest.raises(WeightsError, match="of no use"):
        last_state(folder, card(layers=2))


def test_tensors_of_another_width(folder: Path) -> None:
    edit_config(folder, intermediate_size=48)
    with pytest.raises(WeightsError, match="of another shape"):
        last_state(folder)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"model_type": "hubert"}, "model_type 'hubert'"),
        ({"model_type": None}, "model_type None"),
        ({"hidden_size": 64}, "dim 64"),
        ({"num_hidden_layers": 12}, "layers 13"),
        ({"conv_stride": [5, 2, 2, 2, 2, 2, 1]}, "hop_samples 160"),
        ({"feat_extract_norm": "layer"}, "feature_norm 'layer'"),
        ({"do_stable_layer_norm": True}, "stable_layer_norm True"),
        ({"add_adapter": True}, "adapter True"),
        ({"hidden_size": "wide"}, "hidden_size"),
    ],
)
def test_another_architecture_is_refused(folder: Path, changes: dict[str, object], named: str) -> None:
    edit_config(folder, **changes)
    with pytest.raises(WeightsError) as caught:
        last_state(folder)
    assert named in str(caught.value.got)
    assert caught.value.wanted
    assert caught.value.next_step


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_broken_config(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(WeightsError, match=r"config\.json cannot be read"):
        last_state(folder)


# -------------------------------------------------------------------------------------------------- the hub


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache in an empty place, and a hub address where nobody answers."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    return tmp_path / "cache"


def test_a_pinned_revision_in_the_cache_needs_no_network(
    folder: Path, hub_cache: Path, expected: torch.Tensor
) -> None:
    shutil.copytree(folder, hub_cache / "models--house--small" / "snapshots" / REVISION)
    assert torch.equal(last_state(None, card(revision=REVISION)), expected)
    with pytest.raises(WeightsError, match="cannot be had from the hub"):
        last_state(None, card(revision="1" * 40))


def test_without_a_network_the_message_comes_at_once(hub_cache: Path) -> None:
    with pytest.raises(WeightsError, match=r"URLError.*refused") as caught:
        last_state(None, card(revision=REVISION))
    assert REVISION in str(caught.value.wanted)
    assert "EMOHARNESS_WEIGHTS" in str(caught.value.next_step)


def test_offline_mode(hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="cannot be had from the hub"):
        last_state(None, card(revision=REVISION))


def test_a_card_without_hub_id(hub_cache: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be had from the hub"):
        last_state(None, card(hub_id=""))


def test_an_unpinned_card_warns(hub_cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(WeightsError):
        last_state(None, card(revision=""))
    assert "small is not pinned" in caplog.text
