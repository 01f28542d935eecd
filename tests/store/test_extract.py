"""What is stored is what the upstream gives for each utterance alone, computed the slow way with numpy."""

from __future__ import annotations

import logging
import resource
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.contracts import HiddenStates
from harness.errors import AudioError, CheckError, ConfigError, StoreError
from harness.extract import WaveSource, extract
from harness.extract.plan import batches, pieces, unique
from harness.store import Lack, Store

UTTERANCES = 140


def test_equal_to_every_utterance_alone(toy: ModuleType, corpus: Path, tmp_path: Path) -> None:
    upstream, store, sources = toy.Toy(), Store(tmp_path, toy.key()), toy.sources(corpus)
    extract(upstream, sources, store, frame_layers=[3, 0], batch_seconds=5.0)
    for source in sources:
        wave = torch.from_numpy(soundfile.read(source.path, dtype="float32")[0])
        with torch.inference_mode():
            states = upstream.extract(wave[None], torch.tensor([len(wave)])).states
        alone = np.stack([state[0].numpy() for state in states]).astype(np.float64)
        # Values below 1; another batch changes the order of float32 sums in the projection, 1e-6 each.
        np.testing.assert_allclose(store.means([source.id])[0], alone.mean(1), rtol=0, atol=2e-6)
        np.testing.assert_allclose(store.stds([source.id])[0], alone.std(1), rtol=0, atol=2e-6)
        assert store.frame_counts([source.id])[0] == alone.shape[1]
        for layer in (0, 3):
            np.testing.assert_allclose(
                store.frames([source.id], layer).values, alone[layer], rtol=0, atol=2e-6
            )
    with pytest.raises(StoreError):
        store.frames([sources[0].id], 1)


def test_statistics_of_large_offsets_keep_their_digits(toy: ModuleType, corpus: Path, tmp_path: Path) -> None:
    """A deviation of 1 around 10,000: the difference of float32 squares would lose it."""

    class Offset(toy.Toy):
        def extract(self, waves: torch.Tensor, lengths: torch.Tensor) -> HiddenStates:
            states, frames = super().extract(waves, lengths)
            return HiddenStates(tuple(10_000 + state for state in states), frames)

    store = Store(tmp_path, toy.key())
    sources = toy.sources(corpus)
    extract(Offset(), sources, store, frame_layers=[2])
    values, offsets = store.frames([sources[0].id], 2)
    wanted = values.astype(np.float64).std(0)
    np.testing.assert_allclose(store.stds([sources[0].id])[0, 2], wanted, rtol=1e-6)
    assert offsets[1] == len(values)


def test_a_second_run_computes_nothing_and_a_larger_one_the_rest(
    toy: ModuleType, corpus: Path, tmp_path: Path
) -> None:
    sources = toy.sources(corpus)
    first = extract(toy.Toy(), sources[::2], Store(tmp_path, toy.key()))
    assert (first.utterances, first.stored_before) == (70, 0)
    kept = Store(tmp_path, toy.key()).means([source.id for source in sources[::2]])
    upstream = toy.Toy()
    again = extract(upstream, sources[::2], Store(tmp_path, toy.key()))
    assert (again.utterances, again.stored_before, upstream.batches) == (0, 70, [])
    assert again.seconds_per_audio_second is None
    rest = extract(upstream, sources, Store(tmp_path, toy.key()))
    assert (rest.utterances, rest.stored_before) == (70, 70)
    assert sum(map(len, upstream.batches)) == 70
    frames = extract(toy.Toy(), sources, Store(tmp_path, toy.key()), frame_layers=[2])
    assert (frames.utterances, frames.stored_before) == (140, 0)
    store = Store(tmp_path, toy.key())
    np.testing.assert_array_equal(store.means([source.id for source in sources[::2]]), kept)
    assert store.missing([source.id for source in sources], [2]) == []
    means = [shard.files for shard in store._catalogue.shards.values() if "means" in shard.files]
    assert sum(files["means"]["bytes"] - 128 for files in means) == 140 * 4 * 8 * 4, "no means twice"


