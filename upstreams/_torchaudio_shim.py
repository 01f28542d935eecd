"""An import hook that lets s3prl and transformers live with today's torchaudio and huggingface_hub.

`install()` puts one finder on `sys.meta_path`. It imports nothing; it acts when somebody else imports one of
the names in `_LOADERS`, and then repairs only what is broken or missing. Four obstacles, all met with s3prl
0.4.18, transformers 5.23, torchaudio 2.11 and huggingface_hub 2.4:

1. The registry's torchaudio is a CUDA build. Beside a CPU build of torch its extension raises `OSError`, and
   `from transformers import Wav2Vec2Model` fails with it, because transformers imports torchaudio wherever it
   is installed. The hook lets torchaudio try; only where that fails is `torchaudio._extension` executed once
   more as in a wheel without the library: a state that torchaudio supports, its Python part works.
2. `set_audio_backend`, `sox_effects`, `info` and their kin left torchaudio with 2.9, on CUDA machines too.
3. `torchaudio.load` and `save` go through torchcodec since 2.9: soundfile reads and writes instead, unless
   torchaudio and torchcodec both load natively.
4. `HfFolder` and `Repository` left huggingface_hub with 1.0. Only s3prl's old runner asks for them.

Where torchaudio loads natively with all its names, nothing is changed.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO

from harness.errors import AudioError, PluginError

if TYPE_CHECKING:
    from torch import Tensor

    Source = str | os.PathLike[str] | BinaryIO

logger = logging.getLogger(__name__)

_LIBRARY_FAULTS = (OSError, RuntimeError, ImportError)
"""What a compiled library of another build raises: a missing symbol or file, or two unequal CUDA versions."""

_BITS = MappingProxyType({"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32})
"""soundfile's subtype -> bits per sample, as `torchaudio.info` gave them; 0 for every other codec."""


def install() -> None:
    """Mend torchaudio and huggingface_hub when they are imported (now, where they already are).

    May be called any number of times. Imports nothing itself.
    """
    if any(isinstance(finder, _MendingFinder) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _MendingFinder())
    for name, mend in _MENDERS.items():
        present = sys.modules.get(name)
        if present is not None:
            mend(present)


# -------------------------------------------------------------------------------------- the import hook


