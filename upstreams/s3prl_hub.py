"""s3prl's hub: any upstream of s3prl by its name there, through one module.

The only file that imports s3prl. `upstream.options.name` is a name of `s3prl.nn.S3PRLUpstream.available_names()`
(`hf_wav2vec2_custom`, `wavlm_local`, `data2vec_custom`, `fbank`, ...), `upstream.path` the local checkpoint where
the name takes one. What differs from `S3PRLUpstream.forward`:

- *One utterance at a time, without padding.* s3prl's features of a short clip change with the padding of its
  batch (by as much as the features themselves) wherever the front end has a group norm, or data2vec's stacked
  positional convolutions. The masking that would mend it differs from model to model; a batch of one is exact
  for all 190 of them, at the price of the speed-up that batches give (little on a CPU).
- *True frames.* `S3PRLUpstream` repeats the last frame until there are ceil(samples / hop) of them; here the
  frames are those that the model gave (49 for one second of wav2vec 2.0, not 50). Where the layers of a model
  differ in length by s3prl's padding, the shortest counts, as in s3prl's own post-processing.
- *Not mended:* `hf_*_custom` passes on what transformers gives, and since 5.x that is the last state of the
  large (`do_stable_layer_norm`) models before their final norm; our own `hf` family gives it after.
- *No traces.* Loading leaves random numbers alone and reads checkpoints as tensors only.

The card of the loaded upstream states what was found: layers, width, hop and shortest clip are measured.

Source: s3prl 0.4.18, s3prl/nn/upstream.py, s3prl/hub.py, s3prl/upstream/interfaces.py.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import pickle
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from harness.contracts import Card, HiddenStates, Upstream
from harness.errors import (
    ConfigError,
    HarnessError,
    PluginError,
    UnknownNameError,
    WeightsError,
    did_you_mean,
)
from upstreams import _guarded_loading as guarded
from upstreams import _lengths, _random, _torchaudio_shim

LOCAL_ENDINGS = ("_local", "_custom", "_url")
"""Names that load what they are told to; all others bring their own address."""

HF_MODEL_TYPES = {"hf_wav2vec2_custom": "wav2vec2", "hf_hubert_custom": "hubert"}
"""Names that read a folder of transformers' -> the architecture that must be in it."""

TRAINING_ONLY = frozenset({"masked_spec_embed"})
"""Weights that inference never reads."""

PROBE_SAMPLES = 16_000
"""One second: the hop is measured between one and two of them, the shortest clip is sought below one."""


@dataclass(kw_only=True)
class Config:
    """Which upstream of s3prl's hub, and what it is given."""

    name: str
    """A name of s3prl's hub."""
    ckpt: str = ""
    """URL, or transformers hub id for `hf_*_custom`; `upstream.path` goes before it. s3prl pins no revision."""
    refresh: bool = False
    """Download again what s3prl has in its cache."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Further arguments of that upstream, s3prl's `extra_conf` (`model_config`, `feature_selection`, ...)."""


class Measured(NamedTuple):
    """What a model turned out to be."""

    layers: int
    dim: int
    hop_samples: int | None
    min_samples: int


class S3prlUpstream:
    """One of s3prl's upstreams behind our contract."""

    def __init__(self, card: Card, module: nn.Module) -> None:
        self.module: nn.Module | None = module.eval().requires_grad_(False)
        self._network = module
        found = _measure(module)
        parameters = sum(weight.numel() for weight in module.parameters())
        self.card = dataclasses.replace(card, parameters=parameters, **found._asdict())

    def extract(self, waves: Tensor, lengths: Tensor) -> HiddenStates:
        """Hidden states of a zero-padded batch, computed one utterance at a time.

        On the network's device; features without weights are computed where the waves are.

        Args:
            waves: (batch, samples) float32 at 16 kHz.
            lengths: (batch,) int64, valid samples of each row.

        Raises:
            AudioError: an utterance shorter than the card's `min_samples`.
        """
        device = next(self._network.parameters(), waves).device
        waves, lengths = _lengths.trimmed(self.card, waves, lengths, device)
        pairs = zip(waves, lengths.tolist(), strict=True)
        rows = [_states_of(self._network, wave[:samples]) for wave, samples in pairs]
        layers = zip(*rows, strict=True)
        states = tuple(pad_sequence(list(layer), batch_first=True) for layer in layers)
        return HiddenStates(states, torch.tensor([len(row[0]) for row in rows], device=device))


