"""What can be wrong with a sound file, each by a type of its own, so that a corpus check can name it."""

from __future__ import annotations

from harness.errors import AudioError, HarnessError


class MissingAudioError(AudioError):
    """There is no such file."""


class EmptyAudioError(AudioError):
    """The file, or the part of it that is asked for, holds no sample."""


class NotFiniteAudioError(AudioError):
    """The samples hold NaN or infinity."""


class MissingDecoderError(HarnessError):
    """The program that decodes this kind of file is not installed: no fault of any single file."""
