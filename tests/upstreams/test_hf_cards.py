"""The cards of the hub's checkpoints hold against the architectures they name, built without weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from harness.config import build
from harness.contracts import Card
from upstreams import _lengths, hf, whisper

ROOT = Path(__file__).resolve().parents[2]
LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
CONV_BIAS = {"wav2vec2_large", "xlsr_53", "xls_r_300m", "hubert_large"}
"""Whose `config.json` has conv_bias true (fairseq's large recipes); WavLM large goes without."""
HEADS = {384: 6, 512: 8, 768: 12, 1024: 16, 1280: 20}
NORMALISED = {"wav2vec2_large", "xlsr_53", "xls_r_300m", "hubert_large", "wavlm_large", "data2vec_base"}
WHISPERS = {
    f"whisper_{size}" for size in ["tiny", "tiny_en", "base", "small", "medium", "large_v2", "large_v3"]
}
EXPECTED = NORMALISED | {"wav2vec2_base", "hubert_base", "wavlm_base", "wavlm_base_plus"}


def cards_of(family: str) -> list[Card]:
    files = sorted((ROOT / "recipes" / "upstream").glob("*.yaml"))
    values = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]
    return [build(Card, value, where=value["name"]) for value in values if value.get("family") == family]


def named(card: Card) -> str:
    return card.name


def parameters(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def test_all_checkpoints_have_a_card() -> None:
    assert {card.name for card in cards_of("hf")} == EXPECTED
    assert {card.name for card in cards_of("whisper")} == WHISPERS | {f"{n}_own_length" for n in WHISPERS}


@pytest.mark.parametrize("card", cards_of("hf") + cards_of("whisper"), ids=named)
def test_a_card_is_complete_and_pinned(card: Card) -> None:
    assert card.about
    assert card.licence
    assert card.source
    assert card.trained_on
    assert card.hub_id.count("/") == 1
    assert card.path is None
    if card.name == "data2vec_base":  # says on its first line that it is not
        assert card.revision == ""
        assert (
            "Not pinned" in (ROOT / "recipes" / "upstream" / "data2vec_base.yaml").read_text().splitlines()[0]
        )
    else:
        assert len(card.revision) == 40
        int(card.revision, 16)


@pytest.mark.parametrize("card", cards_of("hf"), ids=named)
def test_facts_of_wav2vec2_and_its_kin(card: Card) -> None:
    config = build(hf.Config, card.options, where=card.name)
    assert config.normalise == (card.name in NORMALISED)
    described = hf._from_transformers(hf._LIBRARY[config.architecture].config)(
        **(LARGE if card.dim == 1024 else {}),
        feat_extract_norm=config.feature_norm,
        do_stable_layer_norm=config.stable_layer_norm,
        conv_bias=card.name in CONV_BIAS,
    )
    assert all(got == wanted for got, wanted in hf._facts(card, config, described).values())
    with torch.device("meta"):
        assert parameters(hf._network(config, described)) == card.parameters
    assert (card.hop_samples, card.min_samples) == (320, 400)
    assert _lengths.receptive_field(described.conv_kernel, described.conv_stride) == card.min_samples


@pytest.mark.parametrize("card", cards_of("whisper"), ids=named)
def test_facts_of_whisper(card: Card) -> None:
    config = build(whisper.Config, card.options, where=card.name)
    described = whisper._library().WhisperConfig(
        d_model=card.dim,
        encoder_layers=card.layers - 2,
        encoder_attention_heads=HEADS[card.dim],
        encoder_ffn_dim=4 * card.dim,
        num_mel_bins=config.mel_bins,
    )
    with torch.device("meta"):
        assert parameters(whisper._encoder(described)) == card.parameters
    assert (card.hop_samples, card.min_samples, config.normalise) == (320, 1, False)
    assert config.mel_bins == (128 if "large_v3" in card.name else 80)
    own = card.name.endswith("_own_length")
    assert config.window == ("own_length" if own else "padded_30s")
    assert ("another upstream" in card.about and "not Whisper's" in card.about) == own


@pytest.mark.parametrize("card", cards_of("hf") + cards_of("whisper"), ids=named)
def test_every_card_has_a_small_stand_in(card: Card) -> None:
    family: Any = hf if card.family == "hf" else whisper
    upstream = family.random_small(card, build(family.Config, card.options, where=card.name), 0)
    states = upstream.extract(torch.ones(1, 2_000), torch.tensor([2_000]))
    assert len(states.states) == upstream.card.layers
    assert {state.shape[-1] for state in states.states} == {upstream.card.dim} == {32}
    assert parameters(upstream.module) == upstream.card.parameters < card.parameters