def load(card: Card, config: object, weights: Path | None) -> Upstream:
    """Load an upstream of s3prl's hub.

    Raises:
        PluginError: s3prl, or a package that this upstream needs, cannot be imported.
        UnknownNameError: s3prl's hub has no such name.
        ConfigError: a setting that this name does not take.
        WeightsError: no checkpoint, one of another architecture, or one that is more than tensors.
    """
    config = cast(Config, config)
    build = _builder(config.name)
    source = _source(config, weights, build)
    if weights is not None:
        _inspect_local(config.name, weights)
    module = _build(card, config, source)
    if config.name in HF_MODEL_TYPES:
        _refuse_missing_weights(card, cast(Any, module).upstream.model, str(source["ckpt"]))
    return S3prlUpstream(card, module)


def random_small(card: Card, config: object, seed: int) -> Upstream:
    """The same code path on a tiny random model; names without a checkpoint are loaded as they are.

    Raises:
        PluginError: no small model is known for this name of s3prl's hub.
    """
    config = cast(Config, config)
    if not config.ckpt and not _takes_checkpoint(config.name, _builder(config.name)):
        return load(card, config, None)
    if config.name not in HF_MODEL_TYPES:
        raise PluginError(
            f"there is no small random model for {config.name} of s3prl's hub",
            wanted=f"a name without a checkpoint, or one of {', '.join(sorted(HF_MODEL_TYPES))}",
            next_step="give its weights with upstream.path=FILE",
        )
    with tempfile.TemporaryDirectory() as folder:
        _write_tiny_model(HF_MODEL_TYPES[config.name], Path(folder), seed)
        return load(card, config, Path(folder))


# ----------------------------------------------------------------------------------------- s3prl itself


def _hub() -> ModuleType:
    """s3prl's hub, imported when it is first needed, behind the mended torchaudio."""
    _torchaudio_shim.install()
    try:
        from s3prl import hub
    except Exception as fault:
        raise PluginError(
            "s3prl cannot be imported, so its hub of upstreams is out of reach; all others work without it",
            got=f"{type(fault).__name__}: {fault}",
            wanted="s3prl 0.4.18 and what it needs: torchaudio, transformers, requests",
            next_step="pip install s3prl torchaudio",
        ) from fault
    return cast(ModuleType, hub)


def names() -> list[str]:
    """Every upstream of s3prl's hub. Its listing also holds what its modules happen to import: left out."""
    hub = _hub()
    return sorted(name for name in hub.options() if str(getattr(hub, name).__module__).endswith(".hubconf"))


def _builder(name: str) -> Callable[..., nn.Module]:
    known = names()
    if name not in known:
        raise UnknownNameError(
            f"s3prl's hub has no upstream called {name}",
            got=name,
            wanted=did_you_mean(name, known),
            next_step="upstream.options.name=NAME, a name of s3prl's upstream collection",
        )
    return cast(Callable[..., nn.Module], getattr(_hub(), name))


def _build(card: Card, config: Config, source: dict[str, object]) -> nn.Module:
    """S3PRLUpstream, built without side effects; its faults are told as ours."""
    from s3prl.nn import S3PRLUpstream

    options = {**config.extra, **source}
    try:
        with guarded.untouched_randomness(), guarded.only_tensors():
            return cast(
                nn.Module, S3PRLUpstream(config.name, refresh=config.refresh, extra_conf=options).eval()
            )
    except HarnessError:
        raise
    except pickle.UnpicklingError as fault:
        raise guarded.unsafe(str(source.get("ckpt", config.name)), fault) from fault
    except Exception as fault:
        raise _told(card, config, source, fault) from fault


