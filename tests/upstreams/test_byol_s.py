"""BYOL-S: the published encoder, its front end and scale, exact in any batch; known answers on EmoDB."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from harness import config as settings_of
from harness.contracts import CalibratedUpstream
from harness.errors import AudioError, ConfigError, WeightsError
from upstreams import _torchaudio_shim, byol_s
from upstreams._audio_ntt import AudioNTT2020
from upstreams._htk_log_mel import HtkLogMel, frame_counts

CARD = settings_of.card_named("byol_s")
SERAB_TRAINING_SPEAKERS = ("08", "09", "11", "13", "15", "16")
"""RandomState(0).shuffle of EmoDB's ten speakers, the first six: SERAB's emoDB.py."""


def voice(samples: int, seed: int = 0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return 0.2 * torch.sin(torch.arange(samples) * (0.05 + 0.01 * seed)) + 0.02 * torch.randn(
        samples, generator=draw
    )


def small(seed: int = 0) -> byol_s.ByolS:
    return byol_s.random_small(CARD, byol_s.Config(), seed)


def vector(upstream: byol_s.ByolS, wave: torch.Tensor) -> torch.Tensor:
    return upstream.extract(wave[None], torch.tensor([len(wave)])).states[0][0, 0]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A file in the layout of SERAB's, 512 wide, with random weights."""
    torch.manual_seed(0)
    path = tmp_path / "some.pth"
    torch.save(AudioNTT2020(64, 512).state_dict(), path)
    return path


@settings(max_examples=25)
@given(st.lists(st.integers(1120, 9000), min_size=2, max_size=5), st.integers(0, 3))
def test_a_batch_changes_nothing(lengths: list[int], seed: int) -> None:
    """Largest seen 1e-6: the order of sums in the convolutions. What lies in the padding cannot matter."""
    upstream = small(seed)
    waves = [voice(samples, row) for row, samples in enumerate(lengths)]
    padded = pad_sequence(waves, batch_first=True)
    for row, samples in enumerate(lengths):
        padded[row, samples:] = 5.0
    batch = upstream.extract(padded, torch.tensor(lengths))
    assert batch.frames.tolist() == [1] * len(lengths)
    for row, wave in enumerate(waves):
        lone = vector(upstream, wave)
        assert (batch.states[0][row, 0] - lone).abs().max() < 1e-5 * lone.abs().max()


@pytest.mark.parametrize("samples", [1120, 1279, 1280, 5003, 16_000])
def test_front_end_equals_torchaudio(samples: int) -> None:
    """SERAB's own calls: MelSpectrogram with HTK bands, of samples divided by 32767. 1e-4 of single precision."""
    _torchaudio_shim.install()
    from torchaudio.transforms import MelSpectrogram

    theirs = MelSpectrogram(
        sample_rate=16_000, n_fft=1024, win_length=400, hop_length=160, n_mels=64, f_min=60, f_max=7800
    )(voice(samples) * (32768 / 32767))
    ours = HtkLogMel()(voice(samples)[None], torch.tensor([samples]))[0]
    assert ours.shape[1] == int(frame_counts(torch.tensor([samples])))
    torch.testing.assert_close(ours, (theirs + torch.finfo(torch.float32).eps).log(), rtol=1e-4, atol=1e-4)


def test_encoder_equals_its_plain_form() -> None:
    """The published network on one clip: layers in a row, mean plus maximum over time."""
    upstream = small()
    network = upstream._network
    wave = voice(9000)
    plain = (upstream._log_mel(wave[None], torch.tensor([9000])) + 2.6927330493927) / 4.103071212768555
    hidden = network.features(plain[:, None])
    frames = network.fc(hidden.permute(0, 3, 2, 1).reshape(1, hidden.shape[3], -1))[0]
    torch.testing.assert_close(vector(upstream, wave), frames.mean(0) + frames.amax(0), rtol=1e-5, atol=1e-6)


def test_every_part_of_a_small_network_is_felt() -> None:
    """Were a batch norm the identity, a fault in it would go unseen."""
    upstream = small()
    before = vector(upstream, voice(4000))
    for layer in upstream._network.features:
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None
            layer.running_mean.zero_()
    assert not torch.allclose(before, vector(upstream, voice(4000)), rtol=1e-2)


def test_calibration_is_the_average_of_clips() -> None:
    upstream, waves = small(), [voice(3000), 0.1 * voice(9000, 1)]
    levels = [upstream._log_mel(wave[None], torch.tensor([len(wave)])).numpy() for wave in waves]
    numbers = upstream.calibrate(iter(waves))
    assert isinstance(upstream, CalibratedUpstream)
    assert numbers["log_mel_mean"] == pytest.approx(np.mean([np.mean(level) for level in levels]), rel=1e-6)
    assert numbers["log_mel_std"] == pytest.approx(np.mean([np.std(x, ddof=1) for x in levels]), rel=1e-6)


def test_calibration_shapes_the_features() -> None:
    upstream = small()
    before = vector(upstream, voice(4000))
    upstream.calibrate([voice(9000, 2)])
    assert not torch.allclose(before, vector(upstream, voice(4000)), rtol=1e-2)


