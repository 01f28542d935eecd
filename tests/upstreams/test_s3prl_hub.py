"""s3prl's hub behind our contract: equal to our own loaders, exact in any batch, harmless to load.

Checkpoints are tiny random models, written in the layouts that s3prl reads: folders of transformers' for the
`hf_*_custom` names, and the same weights under fairseq's names for s3prl's own networks.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from harness.check import check, made_up_voices, together
from harness.config import card_named
from harness.contracts import Card
from harness.engines import alone, relative_error
from harness.errors import AudioError, ConfigError, PluginError, UnknownNameError, WeightsError
from harness.models import random_upstream
from upstreams import _guarded_loading as guarded
from upstreams import _random, _torchaudio_shim, hf, s3prl_hub

ROOT = Path(__file__).resolve().parents[2]
SAME = 1e-5
"""Two implementations of one network in float32: sums in another order, relative to the largest value."""

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
FRONT_END = {"conv_dim": (16,) * 7, "num_conv_pos_embedding_groups": 4}
FAIRSEQ_SIZES = {
    "encoder_layers": 2,
    "encoder_embed_dim": 32,
    "encoder_ffn_embed_dim": 64,
    "encoder_attention_heads": 4,
    "conv_feature_layers": "[(16,10,5)] + [(16,3,2)] * 4 + [(16,2,2)] * 2",
    "conv_pos_groups": 4,
}


def card(name: str, **facts: Any) -> Card:
    sizes = {"dim": 32, "layers": 3, "hop_samples": 320, "min_samples": 400} | facts
    return Card(name=name, family="s3prl_hub", about="", licence="", source="", **sizes)


def load(name: str, weights: Path | None = None, **options: Any) -> s3prl_hub.S3prlUpstream:
    upstream = s3prl_hub.load(card(name), s3prl_hub.Config(name=name, **options), weights)
    assert isinstance(upstream, s3prl_hub.S3prlUpstream)
    return upstream


def transformers_model(architecture: str, seed: int = 0, **settings: Any) -> Any:
    _torchaudio_shim.install()
    import transformers

    described = getattr(transformers, f"{architecture}Config")(**SIZES, **FRONT_END, **settings)
    return _random.seeded(lambda: getattr(transformers, f"{architecture}Model")(described), seed)


def save_folder(model: Any, folder: Path, do_normalize: bool) -> Path:
    import transformers

    model.save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(
        do_normalize=do_normalize, return_attention_mask=True
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def wav2vec2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_folder(transformers_model("Wav2Vec2"), tmp_path_factory.mktemp("wav2vec2"), True)


@pytest.fixture(scope="module")
def hubert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_folder(transformers_model("Hubert"), tmp_path_factory.mktemp("hubert"), False)


# -------------------------------------------------------------------------------- equal to our own loaders


def fairseq_name(name: str, norm: str) -> str:
    """A weight's name in transformers -> its name in fairseq, unilm and s3prl."""
    rules = [
        (r"(conv_layers\.\d+)\.conv\.", r"\1.0."),
        (r"(conv_layers\.\d+)\.layer_norm\.", rf"\1.{norm}."),
        (r"^feature_projection\.projection", "post_extract_proj"),
        (r"^feature_projection\.layer_norm", "layer_norm"),
        (r"^masked_spec_embed$", "mask_emb"),
        (r"pos_conv_embed\.conv\.parametrizations\.weight\.original0", "pos_conv.0.weight_g"),
        (r"pos_conv_embed\.conv\.parametrizations\.weight\.original1", "pos_conv.0.weight_v"),
        (r"pos_conv_embed\.conv\.bias", "pos_conv.0.bias"),
        (r"pos_conv_embed\.layers\.(\d+)\.conv", r"pos_conv.\1.0"),
        (r"attention\.gru_rel_pos_const", "attention.grep_a"),
        (r"attention\.gru_rel_pos_linear", "attention.grep_linear"),
        (r"attention\.rel_attn_embed", "attention.relative_attention_bias"),
        (r"(layers\.\d+)\.attention\.", r"\1.self_attn."),
        (r"(encoder\.layers\.\d+)\.layer_norm", r"\1.self_attn_layer_norm"),
        (r"feed_forward\.intermediate_dense", "fc1"),
        (r"feed_forward\.output_dense", "fc2"),
    ]
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def fairseq_weights(model: Any, target: torch.nn.Module, norm: str) -> dict[str, Tensor]:
    """The weights of a model of transformers' in a network of s3prl's; what only training uses stays random."""
    weights = {fairseq_name(name, norm): value for name, value in model.state_dict().items()}
    own = target.state_dict()
    assert weights.keys() <= own.keys(), sorted(weights.keys() - own.keys())
    return {**own, **weights}