def _told(card: Card, config: Config, source: dict[str, object], fault: Exception) -> HarnessError:
    got = f"{type(fault).__name__}: {str(fault)[:300]}"
    if isinstance(fault, ImportError):
        step = f"install {fault.name or 'the package that the message names'}, or take another upstream"
        return PluginError(f"s3prl's {config.name} needs a package that is missing", got=got, next_step=step)
    if isinstance(fault, TypeError) and "argument" in str(fault):
        step = "upstream.options.extra.ARGUMENT=VALUE"
        return ConfigError(f"s3prl's {config.name} takes other arguments", got=got, next_step=step)
    return WeightsError(
        f"s3prl cannot load {card.name} ({config.name})",
        got=got,
        wanted="the checkpoint that this name of s3prl's hub reads"
        if source
        else f"the checkpoint that s3prl's {config.name} downloads, or has in ~/.cache/s3prl",
        next_step=f"check that {source['ckpt']} is such a checkpoint, whole"
        if "ckpt" in source
        else "download it elsewhere, then take the name's _local or _custom form with upstream.path=FILE",
    )


# --------------------------------------------------------------------------------- checkpoints and settings


def _takes_checkpoint(name: str, build: Callable[..., object]) -> bool:
    takes = {"ckpt", "model_config"} & set(inspect.signature(build).parameters)
    return name.endswith(LOCAL_ENDINGS) or bool(takes)


def _source(config: Config, weights: Path | None, build: Callable[..., object]) -> dict[str, object]:
    """The argument that tells s3prl where the checkpoint (for hand-made features: the settings) is."""
    given = str(weights) if weights is not None else config.ckpt
    if not _takes_checkpoint(config.name, build):
        if given:
            raise _idle_checkpoint(config.name, given)
        return {}
    parameters = inspect.signature(build).parameters
    argument = "model_config" if "model_config" in parameters and "ckpt" not in parameters else "ckpt"
    if given:
        return {argument: given}
    if argument in config.extra or not config.name.endswith(LOCAL_ENDINGS):
        return {}
    raise WeightsError(
        f"s3prl's {config.name} loads what it is told to, and was told nothing",
        wanted="a checkpoint of its architecture",
        next_step="upstream.path=FILE_OR_FOLDER, or upstream.options.ckpt=URL",
    )


def _idle_checkpoint(name: str, given: str) -> ConfigError:
    siblings = [other for other in names() if other.endswith(LOCAL_ENDINGS)]
    return ConfigError(
        f"s3prl's {name} brings its own address or has no weights: a path would have no effect",
        got=given,
        wanted=f"a name that takes a path ({did_you_mean(f'{name}_local', siblings)})",
        next_step="upstream.options.name=NAME_local or NAME_custom, or leave the path out",
    )


def _inspect_local(name: str, weights: Path) -> None:
    if name in HF_MODEL_TYPES:
        _inspect_hf_folder(name, weights)
    elif weights.is_file() and weights.suffix not in {".yaml", ".yml"}:
        guarded.inspect(weights)
    elif weights.is_dir():
        raise WeightsError(
            f"s3prl's {name} reads one checkpoint file",
            got=f"the folder {weights.name}",
            wanted="upstream.path=FILE",
            next_step="a folder of transformers' is read by hf_wav2vec2_custom and hf_hubert_custom",
        )


def _inspect_hf_folder(name: str, folder: Path) -> None:
    """s3prl would take another model's normalisation from the hub, or fill what is missing with noise."""
    for file in ("config.json", "preprocessor_config.json"):
        if not (folder / file).is_file():
            raise WeightsError(
                f"{folder.name} is not a whole folder of transformers': there is no {file}",
                wanted="config.json, preprocessor_config.json and model.safetensors",
                next_step="save model and feature extractor with save_pretrained",
            )
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if settings.get("model_type") != HF_MODEL_TYPES[name]:
        raise WeightsError(
            f"{folder.name} holds another architecture than {name} reads",
            got=str(settings.get("model_type")),
            wanted=HF_MODEL_TYPES[name],
            next_step="correct upstream.options.name or upstream.path",
        )