def test_report_and_progress(toy: ModuleType, corpus: Path, tmp_path: Path) -> None:
    told: list[tuple[float, float]] = []
    sources = toy.sources(corpus)
    upstream = toy.Toy()
    report = extract(
        upstream,
        sources,
        Store(tmp_path, toy.key()),
        batch_seconds=5.0,
        progress=lambda *now: told.append(now),
    )
    audio_s = sum(source.duration_s for source in sources)
    assert report.audio_s == pytest.approx(audio_s)
    assert report.seconds_per_audio_second == report.wall_s / report.audio_s
    assert report.wall_s > 0
    assert report.peak_rss_mib > 50
    assert told == sorted(told)
    assert told[-1] == pytest.approx((audio_s, audio_s))
    samples = sum(sum(batch) for batch in upstream.batches)
    padded = sum(len(batch) * max(batch) for batch in upstream.batches)
    assert report.padding_share == pytest.approx(1 - samples / padded)
    assert 0 < report.padding_share < 0.05
    assert max(len(batch) * max(batch) for batch in upstream.batches) <= 5.0 * 16_000
    assert len(upstream.batches) < len(sources) / 2


@given(
    lengths=st.lists(st.floats(0.01, 40), max_size=80),
    budget=st.floats(0.1, 100),
    layers=st.sampled_from([(), (1,), (0, 1, 2, 3)]),
)
def test_a_plan_covers_everything_once_within_its_budget(
    toy: ModuleType, lengths: list[float], budget: float, layers: tuple[int, ...]
) -> None:
    sources = unique(
        WaveSource(id=str(number), path=Path(), duration_s=length) for number, length in enumerate(lengths)
    )
    lacking = {source.id: Lack(number % 3 > 0, layers) for number, source in enumerate(sources)}
    lacking = {name: lack for name, lack in lacking.items() if lack.means or lack.layers}
    planned = pieces(sources, lacking, toy.CARD, layers)
    assert sorted(source.id for piece in planned for source in piece.sources) == sorted(lacking)
    assert len({piece.name for piece in planned}) == len(planned)
    for piece in planned:
        assert {lacking[source.id] for source in piece.sources} == {piece.lack}
        cut = [*batches(piece.sources, budget)]
        assert [source for batch in cut for source in batch] == [*piece.sources]
        for batch in cut:
            padded_s = len(batch) * batch[0].duration_s
            assert len(batch) == 1 or padded_s <= budget
            assert 1 - sum(source.duration_s for source in batch) / padded_s < 0.05 + 1e-9


def test_shards_are_bounded_in_bytes(toy: ModuleType) -> None:
    large = replace(toy.CARD, dim=1024, layers=25, hop_samples=320)
    sources = [WaveSource(id=str(number), path=Path(), duration_s=10.0) for number in range(200)]
    lack = Lack(True, tuple(range(25)))
    planned = pieces(sources, {source.id: lack for source in sources}, large, lack.layers)
    bytes_each = 10 * 50 * 25 * 1024 * 4
    assert 64 < len(planned[0].sources) * bytes_each / 2**20 <= 128


def test_parts_of_files(toy: ModuleType, tmp_path: Path) -> None:
    wave = np.random.default_rng(3).uniform(-0.5, 0.5, 32_000).astype(np.float32)
    soundfile.write(tmp_path / "dialogue.wav", wave, 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "turn.wav", wave[8000:20_000], 16_000, subtype="FLOAT")
    whole = WaveSource(id="whole", path=tmp_path / "turn.wav", duration_s=0.75)
    part = WaveSource(id="part", path=tmp_path / "dialogue.wav", duration_s=0.75, start_s=0.5, end_s=1.25)
    store = Store(tmp_path, toy.key())
    extract(toy.Toy(), [whole, part], store)
    means = store.means(["whole", "part"])
    np.testing.assert_array_equal(means[0], means[1])