def write_wavlm(folder: Path) -> Path:
    from s3prl.upstream.wavlm.WavLM import WavLM, WavLMConfig

    model = transformers_model("WavLM", num_conv_pos_embeddings=16)
    model.save_pretrained(folder)
    cfg = FAIRSEQ_SIZES | {"conv_pos": 16, "relative_position_embedding": True, "gru_rel_pos": True}
    cfg |= {"num_buckets": 320, "max_distance": 800}
    torch.save(
        {"cfg": cfg, "model": fairseq_weights(model, WavLM(WavLMConfig(cfg)), "2")}, folder / "wavlm.pt"
    )
    return folder / "wavlm.pt"


def write_wav2vec2(folder: Path) -> Path:
    from s3prl.upstream.wav2vec2.wav2vec2_model import Wav2Vec2Config, Wav2Vec2Model

    model = transformers_model("Wav2Vec2", num_conv_pos_embeddings=16)
    model.save_pretrained(folder)
    cfg = FAIRSEQ_SIZES | {"conv_pos": 16}
    state = {"task_cfg": {"normalize": False}, "model_cfg": cfg}
    weights = fairseq_weights(model, Wav2Vec2Model(Wav2Vec2Config(**cfg)), "2")
    torch.save({**state, "model_weight": weights}, folder / "wav2vec2.pt")
    return folder / "wav2vec2.pt"


def write_data2vec(folder: Path) -> Path:
    from s3prl.upstream.data2vec.data2vec_model import Data2VecAudioConfig, Data2VecAudioModel

    model = transformers_model("Data2VecAudio", num_conv_pos_embeddings=5, conv_pos_kernel_size=19)
    model.save_pretrained(folder)
    cfg = FAIRSEQ_SIZES | {"conv_pos": 95, "pos_conv_depth": 5, "extractor_mode": "layer_norm"}
    network = Data2VecAudioModel(Data2VecAudioConfig(**cfg))
    network.remove_pretraining_modules()
    state = {"task_cfg": {"normalize": True}, "model_cfg": cfg}
    weights = {**fairseq_weights(model, network, "2.1"), "_ema": {}}
    torch.save({**state, "model_weight": weights}, folder / "data2vec.pt")
    return folder / "data2vec.pt"


def ours(folder: Path, architecture: Any, normalise: bool, norm: Any = "group") -> hf.HfUpstream:
    config = hf.Config(
        architecture=architecture, feature_norm=norm, stable_layer_norm=False, normalise=normalise
    )
    return hf.load(card(f"own_{architecture}"), config, folder)


def worst_difference(upstream: Any, own: Any) -> float:
    """Over every layer of four voices, from the shortest possible clip to 2.3 s, in one padded batch of each."""
    voices = made_up_voices(upstream.card)
    theirs, mine = together(upstream, voices), together(own, voices)
    assert torch.equal(theirs.frames, mine.frames)
    assert len(theirs.states) == len(mine.states)
    assert all(bool(state.isfinite().all()) for state in theirs.states)
    return max(relative_error(alone(own, voice), theirs, row) for row, voice in enumerate(voices))


