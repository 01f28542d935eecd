"""Sound files: what is in them, whether it can be used, and the wave that an upstream reads."""

from harness.audio._errors import EmptyAudioError, MissingAudioError, MissingDecoderError, NotFiniteAudioError
from harness.audio._file import INTEGER_16_BIT, SUFFIXES
from harness.audio._inspect import AudioInfo, inspect
from harness.audio._wave import MIXING, load_wave

__all__ = [
    "INTEGER_16_BIT",
    "MIXING",
    "SUFFIXES",
    "AudioInfo",
    "EmptyAudioError",
    "MissingAudioError",
    "MissingDecoderError",
    "NotFiniteAudioError",
    "inspect",
    "load_wave",
]