def test_a_clip_too_short_is_named(toy: ModuleType, corpus: Path, tmp_path: Path) -> None:
    for samples in (399, 17):
        soundfile.write(tmp_path / f"blip{samples}.wav", np.zeros(samples), 16_000)
    short = [WaveSource(id=p.stem, path=p, duration_s=0.01) for p in sorted(tmp_path.glob("*.wav"))]
    upstream = toy.Toy()
    with pytest.raises(
        AudioError,
        match=r"2 clips[\s\S]*got: 17 samples in .*blip17\.wav \(blip17\), 399 samples in [\s\S]*at least 400",
    ):
        extract(upstream, [*toy.sources(corpus), *short], Store(tmp_path, toy.key()))
    assert upstream.batches == [], "told before the work begins"


def test_a_clip_shorter_than_it_was_said_to_be(toy: ModuleType, corpus: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "blip.wav", np.zeros(399), 16_000)
    short = WaveSource(id="blip", path=tmp_path / "blip.wav", duration_s=0.0501)
    with pytest.raises(AudioError, match=r"got: 399 samples in .*blip\.wav[\s\S]*at least 400[\s\S]*next:"):
        extract(toy.Toy(), [*toy.sources(corpus), short], Store(tmp_path, toy.key()))
    assert [*tmp_path.glob("*/pending/*")] == [], "no claim is left behind"
    store = Store(tmp_path, toy.key())
    kept = extract(toy.Toy(), toy.sources(corpus), store).stored_before
    assert kept in (64, 128), "whole shards are kept"


def test_a_file_that_is_no_sound(toy: ModuleType, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    source = WaveSource(id="text", path=tmp_path / "text.wav", duration_s=1.0)
    with pytest.raises(AudioError, match=r"text\.wav"):
        extract(toy.Toy(), [*toy.sources(corpus), source], Store(tmp_path, toy.key()))
    assert [*tmp_path.glob("*/pending/*")] == []


def test_one_id_for_two_files_is_refused_and_one_given_twice_is_not(
    toy: ModuleType, corpus: Path, tmp_path: Path
) -> None:
    sources = toy.sources(corpus)[:3]
    with pytest.raises(StoreError, match="two utterances are called u0001"):
        extract(toy.Toy(), [*sources, replace(sources[0], id="u0001")], Store(tmp_path, toy.key()))
    assert extract(toy.Toy(), [*sources, *sources], Store(tmp_path, toy.key())).utterances == 3


def broken(toy: ModuleType, layer: int, value: float) -> object:
    class Broken(toy.Toy):
        def extract(self, waves: torch.Tensor, lengths: torch.Tensor) -> HiddenStates:
            hidden = super().extract(waves, lengths)
            hidden.states[layer][-1, 0, 0] = value
            return hidden

    return Broken()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_features_that_are_no_numbers(toy: ModuleType, corpus: Path, tmp_path: Path, value: float) -> None:
    sources = toy.sources(corpus)[:1]
    with pytest.raises(CheckError, match=r"NaN or infinite features for u0000[\s\S]*layer 2"):
        extract(broken(toy, 2, value), sources, Store(tmp_path, toy.key()))
    assert Store(tmp_path, toy.key()).missing(["u0000"]) == ["u0000"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: HiddenStates(h.states[1:], h.frames), "got: 3 layers"),
        (
            lambda h: HiddenStates(tuple(s[..., :5] for s in h.states), h.frames),
            r"wanted: 4 layers of shape .*8\)",
        ),
        (lambda h: HiddenStates(h.states, h.frames + 1), "wrong number of frames for u0000"),
        (lambda h: HiddenStates(h.states, h.frames * 0), "got: 0 valid"),
    ],
)
def test_promises_of_the_card(
    toy: ModuleType, corpus: Path, tmp_path: Path, *, change: object, message: str
) -> None:
    class Other(toy.Toy):
        def extract(self, waves: torch.Tensor, lengths: torch.Tensor) -> HiddenStates:
            return change(super().extract(waves, lengths))

    with pytest.raises(CheckError, match=message):
        extract(Other(), toy.sources(corpus)[:1], Store(tmp_path, toy.key()))


