"""The settings of a pre-training in fairseq's words, as its loaders and those made from them read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from upstreams._emotion2vec_net import Conv

if TYPE_CHECKING:
    from upstreams.objectives import data2vec
    from upstreams.objectives.emotion2vec import Config

NO_DROP_PATH = {"start_drop_path_rate": 0.0, "end_drop_path_rate": 0.0}
UTTERANCE = {"chunk": "chunk", "token": "single", "global": "global"}


def data2vec_multi(config: Config) -> dict[str, Any]:
    """`cfg.model` of a data2vec 2.0 or emotion2vec checkpoint (fairseq at 3d262bb, the authors' fork at 47cc7d53).

    What no loader of theirs knows (`raw_mean`, the mean over utterances) is left out. FunASR's, which is given
    these words as its `model_conf`, has no defaults, so that what is switched off is said as well.
    """
    network, loss, target, drops = (
        config.network,
        config.loss,
        config.loss.target,
        config.network.dropouts,
    )
    spoken = loss.utterance != "none"
    return {
        "_name": "data2vec_multi",
        "supported_modality": "AUDIO",
        "depth": network.depth,
        "embed_dim": network.dim,
        "num_heads": network.heads,
        "mlp_ratio": network.mlp_dim / network.dim,
        "norm_eps": network.sizes().norm_eps,
        "norm_affine": True,
        "layer_norm_first": False,
        "encoder_dropout": drops.block,
        "post_mlp_drop": drops.block,
        "attention_dropout": drops.attention,
        "activation_dropout": 0.0,
        "dropout_input": 0.0,
        "layerdrop": drops.layer,
        **NO_DROP_PATH,
        "clone_batch": loss.clones,
        "loss_beta": loss.beta,
        "loss_scale": loss.scale,
        "d2v_loss": loss.frame_weight,
        "recon_loss": 0.0,
        "cls_loss": loss.utterance_weight if spoken else 0.0,
        "cls_type": UTTERANCE.get(loss.utterance, "chunk"),
        "average_top_k_layers": target.top_k,
        "end_of_block_targets": target.end_of_block,
        "batch_norm_target_layer": target.batch_norm_layer,
        "instance_norm_target_layer": target.instance_norm_layer,
        "layer_norm_target_layer": target.layer_norm_layer,
        "layer_norm_targets": target.layer_norm,
        "instance_norm_targets": target.instance_norm,
        "ema_decay": config.ema.start,
        "ema_end_decay": config.ema.end,
        "ema_anneal_end_step": config.ema.end_update,
        "ema_encoder_only": False,
        "ema_same_dtype": True,
        "log_norms": False,
        "normalize": config.normalise,
        "modalities": {"audio": _audio(config)},
    }


def _audio(config: Config) -> dict[str, Any]:
    network, sizes = config.network, config.network.sizes()
    drops, decoder = network.dropouts, network.decoder
    return {
        "type": "AUDIO",
        "extractor_mode": "layer_norm",
        "feature_encoder_spec": conv_spec(sizes.convs),
        "conv_pos_depth": sizes.position_layers,
        "conv_pos_width": sizes.position_layers * sizes.position_kernel,
        "conv_pos_groups": sizes.position_groups,
        "conv_pos_pre_ln": False,
        "prenet_depth": network.prenet,
        "prenet_dropout": drops.prenet_input,
        "prenet_layerdrop": drops.layer,
        "num_extra_tokens": network.tokens,
        "init_extra_token_zero": True,
        "use_alibi_encoder": True,
        "alibi_scale": 1.0,
        "alibi_max_pos": None,
        "learned_alibi": False,
        "learned_alibi_scale": True,
        "learned_alibi_scale_per_head": True,
        "learned_alibi_scale_per_layer": False,
        "num_alibi_heads": network.heads,
        "model_depth": network.depth,
        "mask_prob": config.mask.share,
        "mask_prob_adjust": config.mask.adjust,
        "mask_length": config.mask.length,
        "mask_noise_std": config.loss.noise_std,
        "mask_dropout": 0.0,
        "inverse_mask": False,
        "add_masks": False,
        "mask_channel_prob": 0.0,
        "keep_masked_pct": 0.0,
        "encoder_zero_mask": True,
        "ema_local_encoder": False,
        "local_grad_mult": 1.0,
        **NO_DROP_PATH,
        "decoder": {
            "decoder_dim": decoder.dim,
            "decoder_layers": decoder.layers,
            "decoder_kernel": decoder.kernel,
            "decoder_groups": decoder.groups,
            "decoder_residual": True,
            "input_dropout": drops.decoder_input,
            "projection_layers": 1,
            "projection_ratio": 2.0,
            "add_positions_masked": False,
            "add_positions_all": False,
        },
    }


def data2vec_audio(config: data2vec.Config) -> dict[str, Any]:
    """`cfg.model` of a data2vec 1 checkpoint, and `config.json` as transformers reads it.

    Words that both have mean the same in both.
    """
    network, target, drops = config.network, config.loss.target, config.network.dropouts
    sizes = network.sizes()
    return {
        "_name": "data2vec_audio",
        "extractor_mode": "layer_norm",
        "conv_feature_layers": conv_spec(sizes.convs),
        "conv_pos": sizes.position_layers * sizes.position_kernel,
        "conv_pos_groups": sizes.position_groups,
        "pos_conv_depth": sizes.position_layers,
        "encoder_layers": network.layers,
        "encoder_embed_dim": network.dim,
        "encoder_ffn_embed_dim": network.mlp_dim,
        "encoder_attention_heads": network.heads,
        "dropout": drops.block,
        "encoder_layerdrop": drops.layer,
        "dropout_input": 0.0,
        "dropout_features": 0.0,
        "feature_grad_mult": 1.0,
        "mask_prob": config.mask.share,
        "mask_length": config.mask.length,
        "require_same_masks": True,
        "mask_dropout": 0.0,
        "loss_beta": config.loss.beta,
        "loss_scale": config.loss.scale,
        "average_top_k_layers": target.top_k,
        "batch_norm_target_layer": target.batch_norm_layer,
        "instance_norm_target_layer": target.instance_norm_layer,
        "layer_norm_target_layer": target.layer_norm_layer,
        "layer_norm_targets": target.layer_norm,
        "instance_norm_targets": target.instance_norm,
        "ema_decay": config.ema.start,
        "ema_end_decay": config.ema.end,
        "ema_anneal_end_step": config.ema.end_update,
        "ema_transformer_only": True,
        "ema_layers_only": True,
        "normalize": config.normalise,
        **_transformers(config),
    }


def _transformers(config: data2vec.Config) -> dict[str, Any]:
    network, sizes, drops = config.network, config.network.sizes(), config.network.dropouts
    return {
        "model_type": "data2vec-audio",
        "hidden_size": network.dim,
        "num_hidden_layers": network.layers,
        "num_attention_heads": network.heads,
        "intermediate_size": network.mlp_dim,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        "conv_bias": False,
        "conv_dim": [conv.channels for conv in sizes.convs],
        "conv_kernel": [conv.kernel for conv in sizes.convs],
        "conv_stride": [conv.stride for conv in sizes.convs],
        "num_conv_pos_embeddings": sizes.position_layers,
        "conv_pos_kernel_size": sizes.position_kernel,
        "num_conv_pos_embedding_groups": sizes.position_groups,
        "attention_dropout": drops.attention,
        "hidden_dropout": drops.block,
        "activation_dropout": 0.0,
        "feat_proj_dropout": 0.0,
        "layerdrop": drops.layer,
    }


def conv_spec(convs: Sequence[Conv]) -> str:
    """Layers of a waveform encoder as fairseq writes them.

    >>> conv_spec([Conv(512, 10, 5), Conv(512, 3, 2)])
    '[(512, 10, 5)] + [(512, 3, 2)]'
    """
    return " + ".join(f"[({conv.channels}, {conv.kernel}, {conv.stride})]" for conv in convs)
