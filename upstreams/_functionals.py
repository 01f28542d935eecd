"""openSMILE's functionals as an upstream: one vector per utterance, through the `opensmile` package.

Each utterance is processed alone on its own samples, so a batch cannot change a bit. Three things are guarded:

- openSMILE reads 16-bit samples, and the package turns +1.0 into -32768 (and anything louder into noise) by
  letting the integer wrap around. Here louder samples are clipped to the largest 16-bit value instead.
- Below 960 samples (60 ms, the window of the pitch tracker) it gives NaN in all dimensions: refused.
- Silence gives finite values; should any value not be finite, the clip is refused and the functional named.

Source: Eyben et al. 2010, openSMILE; opensmile 2.6.0, opensmile/core/smile.py.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from harness.contracts import Card, HiddenStates
from harness.errors import AudioError, ConfigError, PluginError
from upstreams import _lengths

Vector = npt.NDArray[np.float32]

_LARGEST = np.float32(32767 / 32768)
_ERRORS_ONLY = 1


class Functionals:
    """One hidden state of one frame.

    Args:
        card: what is known about the feature set.
        feature_set: its name in `opensmile.FeatureSet`.

    Raises:
        PluginError: openSMILE cannot be loaded on this machine.
        ConfigError: the card states another number of features than the set has.
    """

    def __init__(self, card: Card, feature_set: str) -> None:
        self.card = card
        self.module: torch.nn.Module | None = None
        self._smile = _smile(feature_set)
        if self._smile.num_features != card.dim:
            raise ConfigError(
                f"the card of {card.name} does not fit openSMILE's {feature_set}",
                got=f"dim {card.dim}",
                wanted=f"dim {self._smile.num_features}",
                next_step="leave upstream.dim out",
            )

    def extract(self, waves: Tensor, lengths: Tensor) -> HiddenStates:
        """(batch, 1, dim) float32 functionals, as many utterances at once as torch may use threads.

        Args:
            waves: (batch, samples) float32 at 16 kHz.
            lengths: (batch,) int64.

        Raises:
            AudioError: an utterance is shorter than 60 ms, or gives no finite value for some functional.
        """
        trimmed, counts = _lengths.trimmed(self.card, waves, lengths, torch.device("cpu"))
        rows = [wave[:samples].numpy() for wave, samples in zip(trimmed, counts.tolist(), strict=True)]
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            vectors = np.stack(list(threads.map(self._describe, rows)))
        frames = torch.ones(len(rows), dtype=torch.int64, device=waves.device)
        return HiddenStates((torch.from_numpy(vectors)[:, None].to(waves.device),), frames)

    def _describe(self, wave: Vector) -> Vector:
        """(samples,) -> (dim,)."""
        self._require_finite(wave, "samples")
        louder_clipped = np.clip(wave, np.float32(-1.0), _LARGEST)
        vector: Vector = self._smile(louder_clipped, self.card.sample_rate_hz).reshape(-1)
        self._require_finite(vector, "functionals")
        return vector

    def _require_finite(self, values: Vector, what: str) -> None:
        strange = np.flatnonzero(~np.isfinite(values))
        if len(strange):
            where = self._smile.feature_names[strange[0]] if what == "functionals" else strange[0]
            raise AudioError(
                f"{self.card.name} met {what} that are not finite",
                got=f"{len(strange)} of {len(values)} {what}, the first at {where}",
                wanted=f"{what} without NaN or Inf",
                next_step="listen to the clip, and leave it out or cut it anew",
            )


def _smile(feature_set: str) -> Any:  # noqa: ANN401
    try:
        import opensmile
    except (ImportError, OSError) as fault:
        raise PluginError(
            "openSMILE cannot be loaded on this machine",
            got=f"{type(fault).__name__}: {fault}",
            wanted="the opensmile package with a library for this system",
            next_step="pip install opensmile, or choose fbank or mfcc",
        ) from fault
    return opensmile.Smile(
        feature_set=opensmile.FeatureSet[feature_set],
        feature_level=opensmile.FeatureLevel.Functionals,
        loglevel=_ERRORS_ONLY,
    )
