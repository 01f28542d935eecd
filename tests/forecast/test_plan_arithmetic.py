"""The arithmetic of plans, on made-up sizes where every figure can be worked out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.config import ScaleConfig, card_named
from harness.costs import cost_of
from harness.errors import ConfigError, UnknownNameError
from harness.forecast import read_suite, request_of, suite_forecast, suite_text
from harness.forecast._lines import Forecast, Line, Size
from harness.forecast._placing import makespan, placing
from harness.forecast._text import clock, text_of
from harness.forecast._together import spread
from harness.forecast._training import _TimeIsUp, _Watch
from harness.scale import Needs

NAMES = (
    "wavlm_large",
    "whisper_tiny",
    "whisper_tiny_own_length",
    "emotion2vec_base",
    "egemaps",
    "s3prl_hub",
)
KINDS = {name: cost_of(card_named(name)) for name in NAMES}
HUBERT = {"hubert_base": card_named("hubert_base")}
COSTS = st.lists(st.floats(0.01, 100), min_size=1, max_size=40)


@given(COSTS, st.integers(1, 20))
def test_more_workers_are_never_slower(costs: list[float], workers: int) -> None:
    """And never faster than all the work shared evenly, or than the longest cell."""
    shared = makespan(costs, workers)
    tolerance = 1e-9 * sum(costs)
    assert max(0.0, *costs, sum(costs) / workers) - tolerance <= shared <= sum(costs) + tolerance
    assert makespan(costs, workers + 1) <= shared + tolerance
    assert makespan(costs, len(costs)) == pytest.approx(max(costs))
    assert shared <= sum(costs) / workers + max(costs) + tolerance  # Graham 1966


@given(st.floats(0.1, 100), st.integers(1, 60), st.integers(1, 20))
def test_equal_cells_go_in_rounds(cost: float, cells: int, workers: int) -> None:
    """Trainings of one size: as many rounds as it takes."""
    assert makespan([cost] * cells, workers) == pytest.approx(math.ceil(cells / workers) * cost)


@pytest.mark.parametrize(
    ("workers", "expected_s", "here"),
    [(None, 5.0, True), (2, 5.0, False), (2, 500.0, False), (1, 500.0, True)],
)
def test_where_a_stage_is_worked_on(workers: int | None, expected_s: float, here: bool) -> None:
    """A short stage stays in the process unless workers are asked for; one worker is this process."""
    scale = ScaleConfig(threads=1, workers=workers)
    where = placing(scale, Needs(threads=1), cells=9, expected_s=expected_s)
    assert where.here is here
    assert where.workers == (1 if here else 2)


def test_no_more_workers_than_cells() -> None:
    """Nobody waits for nothing."""
    where = placing(ScaleConfig(threads=1, workers=8), Needs(threads=1), cells=3, expected_s=99.0)
    assert where.workers == 3


@given(st.integers(1, 200), st.integers(1, 30), st.integers(1, 4))
def test_samples_are_spread_over_the_lengths(items: int, count: int, of: int) -> None:
    """Every process takes clips from everywhere, none twice in one draw."""
    for number in range(of):
        drawn = spread(range(items), count, number, of)
        assert len(drawn) == min(items, count) == len(set(drawn))
        assert drawn == sorted(drawn)


def test_a_training_is_extrapolated_from_what_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the first report and the last; what comes before the first counts once."""
    now = [0.0]
    monkeypatch.setattr("harness.forecast._training.time.perf_counter", lambda: now[0])
    watch = _Watch(budget_s=4.0)
    now[0] = 3.0
    watch(0.1)
    now[0] = 3.5
    watch(0.2)
    now[0] = 4.5
    with pytest.raises(_TimeIsUp):
        watch(0.4)
    assert watch.whole_s() == pytest.approx(5.0)  # 1.5 s for 0.3 of it
    assert watch.before_s() == pytest.approx(2.5)  # the first 0.1 took 3 s, not 0.5
    assert watch.share == 0.4


def test_the_end_of_a_training_is_no_time_to_leave() -> None:
    """A report of 1 after the time is up: the training has ended, and is counted whole."""
    watch = _Watch(budget_s=0.0)
    watch(1.0)
    assert watch.share == 1.0


def test_text_says_what_is_unknown() -> None:
    """A stage that nobody can time is told, and not counted as nothing."""
    lines = (
        Line(stage="start", arithmetic="3 s", seconds=3.0, basis="assumed"),
        Line(stage="training", arithmetic="10 cells", seconds=None, basis="measured"),
    )
    size = Size(what="all workers", arithmetic="2 x 3 GiB", bytes=6 * 1024.0**3)
    text = text_of(
        Forecast(
            title="plan", todo=lines, times=lines, memory=(size,), memory_there=5e9, disk=(), disk_there=1e12
        )
    )
    assert "expected time: 3.0 s, without training" in text
    assert "unknown" in text
    assert "more memory than is free" in text
    assert clock(61) == "1 min 1 s"


