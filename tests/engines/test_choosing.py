"""Which engine and which precision a model gets, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from harness import config, engines, inputs
from harness.contracts import Card
from harness.engines import alone, computed, in_bf16, lacks_bf16, relative_error
from harness.errors import ConfigError
from harness.models import load_upstream, random_upstream

WAVE = 0.1 * torch.randn(11_003, generator=torch.Generator().manual_seed(2))


# ------------------------------------------------------------------------------------------------- engines


def test_torch_where_it_is_asked_for(checkpoint: Card, own_cache: Path) -> None:
    upstream = engines.load(checkpoint, engine="torch")
    assert computed(upstream) == engines.Computed()
    assert upstream.module is not None
    assert not own_cache.exists()


def test_hand_made_features_stay_as_they_are(own_cache: Path) -> None:
    upstream = engines.load(config.card_named("fbank"))
    assert computed(upstream) == engines.Computed()
    assert not own_cache.exists()


def test_what_is_no_graph_is_refused_as_one(own_cache: Path) -> None:
    with pytest.raises(ConfigError, match=r"(?s)fbank.*engine=torch"):
        engines.load(config.card_named("fbank"), engine="onnx")


def test_onnx_on_a_gpu_needs_its_provider(checkpoint: Card, own_cache: Path) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime computes on a GPU")
    with pytest.raises(ConfigError, match=r"(?s)cuda.*onnxruntime-gpu"):
        engines.load(checkpoint, engine="onnx", device="cuda")


@pytest.mark.parametrize("settings", [{"engine": "onxx"}, {"precision": "fp16"}])
def test_misspelt_settings(settings: dict[str, str], checkpoint: Card) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings.values()))):
        engines.load(checkpoint, **settings)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------- bf16


def test_a_graph_computes_in_fp32(checkpoint: Card) -> None:
    with pytest.raises(ConfigError, match=r"(?s)fp32.*engine=torch precision=bf16"):
        engines.load(checkpoint, engine="onnx", precision="bf16")


def test_the_hardware_decides(checkpoint: Card, own_cache: Path) -> None:
    """With the units that this machine has or lacks."""
    if lacks_bf16("cpu"):
        with pytest.raises(ConfigError, match="precision=fp32"):
            engines.load(checkpoint, precision="bf16")
    else:
        said = computed(engines.load(checkpoint, precision="bf16"))
        assert (said.engine, said.precision) == ("torch", "bf16")
        assert said.deviation is not None


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_without_units_it_is_refused(device: str, checkpoint: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    with pytest.raises(ConfigError, match=r"(?s)emulate.*precision=fp32"):
        engines.load(checkpoint, precision="bf16", device=device)


@pytest.mark.parametrize("name", ["wav2vec2_base", "wavlm_large", "emotion2vec_base", "whisper_tiny_en"])
def test_bf16_is_autocast_and_its_deviation_is_measured(name: str) -> None:
    """Bit for bit what autocast gives; the deviation is bf16's: eight bits of mantissa, through a few layers."""
    card = config.card_named(name)
    plain, halved = random_upstream(card), in_bf16(random_upstream(card))
    with torch.autocast("cpu", torch.bfloat16):
        expected = alone(plain, WAVE)
    got = alone(halved, WAVE)
    assert {state.dtype for state in got.states} == {torch.float32}
    for state, other in zip(got.states, expected.states, strict=True):
        assert torch.equal(state, other.float())
    assert halved.computed.deviation is not None
    assert 2**-12 < halved.computed.deviation < 0.1
    assert 2**-12 < relative_error(alone(plain, WAVE), got, 0) < 0.1


@pytest.mark.parametrize("name", ["fbank", "byol_s"])
def test_what_has_no_frozen_network_stays_in_fp32(name: str) -> None:
    with pytest.raises(ConfigError, match="precision=fp32"):
        in_bf16(random_upstream(config.card_named(name)))


def test_loading_changes_nothing_in_fp32(checkpoint: Card, own_cache: Path) -> None:
    loaded, plain = engines.load(checkpoint, engine="torch"), load_upstream(checkpoint)
    assert relative_error(alone(plain, WAVE), alone(loaded, WAVE), 0) == 0.0


# ---------------------------------------------------------------------------------------------------- keys


def composed(**changes: Any) -> config.RunConfig:
    return replace(config.compose("emodb_loso", []), **changes)


def test_precision_names_a_run_only_where_it_is_not_fp32() -> None:
    usual = inputs.identity(composed(), [])
    assert "precision" not in usual
    assert inputs.identity(composed(engine="torch", device="cpu"), []) == usual
    assert inputs.identity(composed(precision="bf16"), []) == usual | {"precision": "bf16"}
    assert inputs.notes(composed(), [], []) == []
    assert any("bf16" in note for note in inputs.notes(composed(precision="bf16"), [], []))


def test_precision_of_texts_alone_would_do_nothing() -> None:
    with pytest.raises(ConfigError, match="precision does nothing"):
        inputs.check(composed(precision="bf16", modality="text"), "contexts", [], [])
