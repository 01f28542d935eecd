"""Names of data2vec 1's tensors: fairseq's and transformers', and the way from one to the other.

Source: transformers 5.23, `models/data2vec/convert_data2vec_audio_original_pytorch_checkpoint_to_pytorch.py`;
fairseq at 3d262bb, `examples/data2vec/models/data2vec_audio.py`.
"""

from __future__ import annotations

import re

_PAIRS = (
    ("mask_emb", "masked_spec_embed"),
    ("feature_extractor.conv_layers.#.0.", "feature_extractor.conv_layers.#.conv."),
    ("feature_extractor.conv_layers.#.2.1.", "feature_extractor.conv_layers.#.layer_norm."),
    ("layer_norm.", "feature_projection.layer_norm."),
    ("post_extract_proj.", "feature_projection.projection."),
    ("encoder.pos_conv.#.0.", "encoder.pos_conv_embed.layers.#.conv."),
    ("encoder.layers.#.self_attn.", "encoder.layers.#.attention."),
    ("encoder.layers.#.self_attn_layer_norm.", "encoder.layers.#.layer_norm."),
    ("encoder.layers.#.fc1.", "encoder.layers.#.feed_forward.intermediate_dense."),
    ("encoder.layers.#.fc2.", "encoder.layers.#.feed_forward.output_dense."),
)
"""Beginnings of names in fairseq and in transformers; `#` is a number, all other names agree."""


def to_transformers(name: str) -> str:
    """A name of either -> transformers'.

    >>> to_transformers("encoder.layers.3.fc1.bias")
    'encoder.layers.3.feed_forward.intermediate_dense.bias'
    """
    return _renamed(name, _PAIRS)


def to_fairseq(name: str) -> str:
    """A name of either -> fairseq's; the published file calls its last layer `final_proj.0`.

    >>> to_fairseq("feature_projection.layer_norm.weight")
    'layer_norm.weight'
    """
    return _renamed(name, [(theirs, own) for own, theirs in _PAIRS]).replace("final_proj.0.", "final_proj.")


def _renamed(name: str, pairs: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> str:
    for old, new in pairs:
        beginning = re.escape(old).replace(r"\#", r"(\d+)").replace("#", r"(\d+)")
        found = re.match(beginning, name)
        if found:
            return new.replace("#", next(iter(found.groups()), "")) + name[found.end() :]
    return name