def test_a_fixed_scale_is_kept(checkpoint: Path) -> None:
    upstream = byol_s.load(CARD, byol_s.Config(log_mel_mean=-3.0, log_mel_std=4.0), checkpoint)
    assert upstream.calibrate([]) == {"log_mel_mean": -3.0, "log_mel_std": 4.0}
    with pytest.raises(ConfigError, match="both numbers"):
        byol_s.load(CARD, byol_s.Config(log_mel_mean=-3.0), checkpoint)


def test_refuses_to_extract_before_calibration(checkpoint: Path) -> None:
    upstream = byol_s.load(CARD, byol_s.Config(), checkpoint.parent)
    with pytest.raises(ConfigError, match="calibrate"):
        vector(upstream, voice(4000))
    upstream.calibrate([voice(4000)])
    assert vector(upstream, voice(4000)).shape == (512,)


def test_refuses_a_training_part_without_sound() -> None:
    for waves in ([], [torch.zeros(4000)]):
        with pytest.raises(AudioError, match="no spread"):
            small().calibrate(waves)


def test_shortest_clip_and_silence() -> None:
    upstream = small()
    assert torch.isfinite(vector(upstream, voice(CARD.min_samples))).all()
    assert torch.isfinite(vector(upstream, torch.zeros(4000))).all()
    with pytest.raises(AudioError, match="at least 1120 samples"):
        vector(upstream, voice(CARD.min_samples - 1))


def test_missing_truncated_and_strange_weights(checkpoint: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "cut.pth").write_bytes(checkpoint.read_bytes()[:100_000])
    torch.save({"encoder.weight": torch.zeros(3)}, other / "strange.pth")
    torch.save([1, 2], other / "list.pth")
    (other / "empty.pth").write_bytes(b"")
    for name, said in {
        "cut.pth": "truncated",
        "empty.pth": "truncated",
        "strange.pth": "not the AudioNTT2020",
        "list.pth": "not the AudioNTT2020",
    }.items():
        with pytest.raises(WeightsError, match=said):
            byol_s.load(CARD, byol_s.Config(), other / name)
    for nowhere in (None, other, tmp_path / "absent"):
        with pytest.raises(WeightsError, match="is not there"):
            byol_s.load(CARD, byol_s.Config(), nowhere)
    with pytest.raises(WeightsError, match="1024 wide"):
        byol_s.load(replace(CARD, dim=1024), byol_s.Config(), checkpoint)


def test_refuses_pickled_code(tmp_path: Path) -> None:
    path = tmp_path / "code.pth"
    torch.save({"features.0.weight": Path("anything")}, path)
    with pytest.raises(WeightsError, match="more than tensors"):
        byol_s.load(CARD, byol_s.Config(), path)


def test_published_weights_reach_the_known_answers(shared: Path) -> None:
    """EmoDB: SERAB's scale of its training part, and WA 78.9 / UA 78.6 of LDA, speaker by speaker, pooled."""
    soundfile = pytest.importorskip("soundfile")
    folder, weights = shared / "corpora" / "emodb" / "wav", shared / "weights" / "byol-s"
    if not folder.is_dir() or not weights.is_dir():
        pytest.skip("needs EmoDB and the published weights beside the checkout")
    upstream = byol_s.load(CARD, byol_s.Config(), weights)
    assert sum(weight.numel() for weight in upstream._network.parameters()) == CARD.parameters
    files = sorted(folder.glob("*.wav"), key=lambda path: (path.stat().st_size, path.name))
    waves = [torch.from_numpy(soundfile.read(path, dtype="float32")[0]) for path in files]
    speakers, labels = np.array([p.name[:2] for p in files]), np.array([p.name[5] for p in files])

    numbers = upstream.calibrate(
        wave for wave, speaker in zip(waves, speakers, strict=True) if speaker in SERAB_TRAINING_SPEAKERS
    )
    assert numbers["log_mel_mean"] == pytest.approx(-2.692733, abs=1e-6)
    assert numbers["log_mel_std"] == pytest.approx(4.103069, abs=1e-6)

    features = torch.cat(
        [_vectors(upstream, waves[start : start + 16]) for start in range(0, len(waves), 16)]
    )
    right = _leave_one_speaker_out(features.double().numpy(), labels, speakers) == labels
    recalls = [right[labels == label].mean() for label in sorted(set(labels))]
    assert 100 * right.mean() == pytest.approx(78.9, abs=0.2)
    assert 100 * np.mean(recalls) == pytest.approx(78.6, abs=0.2)


def _vectors(upstream: byol_s.ByolS, waves: list[torch.Tensor]) -> torch.Tensor:
    lengths = torch.tensor([len(wave) for wave in waves])
    return upstream.extract(pad_sequence(waves, batch_first=True), lengths).states[0][:, 0]


def _leave_one_speaker_out(features: np.ndarray, labels: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    guesses = np.empty_like(labels)
    for speaker in sorted(set(speakers)):
        test = speakers == speaker
        probe = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))
        guesses[test] = probe.fit(features[~test], labels[~test]).predict(features[test])
    return guesses
