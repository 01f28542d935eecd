"""An upstream whose numbers come from a graph of one utterance in ONNX Runtime."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contracts import Card, HiddenStates
from harness.engines._computed import Computed
from harness.errors import AudioError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""What ONNX Runtime calls the code for a device."""
PROVIDER_OPTIONS: dict[str, dict[str, str]] = {"cuda": {"use_tf32": "0"}}
"""TF32 would cut products to ten bits of mantissa."""


class OnnxUpstream:
    """Extracts utterance by utterance, without padding; holds the session's weights and no network of torch."""

    module: torch.nn.Module | None = None

    def __init__(self, card: Card, graph: Path, device: str = "cpu", deviation: float | None = None) -> None:
        self.card = card
        self.computed = Computed(engine="onnx", device=device, deviation=deviation)
        self._session = _session(graph, device)

    def measured(self, deviation: float) -> OnnxUpstream:
        """The same, once its deviation from torch is known."""
        self.computed = replace(self.computed, deviation=deviation)
        return self

    def extract(self, waves: Tensor, lengths: Tensor) -> HiddenStates:
        """Hidden states of a batch, row by row, on the device of the waves.

        Args:
            waves: (batch, samples) float32 at the card's rate.
            lengths: (batch,) int64.

        Raises:
            AudioError: an utterance is shorter than `card.min_samples`, or longer than its row.
        """
        import torch

        counts = lengths.tolist()
        self._check(counts, waves.shape[1])
        rows = [self._alone(wave[:count]) for wave, count in zip(waves, counts, strict=True)]
        frames = torch.tensor([row.shape[1] for row in rows], device=lengths.device)
        longest = int(frames.max())
        padded = [torch.nn.functional.pad(r, (0, 0, 0, longest - r.shape[1])) for r in rows]
        batch = torch.stack(padded, dim=1) if len(padded) > 1 else padded[0][:, None]
        return HiddenStates(tuple(batch.to(waves.device)), frames)

    def _alone(self, wave: Tensor) -> Tensor:
        """(samples,) -> (layers, frames, dim)."""
        import torch

        given = {"wave": wave[None].detach().float().cpu().numpy()}
        return torch.from_numpy(self._session.run(["states"], given)[0])

    def _check(self, counts: list[int], samples: int) -> None:
        wrong = [count for count in counts if not self.card.min_samples <= count <= samples]
        if wrong:
            raise AudioError(
                f"{self.card.name} cannot read an utterance of this length",
                got=f"{wrong[0]} samples in a row of {samples}",
                wanted=f"at least {self.card.min_samples} samples, none beyond the end of the row",
                next_step="leave the clip out, or choose an upstream with a smaller min_samples",
            )


def _session(graph: Path, device: str) -> Any:  # noqa: ANN401
    """A session on as many threads as torch has in this process.

    Memory is planned anew for every length instead of being remembered for each, or it would grow with the
    number of different lengths; waiting threads sleep, for decoding and torch work between two utterances.
    """
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    options.add_session_config_entry("session.force_spinning_stop", "1")
    provider = (PROVIDERS[device], PROVIDER_OPTIONS.get(device, {}))
    return onnxruntime.InferenceSession(graph, options, providers=[provider])
