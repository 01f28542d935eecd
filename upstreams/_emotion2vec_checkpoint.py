"""From a checkpoint's tensors to a network: sizes are read from the tensors, names are compared one by one.

Names: fairseq `data2vec_multi` with the modality AUDIO, and FunASR's `proj` on top. Decoder and moving
average belong to training and are passed over.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from harness.contracts import Card
from harness.errors import WeightsError
from upstreams._emotion2vec_files import Checkpoint, find_setting
from upstreams._emotion2vec_net import RELEASED_CONVS, Conv, Emotion2vecNet, Sizes
from upstreams._lengths import receptive_field

AUDIO = "modality_encoders.AUDIO."
CONVS = f"{AUDIO}local_encoder.conv_layers."
POSITIONS = f"{AUDIO}relative_positional_encoder."
PRENET = f"{AUDIO}context_encoder.blocks."
TELLING = (
    f"{AUDIO}alibi_scale",
    f"{CONVS}0.0.weight",
    f"{AUDIO}project_features.2.weight",
    f"{POSITIONS}1.0.weight",
    "blocks.0.mlp.fc1.weight",
)
"""Tensors without which the sizes cannot be told."""
TRAINING_ONLY = ("_ema", f"{AUDIO}decoder.", "shared_decoder.")
_SPEC = re.compile(r"\[\s*\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\)\s*\](?:\s*\*\s*(\d+))?")


def network(checkpoint: Checkpoint, card: Card) -> Emotion2vecNet:
    """The network of a checkpoint, in float32 on the CPU, in evaluation mode, its weights frozen.

    Raises:
        WeightsError: another architecture, or not the checkpoint that the card describes.
    """
    tensors = {
        name: tensor for name, tensor in checkpoint.tensors.items() if not name.startswith(TRAINING_ONLY)
    }
    scale = tensors.get(TELLING[0])
    if scale is not None and scale.ndim == 4:  # before scales per layer were possible
        tensors[TELLING[0]] = scale[None]
    sizes = read_sizes(tensors, checkpoint)
    _agree_with_card(card, sizes, checkpoint)
    with torch.device("meta"):
        net = Emotion2vecNet(sizes)
    _same_names_and_shapes(net.state_dict(), tensors, checkpoint)
    owned = {name: tensor.to(torch.float32, copy=True) for name, tensor in tensors.items()}
    net.load_state_dict(owned, assign=True)
    return net.eval().requires_grad_(False)


def read_sizes(tensors: Mapping[str, Tensor], checkpoint: Checkpoint) -> Sizes:
    """Sizes from the shapes; only what shapes cannot tell (strides, heads, epsilon) from the settings."""
    absent = [name for name in TELLING if name not in tensors]
    if absent:
        raise _other_architecture(checkpoint, missing=absent, unexpected=sorted(tensors))
    _refuse_unsupported(checkpoint)
    shape = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    dim = shape[f"{AUDIO}project_features.2.weight"][0]
    position = shape[f"{POSITIONS}1.0.weight"]
    return Sizes(
        dim=dim,
        heads=_heads(shape[f"{AUDIO}alibi_scale"], dim, checkpoint),
        mlp_dim=shape["blocks.0.mlp.fc1.weight"][0],
        prenet=_count(shape, PRENET),
        depth=_count(shape, "blocks."),
        convs=_convs(shape, checkpoint),
        position_layers=_count(shape, POSITIONS),
        position_kernel=position[-1],
        position_groups=dim // position[1],
        alibi_scales=shape[f"{AUDIO}alibi_scale"][2],
        extra_tokens=shape.get(f"{AUDIO}extra_tokens", (1, 0))[1],
        classes=shape.get("proj.weight", (0,))[0],
        norm_eps=float(find_setting(checkpoint.settings, "norm_eps") or Sizes.norm_eps),
    )


def _count(names: Iterable[str], prefix: str) -> int:
    return len({name.removeprefix(prefix).split(".")[0] for name in names if name.startswith(prefix)})


def _heads(scale: tuple[int, ...], dim: int, checkpoint: Checkpoint) -> int:
    """One learned scale per head tells their number; where one scale serves all, the settings must."""
    stated = find_setting(checkpoint.settings, "num_heads")
    heads = int(stated or scale[2])
    if scale[:2] != (1, 1) or scale[2] not in (1, heads) or dim % heads or (heads == 1 and not stated):
        raise _misfit(
            checkpoint,
            got=f"alibi_scale {scale}, dim {dim}, num_heads {stated}",
            wanted="(1, 1, heads, 1, 1) and a dim that heads divide",
        )
    return heads


def _convs(shape: Mapping[str, tuple[int, ...]], checkpoint: Checkpoint) -> tuple[Conv, ...]:
    weights = [shape.get(f"{CONVS}{layer}.0.weight", ()) for layer in range(_count(shape, CONVS))]
    spec = find_setting(checkpoint.settings, "feature_encoder_spec")
    stated = _parse_spec(str(spec)) if spec else RELEASED_CONVS
    if len(stated) != len(weights) or any(
        len(weight) != 3 or weight[2] != conv.kernel for weight, conv in zip(weights, stated, strict=True)
    ):
        raise _misfit(
            checkpoint,
            got=f"convolutions of shapes {weights}",
            wanted=f"kernels {[conv.kernel for conv in stated]}",
        )
    return tuple(Conv(weight[0], *conv[1:]) for weight, conv in zip(weights, stated, strict=True))


def _parse_spec(spec: str) -> tuple[Conv, ...]:
    """Read fairseq's `[(512, 10, 5)] + [(512, 3, 2)] * 4` without running it.

    >>> len(_parse_spec("[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512,2,2)] + [(512,2,2)]"))
    7
    """
    convs: list[Conv] = []
    for channels, kernel, stride, times in _SPEC.findall(spec):
        convs += [Conv(int(channels), int(kernel), int(stride))] * int(times or 1)
    return tuple(convs)


def _refuse_unsupported(checkpoint: Checkpoint) -> None:
    """Settings that change the arithmetic without changing a name; no released model uses them."""
    for name, wanted in (
        ("layer_norm_first", False),
        ("conv_pos_pre_ln", False),
        ("extractor_mode", "layer_norm"),
    ):
        got = find_setting(checkpoint.settings, name)
        if got is not None and got != wanted:
            raise _misfit(checkpoint, got=f"{name}: {got}", wanted=f"{name}: {wanted}")


def _agree_with_card(card: Card, sizes: Sizes, checkpoint: Checkpoint) -> None:
    told = {
        "dim": (sizes.dim, card.dim),
        "hidden states": (sizes.prenet + sizes.depth + 1, card.layers),
        "hop_samples": (math.prod(sizes.strides), card.hop_samples),
        "min_samples": (receptive_field(sizes.kernels, sizes.strides), card.min_samples),
    }
    differing = {name: pair for name, pair in told.items() if pair[0] != pair[1]}
    if differing:
        raise WeightsError(
            f"the file is not the checkpoint that the card {card.name} describes",
            got=f"{checkpoint.path.absolute()}: {', '.join(f'{n} {p[0]}' for n, p in differing.items())}",
            wanted=", ".join(f"{name} {pair[1]}" for name, pair in differing.items()),
            next_step="choose the card of that checkpoint (upstream=...), or correct upstream.path",
        )


def _same_names_and_shapes(
    wanted: Mapping[str, Tensor], got: Mapping[str, Tensor], checkpoint: Checkpoint
) -> None:
    missing, unexpected = sorted(set(wanted) - set(got)), sorted(set(got) - set(wanted))
    if missing or unexpected:
        raise _other_architecture(checkpoint, missing, unexpected)
    for name, tensor in got.items():
        if tensor.shape != wanted[name].shape:
            raise _misfit(
                checkpoint,
                got=f"{name} of shape {tuple(tensor.shape)}",
                wanted=f"{tuple(wanted[name].shape)}",
            )


def _other_architecture(checkpoint: Checkpoint, missing: list[str], unexpected: list[str]) -> WeightsError:
    got = f"missing {_some(missing)}; unexpected {_some(unexpected)}"
    return _misfit(checkpoint, got=got, wanted="the tensors of emotion2vec or data2vec 2.0 audio")


def _misfit(checkpoint: Checkpoint, *, got: str, wanted: str) -> WeightsError:
    return WeightsError(
        "the checkpoint is of another architecture",
        got=f"{checkpoint.path.absolute()}: {got}",
        wanted=wanted,
        next_step="choose the card that belongs to this file (upstream=...), or correct upstream.path",
    )


def _some(names: list[str]) -> str:
    if not names:
        return "none"
    rest = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + rest
