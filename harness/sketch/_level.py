"""How loud an utterance is, how much of it is silence, and a name for its samples."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Wave = NDArray[np.float32]

FLOOR_DBFS = -120.0
"""What digital silence is given instead of minus infinity; 24 dB below half a step of 16 bits."""

FRAME_S = 0.02
BELOW_LOUDEST_DB = 40.0
"""Speech spans about 30 dB from its strongest to its weakest sounds (Fletcher 1953), so 40 dB is below all."""

NO_SOUND_DBFS = -60.0
"""An utterance without a frame this loud is taken for silence as a whole."""


class Level(NamedTuple):
    """Of one utterance."""

    level_dbfs: float
    peak_dbfs: float
    silence_share: float
    duration_s: float
    pcm_sha256: str


def measure_level(wave: Wave, sample_rate_hz: int) -> Level:
    """Measure a mono wave, (samples,) float32 with full scale 1.

    Silence is the share of 20 ms frames that lie more than 40 dB below the loudest one. It is relative to the
    loudest, so that the same recording played louder has the same share, and level and silence are two
    things; an utterance whose loudest frame lies below -60 dBFS is silent as a whole. A noisy room has none.
    """
    import numpy as np

    power = float(np.mean(np.square(wave, dtype=np.float64)))
    return Level(
        level_dbfs=_dbfs(power),
        peak_dbfs=_dbfs(float(np.abs(wave).max()) ** 2),
        silence_share=_silence_share(wave, sample_rate_hz),
        duration_s=len(wave) / sample_rate_hz,
        pcm_sha256=_samples_hash(wave),
    )


def _dbfs(power: float) -> float:
    return max(FLOOR_DBFS, 10 * math.log10(power)) if power > 0 else FLOOR_DBFS


def _silence_share(wave: Wave, sample_rate_hz: int) -> float:
    """The rest after the last whole frame is left out; a wave shorter than a frame is one frame."""
    import numpy as np

    length = min(len(wave), max(1, round(FRAME_S * sample_rate_hz)))
    count = len(wave) // length
    frames = wave[: count * length].reshape(count, length)
    power = np.einsum("ij,ij->i", frames, frames, dtype=np.float64)
    loudest = float(power.max())
    if _dbfs(loudest / length) < NO_SOUND_DBFS:
        return 1.0
    return float(np.mean(power < loudest * 10 ** (-BELOW_LOUDEST_DB / 10)))


def _samples_hash(wave: Wave) -> str:
    """SHA-256 of the samples as 16-bit integers where that loses nothing, as `harness.audio.inspect` has it."""
    import numpy as np

    scaled = wave * np.float32(32768)
    whole = np.rint(scaled)
    fits = bool((scaled == whole).all()) and whole.min() >= -32768 and whole.max() <= 32767
    return hashlib.sha256((whole.astype("<i2") if fits else wave.astype("<f4")).tobytes()).hexdigest()
