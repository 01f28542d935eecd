"""Tiny random models, written in the layouts that s3prl reads, and its hub's loader for them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.contracts import Card
from upstreams import _random, _torchaudio_shim, s3prl_hub

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
