"""Whisper's encoder: log-mel and states equal transformers', no batch changes them, long clips go by windows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.contracts import Card, HiddenStates
from harness.errors import AudioError, WeightsError
from upstreams import _torchaudio_shim, whisper
from upstreams._log_mel import WINDOW_SAMPLES, LogMel

_torchaudio_shim.install()
import transformers  # noqa: E402 - torchaudio has to be mended first
from transformers.models.whisper.modeling_whisper import WhisperEncoder  # noqa: E402

MEL_TOLERANCE = 1e-5
"""Absolute, on values of about 1: the same float32 sums, at most in another order."""
STATE_TOLERANCE = 1e-5
"""Relative, fused against eager attention over a few blocks in float32."""
BATCH_TOLERANCE = 2e-5
"""The promise is 1e-4; the real tiny.en on its own length shows 8e-6, where one frame dominates the norm."""


def card(**changes: Any) -> Card:
    facts = {
        "name": "tiny",
        "family": "whisper",
        "about": "",
        "licence": "",
        "source": "",
        "hop_samples": 320,
    }
    return Card(**{**facts, "dim": 384, "layers": 6, "min_samples": 1, **changes})


def clip(samples: int, seed: int = 0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    time_s = torch.arange(samples) / 16_000
    return 0.2 * torch.sin(900 * time_s * (1 + 0.1 * time_s)) + 0.02 * torch.randn(samples, generator=draw)


def lone(upstream: whisper.Whisper, wave: torch.Tensor) -> HiddenStates:
    return upstream.extract(wave[None], torch.tensor([len(wave)]))


def relative_error(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max())


def log_mel(wave: torch.Tensor, bins: int = 80) -> torch.Tensor:
    prepare = transformers.WhisperFeatureExtractor(feature_size=bins)
    return prepare(wave.numpy(), sampling_rate=16_000, return_tensors="pt").input_features


@pytest.fixture(scope="module")
def real(shared: Path) -> Path:
    return shared / "weights" / "whisper-tiny.en"


@pytest.fixture(scope="module", params=["padded_30s", "own_length"])
def window(request: pytest.FixtureRequest) -> Any:
    return request.param


def small(window: Any = "padded_30s", **options: Any) -> whisper.Whisper:
    return whisper.random_small(card(), whisper.Config(window=window, **options), seed=1)


# -------------------------------------------------------------------------------------------- front end


@pytest.mark.parametrize("bins", [80, 128])
@pytest.mark.parametrize("samples", [1, 200, 16_000, 50_001, 479_500, 479_601, 479_999, WINDOW_SAMPLES])
def test_log_mel_equals_the_feature_extractors(samples: int, bins: int) -> None:
    wave = clip(samples)
    ours = LogMel(whisper._filters(bins))(wave[None], 3_000)
    assert ours.shape == (1, bins, 3_000)
    assert float((ours - log_mel(wave, bins)).abs().max()) < MEL_TOLERANCE


def test_log_mel_of_silence_and_of_a_batch() -> None:
    front_end = LogMel(whisper._filters(80))
    silence = torch.zeros(1, 5_000)
    assert float((front_end(silence, 3_000) - log_mel(silence[0])).abs().max()) < MEL_TOLERANCE
    waves = [clip(n, n) * (0.01 if n == 7_000 else 1.0) for n in (7_000, 90_000, 479_700)]
    together = front_end(torch.nn.utils.rnn.pad_sequence(waves, batch_first=True), 3_000)
    for row, wave in zip(together, waves, strict=True):  # the loudest value is the utterance's own
        assert float((row - log_mel(wave)[0]).abs().max()) < MEL_TOLERANCE


# --------------------------------------------------------------------------------------------- states


def plain(encoder: Any, wave: torch.Tensor) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
    with torch.no_grad():
        out = encoder(log_mel(wave), output_hidden_states=True)
    return out.hidden_states, out.last_hidden_state


def assert_states_equal(ours: HiddenStates, encoder: Any, wave: torch.Tensor) -> None:
    """States 0 to L-1 and the final norm are transformers'; its norm of our state L is the final norm too."""
    hidden, final = plain(encoder, wave)
    frames = -(-len(wave) // 320)
    assert ours.frames.tolist() == [frames]
    assert len(ours.states) == len(hidden) + 1
    pairs = [*zip(ours.states[:-2], hidden[:-1], strict=True), (ours.states[-1], final)]
    errors = [relative_error(one, other[:, :frames]) for one, other in pairs]
    assert max(errors) < STATE_TOLERANCE, errors
    normed = encoder.layer_norm(ours.states[-2]).detach()
    assert relative_error(normed, final[:, :frames]) < STATE_TOLERANCE


def test_the_real_encoder_equals_plain_transformers(real: Path) -> None:
    ours = whisper.load(card(), whisper.Config(), real)
    theirs = WhisperEncoder.from_pretrained(real, attn_implementation="eager").eval()
    assert sum(p.numel() for p in ours.module.parameters()) == 8_208_384
    for samples in (1, 12_345):
        assert_states_equal(lone(ours, clip(samples)), theirs, clip(samples))


@pytest.mark.parametrize("whole", ["WhisperModel", "WhisperForConditionalGeneration"])
def test_the_encoder_of_a_whole_model(whole: str, tmp_path: Path) -> None:
    described = transformers.WhisperConfig(
        d_model=32, encoder_layers=2, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=4,
        encoder_ffn_dim=64, decoder_ffn_dim=64, vocab_size=60, num_mel_bins=128,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=3,
    )  # fmt: skip
    model = getattr(transformers, whole)(described).eval()
    model.save_pretrained(tmp_path)
    ours = whisper.load(card(dim=32, layers=4), whisper.Config(mel_bins=128), tmp_path)
    mel = log_mel(clip(9_000), 128)
    encoder = model.get_encoder()
    with torch.no_grad():
        expected = encoder(mel).last_hidden_state[:, :29]
    assert relative_error(lone(ours, clip(9_000)).states[-1], expected) < STATE_TOLERANCE


def test_own_length_is_the_encoder_on_a_shorter_window(real: Path) -> None:
    """The plain encoder told that its window is as long as the clip, positions cut to match."""
    wave, frames = clip(20_000), 63
    ours = lone(whisper.load(card(), whisper.Config(window="own_length"), real), wave)
    whole = WhisperEncoder.from_pretrained(real, attn_implementation="eager")
    described = transformers.WhisperConfig.from_pretrained(real, max_source_positions=frames)
    short = WhisperEncoder(described).eval()
    state = whole.state_dict()
    state["embed_positions.weight"] = state["embed_positions.weight"][:frames]
    short.load_state_dict(state)
    with torch.no_grad():
        expected = short(log_mel(wave)[..., : 2 * frames]).last_hidden_state
    assert relative_error(ours.states[-1], expected) < STATE_TOLERANCE
    padded = lone(whisper.load(card(), whisper.Config(), real), wave)
    assert relative_error(padded.states[-1], expected) > 1e-2  # another upstream


# -------------------------------------------------------------------------------------------- batches


def worst_error(upstream: whisper.Whisper, waves: list[torch.Tensor]) -> float:
    padded = torch.nn.utils.rnn.pad_sequence(waves, batch_first=True, padding_value=float("nan"))
    together = upstream.extract(padded, torch.tensor([len(wave) for wave in waves]))
    worst = 0.0
    for row, wave in enumerate(waves):
        alone = lone(upstream, wave)
        count = int(alone.frames[0])
        assert int(together.frames[row]) == count == -(-len(wave) // 320)
        for one, other in zip(together.states, alone.states, strict=True):
            worst = max(worst, relative_error(one[row, :count], other[0]))
    return worst


@pytest.mark.parametrize("normalise", [False, True])
def test_a_batch_never_changes_an_answer(window: Any, normalise: bool) -> None:
    waves = [clip(n, n) for n in (1, 321, 6_400, 30_001)] + [clip(9_000) * 0.01]
    assert worst_error(small(window, normalise=normalise), waves) < BATCH_TOLERANCE


def test_nor_one_that_needs_several_windows(window: Any) -> None:
    waves = [clip(n, n) for n in (5_000, WINDOW_SAMPLES, WINDOW_SAMPLES + 1, 2 * WINDOW_SAMPLES + 700)]
    assert worst_error(small(window), waves) < BATCH_TOLERANCE


def test_nor_of_the_real_encoder(real: Path, window: Any) -> None:
    upstream = whisper.load(card(), whisper.Config(window=window), real)
    assert worst_error(upstream, [clip(n, n) for n in (1, 48_000)]) < BATCH_TOLERANCE


def test_long_clips_are_consecutive_windows(window: Any) -> None:
    upstream, wave = small(window), clip(WINDOW_SAMPLES + 5_000)
    whole = lone(upstream, wave)
    parts = [lone(upstream, wave[:WINDOW_SAMPLES]), lone(upstream, wave[WINDOW_SAMPLES:])]
    assert int(whole.frames[0]) == 1_500 + 16
    for layer, state in enumerate(whole.states):
        expected = torch.cat([part.states[layer] for part in parts], 1)
        assert relative_error(state, expected) < BATCH_TOLERANCE


def test_normalise_forgets_the_gain(window: Any) -> None:
    upstream, wave = small(window, normalise=True), clip(8_000)
    quiet, loud = lone(upstream, wave * 0.1), lone(upstream, wave)
    assert (
        relative_error(quiet.states[-1], loud.states[-1]) < 1e-3
    )  # the eps of 1e-7 beside a variance of 2e-4


# ----------------------------------------------------------------------------------------------- faults


def test_an_utterance_without_samples_is_refused() -> None:
    with pytest.raises(AudioError, match="0 samples"):
        small().extract(torch.zeros(2, 10), torch.tensor([10, 0]))


@pytest.mark.parametrize(
    ("wrong", "options", "named"),
    [
        (card(dim=512, layers=8), {}, "dim 384, layers 6"),
        (card(), {"mel_bins": 128}, "mel_bins 80"),
    ],
)
def test_another_size_is_refused(real: Path, wrong: Card, options: dict[str, Any], named: str) -> None:
    with pytest.raises(WeightsError) as caught:
        whisper.load(wrong, whisper.Config(**options), real)
    assert caught.value.got == named


def test_a_truncated_copy_is_refused(real: Path, tmp_path: Path) -> None:
    shutil.copyfile(real / "config.json", tmp_path / "config.json")
    content = (real / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightsError, match="truncated or damaged"):
        whisper.load(card(), whisper.Config(), tmp_path)