def _refuse_missing_weights(card: Card, model: Any, source: str) -> None:  # noqa: ANN401
    """What a checkpoint lacks, transformers fills with random numbers, and s3prl does not look."""
    with guarded.untouched_randomness(), guarded.only_tensors():
        _, report = type(model).from_pretrained(source, output_loading_info=True)
    missing = sorted(set(report["missing_keys"]) - TRAINING_ONLY)
    if missing:
        raise WeightsError(
            f"the checkpoint of {card.name} lacks {len(missing)} weights of its architecture",
            got=f"missing: {', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}",
            wanted="every weight of the model",
            next_step="get the checkpoint again, or correct upstream.options.name",
        )


# ---------------------------------------------------------------------------------- running and measuring


def _states_of(module: nn.Module, wave: Tensor) -> list[Tensor]:
    """Every layer of one (samples,) wave, each (frames, dim) float32, cut to the shortest layer."""
    with torch.no_grad():
        layers = cast(Any, module).upstream([wave])["hidden_states"]
    frames = min(layer.shape[1] for layer in layers)
    return [layer[0, :frames].float() for layer in layers]


def _measure(module: nn.Module) -> Measured:
    """Layers, width, hop and shortest clip, from a few short passes over noise.

    Raises:
        PluginError: layers of different widths, which no view of ours can hold.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        noise = 0.1 * torch.randn(2 * PROBE_SAMPLES, generator=torch.Generator().manual_seed(0))
        one, two = (_states_of(module, noise[: k * PROBE_SAMPLES]) for k in (1, 2))
        widths = {layer.shape[1] for layer in one}
        if len(widths) > 1:
            raise PluginError(
                "this upstream of s3prl's has layers of different widths",
                got=f"widths {sorted(widths)}",
                wanted="one width for all layers",
                next_step="choose an upstream with equal layers",
            )
        hop = _hop(cast(Any, module).downsample_rates[0], len(two[0]) - len(one[0]))
        return Measured(len(one), widths.pop(), hop, _shortest(module, noise))


def _hop(declared: int, gained_frames: int) -> int | None:
    """s3prl's figure where the model keeps it to a frame; else what was measured over one second."""
    if gained_frames == 0:
        return None
    if abs(PROBE_SAMPLES / declared - gained_frames) <= 1:
        return int(declared)
    return round(PROBE_SAMPLES / gained_frames)


def _shortest(module: nn.Module, noise: Tensor) -> int:
    """Fewest samples that give a finite frame, by bisection (a longer clip never gives less)."""
    fails, works = 0, PROBE_SAMPLES
    while works - fails > 1:
        middle = (fails + works) // 2
        fails, works = (fails, middle) if _gives_frames(module, noise[:middle]) else (middle, works)
    return works


def _gives_frames(module: nn.Module, wave: Tensor) -> bool:
    try:
        states = _states_of(module, wave)
    except Exception:
        return False
    return len(states[0]) > 0 and all(bool(state.isfinite().all()) for state in states)


# ------------------------------------------------------------------------------------ a model for the tests


def _write_tiny_model(kind: str, folder: Path, seed: int) -> None:
    """A random wav2vec 2.0 or HuBERT of 2 blocks with the group norm front end of the base models."""
    import transformers

    build_config = {"wav2vec2": transformers.Wav2Vec2Config, "hubert": transformers.HubertConfig}[kind]
    build_model = {"wav2vec2": transformers.Wav2Vec2Model, "hubert": transformers.HubertModel}[kind]
    settings = build_config(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
    )
    _random.seeded(lambda: build_model(settings), seed).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(folder)