def test_a_batch_that_does_not_fit_is_told(toy: ModuleType, corpus: Path, tmp_path: Path) -> None:
    class Large(toy.Toy):
        def extract(self, waves: torch.Tensor, lengths: torch.Tensor) -> HiddenStates:
            raise torch.OutOfMemoryError("2 TiB")

    with pytest.raises(ConfigError, match="lower batch_seconds"):
        extract(Large(), toy.sources(corpus), Store(tmp_path, toy.key()))
    with pytest.raises(ConfigError, match="batch_seconds > 0"):
        extract(toy.Toy(), [], Store(tmp_path, toy.key()), batch_seconds=0)


def test_one_vector_per_utterance(toy: ModuleType, corpus: Path, tmp_path: Path) -> None:
    """Functionals such as eGeMAPS: no hop, one frame, no deviation."""

    class Functionals(toy.Toy):
        def __init__(self) -> None:
            super().__init__()
            self.card, self.module = replace(toy.CARD, hop_samples=None, layers=1, dim=2), None

        def extract(self, waves: torch.Tensor, lengths: torch.Tensor) -> HiddenStates:
            values = torch.stack([waves.abs().sum(1), lengths.float()], 1)
            return HiddenStates((values[:, None],), torch.ones(len(waves), dtype=torch.int64))

    store, sources = Store(tmp_path, toy.key(layers=1, dim=2)), toy.sources(corpus)
    extract(Functionals(), sources, store, frame_layers=[0])
    ids = [source.id for source in sources]
    np.testing.assert_array_equal(store.frames(ids, 0).values, store.means(ids)[:, 0])
    assert not store.stds(ids).any()
    assert store.means(ids)[0, 0, 1] == soundfile.info(sources[0].path).frames


def test_the_network_is_set_to_evaluation(toy: ModuleType, corpus: Path, tmp_path: Path) -> None:
    upstream = toy.Toy()
    upstream.module.train()
    extract(upstream, toy.sources(corpus)[:2], Store(tmp_path, toy.key()))
    assert not upstream.module.training


def test_a_damaged_shard_is_logged(
    toy: ModuleType, corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    toy.run(corpus, tmp_path)
    next(tmp_path.glob("*/shards/*/stds.npy")).write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        report = toy.run(corpus, tmp_path)
    assert report.shards == 1
    assert "damaged features" in caplog.text


def test_reading_holds_no_more_than_it_returns(toy: ModuleType, tmp_path: Path) -> None:
    """Peak memory while 60 MB of means are read from 12 shards: the answer and one shard, not two stores."""
    from harness.store import UtteranceFeatures

    key = toy.key(layers=13, dim=768)
    store, zeros = Store(tmp_path, key), np.zeros((13, 768), np.float32)
    for shard in range(12):
        items = [UtteranceFeatures(f"{shard}-{row}", 1, zeros + row, zeros, {}) for row in range(128)]
        with store.claim("test") as claim:
            store.write(claim, items)
    ids = [f"{shard}-{row}" for row in range(128) for shard in range(12)]
    _reset_peak()
    before = resource_peak()
    values = Store(tmp_path, key).means(ids)
    grown = resource_peak() - before
    assert values[:, 0, 0].tolist() == [row for row in range(128) for _ in range(12)]
    assert grown < values.nbytes + 32 * 2**20


def _reset_peak() -> None:
    path = Path("/proc/self/clear_refs")
    if not path.exists():
        pytest.skip("needs the kernel's high-water mark of this process")
    path.write_text("5")


def resource_peak() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