class _MendingFinder(importlib.abc.MetaPathFinder):
    """Finds what the other finders find, and gives the few modules of interest a loader that mends them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _LOADERS:
            return None
        spec = self._spec_of_the_others(fullname, path, target)
        return _LOADERS[fullname](fullname, spec)

    def _spec_of_the_others(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        """Only finders behind this one are asked: those before it were asked already."""
        behind = sys.meta_path[sys.meta_path.index(self) + 1 :] if self in sys.meta_path else []
        found = (finder.find_spec(fullname, path, target) for finder in behind)
        return next((spec for spec in found if spec is not None), None)


class _MendingLoader(importlib.abc.Loader):
    """Runs the module's own loader, then the mender; steps out of sight afterwards."""

    def __init__(self, own: importlib.abc.Loader, mend: Callable[[ModuleType], None] | None = None) -> None:
        self.own, self.mend = own, mend

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Whatever else is asked of a loader (source, resources) is the own loader's to answer."""
        return getattr(self.own, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self.own
        if module.__spec__ is not None:
            module.__spec__.loader = self.own
        self.run(module)

    def run(self, module: ModuleType) -> None:
        self.own.exec_module(module)
        if self.mend is not None:
            self.mend(module)


class _ExtensionLoader(_MendingLoader):
    """Obstacle 1: where the compiled part does not load, run the module as if that part were not shipped."""

    def run(self, module: ModuleType) -> None:
        try:
            self.own.exec_module(module)
        except _LIBRARY_FAULTS as fault:
            logger.debug("torchaudio's compiled part does not load (%s); its Python part is used", fault)
            _run_without_library(self.own, module)


def _run_without_library(loader: importlib.abc.Loader, module: ModuleType) -> None:
    helpers: Any = importlib.import_module(f"{module.__name__}.utils")
    load_library = helpers._load_lib
    helpers._load_lib = lambda _library: False
    try:
        loader.exec_module(module)
    finally:
        helpers._load_lib = load_library


class _SoxLoader(importlib.abc.Loader):
    """Obstacle 2: makes `torchaudio.sox_effects` where torchaudio has none."""

    def exec_module(self, module: ModuleType) -> None:
        module.__doc__ = "The three sox effects that s3prl asks for, without sox."
        _add_missing(module, {"apply_effects_tensor": apply_effects_tensor})


def _mended_spec(fullname: str, spec: ModuleSpec | None) -> ModuleSpec | None:
    if spec is not None and spec.loader is not None:
        spec.loader = _MendingLoader(spec.loader, _MENDERS[fullname])
    return spec


def _extension_spec(_fullname: str, spec: ModuleSpec | None) -> ModuleSpec | None:
    if spec is not None and spec.loader is not None:
        spec.loader = _ExtensionLoader(spec.loader)
    return spec


def _sox_spec(fullname: str, spec: ModuleSpec | None) -> ModuleSpec | None:
    return spec or ModuleSpec(fullname, _SoxLoader(), origin=__name__)


# ------------------------------------------------------------------------------------------ the mending


def _add_missing(module: ModuleType, names: Mapping[str, object]) -> None:
    present = dir(module)
    for name, value in names.items():
        if name not in present:
            setattr(module, name, value)


def _mend_torchaudio(torchaudio: ModuleType) -> None:
    """Obstacles 2 and 3."""
    importlib.import_module("torchaudio.sox_effects")
    removed = {
        "set_audio_backend": set_audio_backend,
        "get_audio_backend": get_audio_backend,
        "list_audio_backends": list_audio_backends,
        "info": info,
        "AudioMetaData": AudioMetaData,
        "load": load,
        "save": save,
    }
    _add_missing(torchaudio, removed)
    if "load_with_torchcodec" in dir(torchaudio) and not _reads_natively(torchaudio):
        vars(torchaudio).update(load=load, save=save)


def _reads_natively(torchaudio: ModuleType) -> bool:
    if not torchaudio._extension._IS_TORCHAUDIO_EXT_AVAILABLE:
        return False
    try:
        importlib.import_module("torchcodec.decoders")
    except _LIBRARY_FAULTS:
        return False
    return True


def _mend_hub(huggingface_hub: ModuleType) -> None:
    """Obstacle 4."""
    _add_missing(huggingface_hub, {"HfFolder": HfFolder, "Repository": Repository})


# ------------------------------------------------------------------------ what left torchaudio with 2.9


@dataclass(frozen=True)
class AudioMetaData:
    """What `torchaudio.info` told about a file (torchaudio 2.8, torchaudio/backend/common.py)."""

    sample_rate: int
    num_frames: int
    num_channels: int
    bits_per_sample: int
    encoding: str


def set_audio_backend(backend: str | None) -> None:
    """Accepted and without effect, as in torchaudio 2.1 to 2.8: there is one backend."""
    logger.debug("torchaudio.set_audio_backend(%r): soundfile is the only backend", backend)


def get_audio_backend() -> str:
    """The one backend."""
    return "soundfile"


def list_audio_backends() -> list[str]:
    """The one backend."""
    return ["soundfile"]


def info(uri: Source, **_unused: object) -> AudioMetaData:
    """Sample rate (Hz), samples per channel, channels, bits and encoding of a sound file.

    Raises:
        AudioError: the file cannot be read.
    """
    import soundfile

    try:
        facts = soundfile.info(_plain(uri))
    except (soundfile.LibsndfileError, OSError) as fault:
        raise _unreadable(uri, fault) from fault
    bits = _BITS.get(facts.subtype, 0)
    return AudioMetaData(facts.samplerate, facts.frames, facts.channels, bits, facts.subtype)


def load(
    uri: Source,
    frame_offset: int = 0,
    num_frames: int = -1,
    _normalize: bool = True,
    channels_first: bool = True,
    **_unused: object,
) -> tuple[Tensor, int]:
    """Read a sound file with soundfile; the signature is torchaudio's.

    Args:
        uri: path or binary file object.
        frame_offset: samples to skip.
        num_frames: samples to read, -1 for all that follow.
        channels_first: (channels, samples), else (samples, channels).

    Other options of torchaudio's are without effect: always float32 in [-1, 1], as in torchaudio >= 2.9.

    Raises:
        AudioError: the file cannot be read.
    """
    import soundfile
    import torch

    try:
        samples, sample_rate_hz = soundfile.read(
            _plain(uri), frames=num_frames, start=frame_offset, dtype="float32", always_2d=True
        )
    except (soundfile.LibsndfileError, OSError) as fault:
        raise _unreadable(uri, fault) from fault
    wave = torch.from_numpy(samples)  # (samples, channels)
    return (wave.T.contiguous() if channels_first else wave), sample_rate_hz


def save(
    uri: Source,
    src: Tensor,
    sample_rate: int,
    channels_first: bool = True,
    format: str | None = None,
    **_unused: object,
) -> None:
    """Write (channels, samples) float32 with soundfile; the signature is torchaudio's."""
    import soundfile

    wave = src.detach().cpu()
    if wave.ndim == 2 and channels_first:
        wave = wave.T
    soundfile.write(_plain(uri), wave.numpy(), sample_rate, format=format)


def _plain(uri: Source) -> str | BinaryIO:
    return os.fspath(uri) if isinstance(uri, str | os.PathLike) else uri


def _unreadable(uri: Source, fault: Exception) -> AudioError:
    return AudioError(
        "this sound file cannot be read", got=f"{uri}: {fault}", wanted="a file that soundfile opens"
    )


# ------------------------------------------------------------------------------------------ sox effects


def apply_effects_tensor(
    tensor: Tensor, sample_rate: int, effects: Sequence[Sequence[str]], channels_first: bool = True
) -> tuple[Tensor, int]:
    """The effects that s3prl asks for (`channels 1`, `rate HZ`, `norm [dBFS]`), applied in order.

    Args:
        tensor: (channels, samples), or (samples, channels) where not `channels_first`.
        sample_rate: Hz.
        effects: name and arguments of each, as sox writes them.
        channels_first: which axis holds the channels.

    Raises:
        PluginError: an effect that is not one of the three.
    """
    wave = tensor if channels_first else tensor.T
    for name, *arguments in effects:
        if name not in _EFFECTS:
            known = f"one of {', '.join(_EFFECTS)}"
            raise PluginError("torchaudio has no sox effects since 2.9", got=name, wanted=known)
        wave, sample_rate = _EFFECTS[name](wave, sample_rate, *arguments)
    return (wave if channels_first else wave.T), sample_rate


def _mix_channels(wave: Tensor, sample_rate_hz: int, channels: str) -> tuple[Tensor, int]:
    if int(channels) != 1 and int(channels) != wave.shape[0]:
        raise PluginError(
            "channels can only be mixed to one", got=f"channels {channels}", wanted="channels 1"
        )
    return (wave.mean(dim=0, keepdim=True) if int(channels) == 1 else wave), sample_rate_hz


def _resample(wave: Tensor, sample_rate_hz: int, *arguments: str) -> tuple[Tensor, int]:
    from torchaudio.functional import resample

    target_hz = round(float(arguments[-1]))
    return resample(wave, sample_rate_hz, target_hz), target_hz


def _normalise_peak(wave: Tensor, sample_rate_hz: int, level_dbfs: str = "0") -> tuple[Tensor, int]:
    peak = wave.abs().max()
    return (wave * (10 ** (float(level_dbfs) / 20) / peak) if peak > 0 else wave), sample_rate_hz


_EFFECTS: Mapping[str, Callable[..., tuple[Tensor, int]]] = MappingProxyType(
    {"channels": _mix_channels, "rate": _resample, "norm": _normalise_peak}
)


# ------------------------------------------------------------------- what left huggingface_hub with 1.0


class HfFolder:
    """The token functions that s3prl's old runner calls, on top of huggingface_hub's present ones."""

    @staticmethod
    def get_token() -> str | None:
        """The token of this machine, if there is one."""
        import huggingface_hub

        token: str | None = huggingface_hub.get_token()
        return token

    @staticmethod
    def save_token(token: str) -> None:
        """Log in with this token."""
        import huggingface_hub

        huggingface_hub.login(token=token)


class Repository:
    """A git clone of a hub repository: the name can be imported, the thing no longer exists."""

    def __init__(self, *_arguments: object, **_options: object) -> None:
        raise PluginError(
            "huggingface_hub has no Repository since 1.0",
            wanted="an upload without a git clone",
            next_step="use huggingface_hub.upload_folder",
        )


_MENDERS: Mapping[str, Callable[[ModuleType], None]] = MappingProxyType(
    {"torchaudio": _mend_torchaudio, "huggingface_hub": _mend_hub}
)

_LOADERS: Mapping[str, Callable[[str, ModuleSpec | None], ModuleSpec | None]] = MappingProxyType(
    {
        "torchaudio": _mended_spec,
        "huggingface_hub": _mended_spec,
        "torchaudio._extension": _extension_spec,
        "torchaudio.sox_effects": _sox_spec,
    }
)
