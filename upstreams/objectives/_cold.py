"""Weights of a cold start."""

from __future__ import annotations

import torch
from torch import nn

from upstreams._emotion2vec_net import Emotion2vecNet


def draw_student(student: Emotion2vecNet, seed: int) -> None:
    """Draw every weight of a student with its decoder; the same seed gives the same ones.

    Source: fairseq at 3d262bb, `data2vec2.py` (`init_bert_params` on the Transformer) and `modalities/audio.py`:
    linear layers of blocks N(0, 0.02) without bias, waveform convolutions Kaiming-normal, everything else
    PyTorch's default, the first token zero and the others N(0, 1).
    """
    torch.manual_seed(seed)
    default(student)
    transformer([*student.audio.context_encoder.blocks, *student.blocks])
    waveform(student.audio.local_encoder)
    if student.sizes.extra_tokens:
        nn.init.normal_(student.audio.extra_tokens)
        student.audio.extra_tokens.data[:, 0] = 0.0


def default(network: nn.Module) -> None:
    """PyTorch's own weights for every linear layer, convolution and norm."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv1d | nn.LayerNorm):
            module.reset_parameters()


def transformer(blocks: list[nn.Module]) -> None:
    """Linear layers as in BERT."""
    for linear in (part for block in blocks for part in block.modules() if isinstance(part, nn.Linear)):
        nn.init.normal_(linear.weight, 0.0, 0.02)
        nn.init.zeros_(linear.bias)


def waveform(encoder: nn.Module) -> None:
    """Convolutions over the waveform."""
    for conv in (part for part in encoder.modules() if isinstance(part, nn.Conv1d)):
        nn.init.kaiming_normal_(conv.weight)