def test_what_cannot_be_handed_over_stays() -> None:
    """A calibrated upstream is in this process, whatever is asked for."""
    where = placing(ScaleConfig(workers=8), Needs(threads=1), cells=30, expected_s=999.0, stays=True)
    assert where.here


# ------------------------------------------------------------------------------------------------- suites


def test_emobox_has_its_published_size() -> None:
    """262,020 utterances, 294.4 h, 32 corpora: EmoBox's README adds up to them."""
    sizes = read_suite("emobox").sizes()
    assert sum(size.utterances for size in sizes) == 262_020
    assert sum(size.hours for size in sizes) == pytest.approx(294.4)
    assert len(sizes) == 32
    assert len(read_suite("emobox").upstreams) == 12


def test_suite_by_hand() -> None:
    """Every figure of one upstream, worked out beside the code."""
    request = request_of({"suite": "emobox", "scale.workers": 4, "scale.threads": 2, "rate_tflops": 10})
    found = suite_forecast(request, {"hubert_base": card_named("hubert_base")})
    (part,) = found.parts
    sizes = read_suite("emobox").sizes()
    cost = cost_of(card_named("hubert_base"))
    flop = sum(size.utterances * cost.flop(size.hours * 3600 / size.utterances) for size in sizes)
    assert part.flop == pytest.approx(flop)
    assert part.extract_s == pytest.approx(flop / 10e12)
    assert found.extract_s == pytest.approx(flop / 10e12 / 4)
    assert part.means_bytes == 262_020 * 2 * 13 * 768 * 4
    assert part.frames_bytes == pytest.approx(294.4 * 3600 * 50 * 768 * 4)
    frames = sum(size.folds * size.hours * 3600 * 50 * size.trains for size in sizes)
    assert part.head_flop == pytest.approx(100 * frames * 768 * 256 * (0.8 * 4 + 0.2 * 2))
    assert sum(part.cells) == pytest.approx(part.head_flop / (2 * 35e9))
    assert len(part.cells) == sum(size.folds for size in sizes)


@settings(max_examples=20)
@given(st.integers(1, 64), st.integers(1, 64))
def test_more_workers_of_a_suite_are_never_slower(few: int, more: int) -> None:
    """Neither its extraction nor its heads."""
    few, more = sorted((few, more))
    asked = [request_of({"suite": "emobox", "scale.workers": workers}) for workers in (few, more)]
    slow, fast = (suite_forecast(request, HUBERT) for request in asked)
    assert fast.extract_s <= slow.extract_s
    assert fast.train_s <= slow.train_s * (1 + 1e-9)


@given(st.floats(0.5, 60), st.floats(0.5, 60))
def test_more_audio_is_never_faster(short_s: float, long_s: float) -> None:
    """A longer clip costs at least as much arithmetic, memory and disk, for every kind of upstream."""
    short_s, long_s = sorted((short_s, long_s))
    for name, cost in KINDS.items():
        assert cost.core_s([short_s]) <= cost.core_s([long_s]) * (1 + 1e-9), name
        assert cost.memory_gib(short_s) <= cost.memory_gib(long_s) * (1 + 1e-9), name
        assert cost.stored_bytes(short_s, 1) <= cost.stored_bytes(long_s, 1), name


def test_hand_made_features_have_a_place_in_a_suite() -> None:
    """Their cost is a measured time, and the text says so."""
    request = request_of({"suite": "emobox", "upstream": "egemaps", "device": "cpu"})
    found = suite_forecast(request, {"egemaps": card_named("egemaps")})
    assert found.parts[0].core_s == pytest.approx(294.4 * 3600 * 0.0175)
    assert "measured time" in suite_text(found, "plan suite=emobox upstream=egemaps device=cpu")


@pytest.mark.parametrize(
    "given",
    [
        {"gpu": "abacus"},
        {"scale.workers": 0},
        {"share": 1.5},
        {"rate_tflops": -1},
        {"rate_tflops": 20, "gpu": "a100"},
        {"device": "cpu", "share": 0.3},
        {"scale.worker": 8},
        {"precision": "int4"},
    ],
)
def test_settings_of_a_suite_that_cannot_be(given: dict[str, object]) -> None:
    """Unknown, out of range, or without effect beside each other."""
    with pytest.raises(ConfigError):
        request_of({"suite": "emobox", **given})


def test_unknown_suite() -> None:
    """The message offers near names."""
    with pytest.raises(UnknownNameError, match="emobox"):
        read_suite("emobx")


def test_a_card_without_sizes_cannot_be_planned_for_a_suite() -> None:
    """Disk and head follow from the width."""
    cards = {"s3prl_fbank": card_named("s3prl_fbank", {"dim": 0})}
    with pytest.raises(ConfigError, match="does not say how wide"):
        suite_forecast(request_of({"suite": "emobox"}), cards)
