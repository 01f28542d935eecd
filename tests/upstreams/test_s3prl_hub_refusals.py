"""What s3prl's hub refuses and how it says so: names, settings, damaged checkpoints, code in a pickle."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from s3prl_checkpoints import FAIRSEQ_SIZES, load, write_wavlm

from harness.errors import ConfigError, PluginError, UnknownNameError, WeightsError
from upstreams import _guarded_loading as guarded
from upstreams import s3prl_hub

ROOT = Path(__file__).resolve().parents[2]


def test_a_misspelt_name_gets_a_hint() -> None:
    with pytest.raises(UnknownNameError, match="did you mean hf_hubert_custom"):
        load("hf_huber_custom")


@pytest.mark.parametrize("name", ["fbank", "wavlm_base"])
def test_a_path_without_effect_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="no effect"):
        load(name, tmp_path)


def test_a_name_that_needs_a_checkpoint_says_so() -> None:
    with pytest.raises(WeightsError, match=r"upstream\.path"):
        load("wavlm_local")


def test_missing_arguments_are_named() -> None:
    with pytest.raises(ConfigError, match="model_config"):
        load("stft_mag")


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    torch.save({"cfg": {}}, tmp_path / "x.pt")
    with pytest.raises(PluginError, match=r"needs a package that is missing\n.*fairseq"):
        load("wav2vec2_custom", tmp_path / "x.pt", extra={"legacy": True})


def test_an_address_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3prl_hub.names()
    from s3prl.util import download

    monkeypatch.setattr(download, "_download_dir", tmp_path)
    with pytest.raises(WeightsError, match=r"http://127\.0\.0\.1:9/x\.pt"):
        load("wavlm_url", ckpt="http://127.0.0.1:9/x.pt")


# ------------------------------------------------------------------------------------------- bad checkpoints


def copy_folder(source: Path, target: Path) -> Path:
    for file in source.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


def test_another_architecture_is_refused(hubert: Path) -> None:
    with pytest.raises(WeightsError, match=r"got: hubert\n  wanted: wav2vec2"):
        load("hf_wav2vec2_custom", hubert)


@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json"])
def test_a_folder_that_is_not_whole(wav2vec2: Path, tmp_path: Path, file: str) -> None:
    (copy_folder(wav2vec2, tmp_path) / file).unlink()
    with pytest.raises(WeightsError, match=f"no {file}"):
        load("hf_wav2vec2_custom", tmp_path)


def test_truncated_safetensors(wav2vec2: Path, tmp_path: Path) -> None:
    weights = copy_folder(wav2vec2, tmp_path) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="cannot load"):
        load("hf_wav2vec2_custom", tmp_path)


def test_weights_that_are_missing_are_not_made_up(wav2vec2: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = copy_folder(wav2vec2, tmp_path) / "model.safetensors"
    tensors = load_file(weights)
    del tensors["encoder.layers.1.attention.q_proj.weight"]
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"lacks 1 weights.*\n.*q_proj"):
        load("hf_wav2vec2_custom", tmp_path)


def test_a_truncated_checkpoint(tmp_path: Path) -> None:
    s3prl_hub.names()
    file = write_wavlm(tmp_path)
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(WeightsError, match=r"wavlm\.pt"):
        load("wavlm_local", file)


def test_a_checkpoint_of_another_layout(tmp_path: Path) -> None:
    torch.save({"weights": torch.zeros(2)}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match="cannot load"):
        load("wavlm_local", tmp_path / "other.pt")


def test_a_folder_where_a_file_belongs(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"upstream\.path=FILE"):
        load("wavlm_local", tmp_path)


class Payload:
    """Runs code where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("name", ["wavlm_local", "tera_local", "distiller_local"])
def test_a_pickle_is_never_run(tmp_path: Path, name: str) -> None:
    """s3prl opens the checkpoints of the last two with `weights_only=False`."""
    torch.save({"cfg": Payload(tmp_path / "ran"), "model": {}}, tmp_path / "evil.pt")
    with pytest.raises(WeightsError, match="more than tensors"):
        load(name, tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


def test_code_in_the_layer_shapes_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    cfg = FAIRSEQ_SIZES | {"conv_feature_layers": f"[open({str(mark)!r}, 'w')]"}
    torch.save({"cfg": cfg, "model": {}}, tmp_path / "evil.pt")
    with pytest.raises(WeightsError, match="carries code"):
        load("wavlm_local", tmp_path / "evil.pt")
    assert not mark.exists()


def test_the_guard_overrules_the_caller_and_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(Payload(tmp_path / "ran"), tmp_path / "evil.pt")
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with guarded.only_tensors(), pytest.raises(Exception, match="weights_only"):
        torch.load(tmp_path / "evil.pt", weights_only=False)
    assert not (tmp_path / "ran").exists()
    assert os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] == "1"
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


def test_plain_settings_beside_the_tensors_are_welcome(tmp_path: Path) -> None:
    settings = argparse.Namespace(conv_feature_layers="[(512,10,5)] + [(512,3,2)] * 4", seed=1)
    torch.save({"args": settings, "model": torch.zeros(3)}, tmp_path / "old.pt")
    guarded.inspect(tmp_path / "old.pt")


# -------------------------------------------------------------------------------------------- without s3prl


@pytest.mark.parametrize("missing", ["s3prl", "torchaudio"])
def test_without_s3prl_everything_else_works_and_the_message_says_why(missing: str) -> None:
    script = f"""
import json, sys
sys.modules[{missing!r}] = None
from harness import registry
from harness.config import card_named
from harness.errors import PluginError
from harness.models import random_upstream
other = random_upstream(card_named("emotion2vec_base"))
try:
    random_upstream(card_named("s3prl_fbank"))
except PluginError as fault:
    print(json.dumps({{"other": other.card.name, "families": registry.names("upstreams"), "said": str(fault)}}))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["other"] == "emotion2vec_base"
    assert "s3prl_hub" in found["families"]
    assert "s3prl cannot be imported" in found["said"]
    assert missing in found["said"].split("got:")[1].split("wanted:")[0]
    assert "all others work without it" in found["said"]