def test_hf_wav2vec2_custom_equals_our_own_loader(wav2vec2: Path) -> None:
    assert worst_difference(load("hf_wav2vec2_custom", wav2vec2), ours(wav2vec2, "wav2vec2", True)) < SAME


def test_hf_hubert_custom_equals_our_own_loader(hubert: Path) -> None:
    assert worst_difference(load("hf_hubert_custom", hubert), ours(hubert, "hubert", False)) < SAME


@pytest.mark.parametrize(
    ("name", "write", "facts"),
    [
        ("wavlm_local", write_wavlm, ("wavlm", False, "group")),
        ("wav2vec2_custom", write_wav2vec2, ("wav2vec2", False, "group")),
        ("data2vec_custom", write_data2vec, ("data2vec-audio", True, "layer")),
    ],
)
def test_s3prls_own_networks_equal_our_own_loaders(
    tmp_path: Path, name: str, write: Callable[[Path], Path], facts: tuple[str, bool, str]
) -> None:
    s3prl_hub.names()
    upstream = load(name, write(tmp_path))
    assert upstream.card.layers == 3
    assert worst_difference(upstream, ours(tmp_path, *facts)) < SAME


def test_large_models_differ_by_the_final_norm_at_most(tmp_path: Path) -> None:
    """transformers 5 returns their last hidden state before the final norm, 4 and fairseq after it."""
    large = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}
    folder = save_folder(transformers_model("Wav2Vec2", **large), tmp_path, True)
    config = hf.Config(architecture="wav2vec2", feature_norm="layer", stable_layer_norm=True, normalise=True)
    upstream, own = load("hf_wav2vec2_custom", folder), hf.load(card("own"), config, folder)
    wave = made_up_voices(upstream.card)[-1]
    theirs, mine = alone(upstream, wave).states, alone(own, wave).states
    for their, my in zip(theirs[:-1], mine[:-1], strict=True):
        assert torch.allclose(their, my, rtol=0, atol=SAME * float(my.abs().max()))
    norm: Any = own.module.get_submodule("encoder.layer_norm")
    gaps = [float((last - mine[-1]).abs().max()) for last in (theirs[-1], norm(theirs[-1]))]
    assert min(gaps) < SAME * float(mine[-1].abs().max())


@pytest.mark.parametrize("name", ["fbank", "mfcc"])
def test_hand_made_features_are_s3prls_own(name: str) -> None:
    upstream = load(name)
    wave = made_up_voices(upstream.card)[-1]
    assert upstream.module is not None
    padded, _ = upstream.module(wave[None], torch.tensor([len(wave)]))
    mine = alone(upstream, wave)
    frames = int(mine.frames[0])
    assert frames == 1 + (len(wave) - 400) // 160
    assert torch.equal(mine.states[0], padded[0][:, :frames])


# ---------------------------------------------------------------------------------------- what is promised


def test_padding_reaches_s3prl_but_not_us(wav2vec2: Path) -> None:
    upstream = load("hf_wav2vec2_custom", wav2vec2)
    _, short, _, long = made_up_voices(upstream.card)
    lone, batch = alone(upstream, short), together(upstream, [short, long])
    assert upstream.module is not None
    with torch.no_grad():
        padded = torch.nn.utils.rnn.pad_sequence([short, long], batch_first=True)
        theirs, _ = upstream.module(padded, torch.tensor([len(short), len(long)]))
    frames = int(lone.frames[0])
    gap = (theirs[-1][0, :frames] - lone.states[-1][0]).abs().max() / lone.states[-1].abs().max()
    assert relative_error(lone, batch, 0) == 0.0
    assert float(gap) > 0.1, "if s3prl becomes exact, batches of one are no longer needed"


def test_frames_are_those_of_the_model_not_s3prls_rounding(wav2vec2: Path) -> None:
    upstream = load("hf_wav2vec2_custom", wav2vec2)
    second = made_up_voices(upstream.card)[-1][:16000]
    assert upstream.module is not None
    _, claimed = upstream.module(second[None], torch.tensor([16000]))
    assert int(alone(upstream, second).frames[0]) == 49
    assert int(claimed[0][0]) == 50


