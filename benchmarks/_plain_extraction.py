"""Extraction as it is written first: transformers' own model, a mask, padded batches; time means are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


def library() -> Any:  # noqa: ANN401  transformers is not typed
    """Transformers, whatever state torchaudio is in on this machine."""
    from upstreams import _torchaudio_shim

    _torchaudio_shim.install()
    import transformers

    return transformers


def save_random_base(folder: Path) -> None:
    """A wav2vec 2.0 base with random weights: transformers' defaults."""
    transformers = library()
    torch.manual_seed(0)
    transformers.Wav2Vec2Model(transformers.Wav2Vec2Config()).save_pretrained(folder)


class PlainModel:
    """The saved model; `run` may be replaced by a compiled one."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        model = library().Wav2Vec2Model.from_pretrained(folder, attn_implementation="sdpa")
        self.model: Any = model.to(device).eval().requires_grad_(False)
        self.run: Any = self.model
        self.device = device

    @torch.inference_mode()
    def states(self, waves: Sequence[Tensor]) -> list[Tensor]:
        """(layers, frames, dim) of every wave, computed as one padded batch."""
        lengths = torch.tensor([len(wave) for wave in waves])
        padded = torch.nn.utils.rnn.pad_sequence(list(waves), batch_first=True).to(self.device)
        mask = (torch.arange(padded.shape[1]) < lengths[:, None]).long().to(self.device)
        alone = {} if len(waves) == 1 else {"attention_mask": mask}
        hidden = torch.stack(self.run(padded, output_hidden_states=True, **alone).hidden_states)
        counts = self.model._get_feat_extract_output_lengths(lengths).tolist()
        return [hidden[:, row, :count] for row, count in enumerate(counts)]

    def moments(self, waves: Sequence[Tensor]) -> Iterator[Tensor]:
        """(2, layers, dim) mean and deviation over time of every wave of a batch."""
        for states in self.states(waves):
            yield torch.stack([states.float().mean(1), states.float().std(1, correction=0)]).cpu()


def batched(waves: Sequence[Tensor], size: int, *, by_length: bool) -> list[list[Tensor]]:
    """Neighbours in file order, or in length."""
    order = sorted(waves, key=len) if by_length else list(waves)
    return [order[first : first + size] for first in range(0, len(order), size)]


def relative_difference(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> float:
    """The largest of all clips and layers: norm of the difference over the norm of what is wanted."""
    return max(
        float(((a - b).norm(dim=(1, 2)) / b.norm(dim=(1, 2))).max())
        for a, b in zip((one.float().cpu() for one in found), wanted, strict=True)
    )