def test_the_card_is_measured(wav2vec2: Path) -> None:
    wrong = card("hf_wav2vec2_custom", dim=768, layers=13, hop_samples=None, min_samples=1)
    upstream = s3prl_hub.load(wrong, s3prl_hub.Config(name="hf_wav2vec2_custom"), wav2vec2)
    found = upstream.card
    assert (found.dim, found.layers, found.hop_samples, found.min_samples) == (32, 3, 320, 400)
    assert upstream.module is not None
    assert found.parameters == sum(weight.numel() for weight in upstream.module.parameters()) > 0
    assert not any(weight.requires_grad for weight in upstream.module.parameters())


def test_a_clip_below_the_shortest_is_refused() -> None:
    with pytest.raises(AudioError, match="559"):
        alone(load("fbank"), torch.randn(559))


@pytest.mark.parametrize("name", ["s3prl_fbank", "s3prl_mfcc"])
def test_cards_of_hand_made_features_tell_the_measured_sizes(name: str) -> None:
    told = card_named(name)
    assert random_upstream(told).card == told


@pytest.mark.parametrize("name", ["s3prl_fbank", "s3prl_mfcc", "s3prl_hub"])
def test_every_promise_of_the_house_is_kept(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMOHARNESS_WEIGHTS", raising=False)
    assert check(card_named(name), "cpu").broken == []


def test_random_small_follows_its_seed() -> None:
    def state(seed: int) -> Tensor:
        small = s3prl_hub.random_small(card("x"), s3prl_hub.Config(name="hf_hubert_custom"), seed)
        return alone(small, made_up_voices(small.card)[1]).states[-1]

    assert torch.equal(state(1), state(1))
    assert not torch.allclose(state(1), state(2))


def test_random_small_says_where_it_has_none() -> None:
    with pytest.raises(PluginError, match=r"upstream\.path"):
        s3prl_hub.random_small(card("x"), s3prl_hub.Config(name="wavlm_local"), 0)


def test_loading_leaves_no_traces(wav2vec2: Path) -> None:
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    environment, isinstance_before = dict(os.environ), isinstance
    load("hf_wav2vec2_custom", wav2vec2)
    after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    assert after == before
    assert dict(os.environ) == environment
    assert isinstance is isinstance_before


# -------------------------------------------------------------------------------------------- names, settings


def test_a_misspelt_name_gets_a_hint() -> None:
    with pytest.raises(UnknownNameError, match="did you mean hf_hubert_custom"):
        load("hf_huber_custom")


def test_what_s3prls_modules_import_is_no_upstream() -> None:
    known = s3prl_hub.names()
    assert {"hf_wav2vec2_custom", "data2vec_custom", "wavlm_local", "fbank", "wavlm_base_plus"} <= set(known)
    assert not {"Path", "FileLock", "load_and_convert_fairseq_ckpt"} & set(known)


@pytest.mark.parametrize("name", ["fbank", "wavlm_base"])
def test_a_path_without_effect_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="no effect"):
        load(name, tmp_path)


def test_a_name_that_needs_a_checkpoint_says_so() -> None:
    with pytest.raises(WeightsError, match=r"upstream\.path"):
        load("wavlm_local")


def test_a_settings_file_goes_where_s3prl_wants_it(tmp_path: Path) -> None:
    settings = tmp_path / "small.yaml"
    settings.write_text(
        "kaldi: {feat_type: fbank, fbank: {num_mel_bins: 23, frame_shift: 20.0}}\n"
        "delta: {order: 0, win_length: 5}\ncmvn: {use_cmvn: False}\n"
    )
    by_path, by_extra = (
        load("baseline_local", settings),
        load("baseline_local", extra={"model_config": str(settings)}),
    )
    assert (by_path.card.dim, by_path.card.hop_samples, by_path.card.min_samples) == (23, 320, 400)
    assert by_extra.card.dim == 23


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
