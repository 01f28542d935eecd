"""The suite measures in turn, in fresh processes; tells what failed; and its tables hold what was measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import _command, _report
from benchmarks._cell import Cell, Scope, Values, Work, joined
from benchmarks._clips import Clip, durations_s, file_order, own_share, padding_share
from benchmarks._figure import Figure
from benchmarks._measure import (
    CellError,
    done,
    failure,
    interleaved,
    measure,
    median,
    ratios,
    run_cell,
    spread,
)

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = "tests.benchmarks.test_benchmark_suite:"


def counted(settings: Values) -> Work:
    """A measured function: prepares outside the clock."""
    import os

    return lambda: {"share": settings["share"], "max_seen": settings["share"], "process": str(os.getpid())}


def broken(settings: Values) -> Work:
    def work() -> Values:
        raise RuntimeError("no such device")

    return work


def endless(settings: Values) -> Work:
    import time

    def work() -> Values:
        time.sleep(60)
        return {}

    return work


def test_variants_take_turns_and_rare_ones_stop_early() -> None:
    cells = [
        Cell(name="ours", target=""),
        Cell(name="once", target="", repetitions=1),
        Cell(name="theirs", target=""),
    ]
    told = [f"{cell.name}{number}" for number, cell in interleaved(cells, 2)]
    assert told == ["ours0", "once0", "theirs0", "ours1", "theirs1"]


def test_every_repetition_has_a_process_of_its_own() -> None:
    cells = [Cell(name=name, target=f"{HERE}counted") for name in ("ours", "theirs")]
    order: list[str] = []
    measured = measure(cells, 2, lambda cell, number, _: order.append(f"{cell.name}{number}"), {})
    assert order == ["ours0", "theirs0", "ours1", "theirs1"]
    assert len({values["process"] for runs in measured.values() for values in runs}) == 4
    assert all(values["wall_s"] >= 0 and values["peak_mib"] > 0 for values in measured["ours"])


def test_processes_of_a_cell_know_their_share() -> None:
    values = run_cell(Cell(name="both", target=f"{HERE}counted", processes=3), {})
    assert (values["share"], values["max_seen"], values["processes"]) == (0 + 1 + 2, 2, 3)


def test_what_fails_is_told_and_not_tried_again() -> None:
    cells = [Cell(name="bad", target=f"{HERE}broken"), Cell(name="good", target=f"{HERE}counted")]
    measured = measure(cells, 2, lambda *_: None, {})
    assert failure(measured, "bad") == "RuntimeError: no such device"
    assert len(measured["bad"]) == 1
    assert len(done(measured, "good")) == 2


def test_what_takes_too_long_is_stopped() -> None:
    with pytest.raises(CellError, match="not done in 2 s"):
        run_cell(Cell(name="slow", target=f"{HERE}endless", limit_s=2.0), {})


def test_medians_and_ratios_go_by_repetition() -> None:
    measured = {"ours": [{"s": 1.0}, {"s": 2.0}, {"s": 8.0}], "theirs": [{"s": 2.0}, {"s": 4.0}, {"s": 8.0}]}
    assert median(measured, "ours", lambda values: float(values["s"])) == 2.0
    assert ratios(measured, "theirs", "ours", lambda values: float(values["s"])) == [2.0, 2.0, 1.0]
    assert spread([2.0, 2.0, 1.0]) == "2.00 (1.00 to 2.00)"


def test_shares_are_added_up_and_peaks_are_not() -> None:
    found = joined([{"wall_s": 2.0, "audio_s": 3.0, "peak_mib": 5.0, "who": "a"},
                    {"wall_s": 1.0, "audio_s": 4.0, "peak_mib": 9.0, "who": "b"}])  # fmt: skip
    assert found == {"wall_s": 2.0, "audio_s": 7.0, "peak_mib": 9.0, "who": "a"}


@pytest.mark.parametrize(("corpus", "mean_s"), [("iemocap", 4.55), ("meld", 3.19)])
def test_lengths_are_distributed_as_the_corpus(corpus: str, mean_s: float) -> None:
    """Within 4 % of the corpus's own mean: quantiles with straight lines between them, the outermost cut."""
    lengths = durations_s(corpus, 2000)
    assert lengths.mean() == pytest.approx(mean_s, rel=0.04)
    assert (np.diff(lengths) >= 0).all()
    shuffled = file_order(lengths).tolist()
    assert padding_share(sorted(shuffled), 8) < 0.01
    assert padding_share(shuffled, 8) > 0.3
    assert padding_share(shuffled, 1) == 0


def test_two_processes_share_the_clips_evenly() -> None:
    clips = [Clip(f"u{n}", "", "", float(s)) for n, s in enumerate(durations_s("iemocap", 24))]
    halves = [own_share(clips, share, 2) for share in (0, 1)]
    assert sorted(clip.id for half in halves for clip in half) == sorted(clip.id for clip in clips)
    seconds = [sum(clip.duration_s for clip in half) for half in halves]
    assert min(seconds) > 0.97 * max(seconds)


def test_quick_section_runs_from_the_command_line(tmp_path: Path) -> None:
    """The store's: it needs no torch, and so little time."""
    words = ["store", "--quick", "--results", str(tmp_path)]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "| write means of all layers |" in run.stdout
    assert "left" in run.stderr
    section = json.loads((tmp_path / "benchmarks.json").read_text(encoding="utf-8"))["sections"]["store"]
    assert section["command"] == "python -m benchmarks store --quick"
    assert str(tmp_path) not in json.dumps(section)
    assert all("failed" not in values for runs in section["measured"].values() for values in runs)
    module = _command.section_module("store")
    assert [figure._asdict() for figure in module.figures(section["measured"])] == section["figures"]
    assert (tmp_path / "BENCHMARKS.md").read_text(encoding="utf-8").count("SYNTHETIC") == 1


@pytest.mark.parametrize("name", _report.ORDER)
@pytest.mark.parametrize("size", ["quick", "default", "full"])
def test_every_section_can_say_what_it_would_measure(name: str, size: str, tmp_path: Path) -> None:
    """Names are not used twice, settings are JSON, and nothing that was measured fails in the report."""
    module = _command.section_module(name)
    scope = Scope(folder=tmp_path, size=size, cores=2)  # type: ignore[arg-type]
    cells = module.cells(scope)
    assert len({cell.name for cell in cells}) == len(cells)
    for cell in [*module.preparations(scope), *cells]:
        json.dumps(cell.settings)
        file, _, function = cell.target.partition(":")
        assert callable(getattr(_command.importlib.import_module(file), function))
    failed: dict[str, list[Values]] = {cell.name: [{"failed": "no such device"}] for cell in cells}
    assert all(isinstance(figure, Figure) for figure in module.figures(failed))
    assert "SYNTHETIC" in module.SYNTHETIC


def _section(ratio: str) -> dict[str, object]:
    figures = [Figure("what", "1 s", "2 s", ratio, "2", True), Figure("detail", "1", "2", "3", "an aim")]
    machine = {"processor": "P", "cores": 2, "memory_gib": 4, "python": "3", "versions": {}, "commit": "c"}
    return {
        "title": "Store", "about": "", "synthetic": "SYNTHETIC", "command": "python -m benchmarks",
        "size": "quick", "repetitions": 1, "machine": machine, "load": [0, 0], "created": "today",
        "figures": [figure._asdict() for figure in figures], "measured": {},
    }  # fmt: skip


def test_sections_measured_before_are_kept_and_the_readme_is_refreshed(tmp_path: Path) -> None:
    _report.write(tmp_path, {"store": _section("2.0"), "heads": _section("7.0")})
    _report.write(tmp_path, {"store": _section("3.0")})
    found = _report.read(tmp_path)
    assert list(found) == ["heads", "store"]
    summary = _report.summary(found)
    assert "| store | what | 1 s | 2 s | 3.0 | 2 |" in summary
    assert "| heads | what | 1 s | 2 s | 7.0 | 2 |" in summary
    assert "detail" not in summary
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{_report.MARKERS[0]}\nold\n{_report.MARKERS[1]}\nafter\n", encoding="utf-8")
    _report.refresh_readme(readme, tmp_path)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert summary in text
    assert "old" not in text


def test_a_readme_without_a_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("nothing", encoding="utf-8")
    with pytest.raises(ValueError, match="no lines"):
        _report.refresh_readme(tmp_path / "README.md", tmp_path)


def test_the_readme_holds_what_was_measured() -> None:
    """The table between the markers is the one made from `results/benchmarks.json`."""
    readme, sections = (ROOT / "README.md").read_text(encoding="utf-8"), _report.read(ROOT / "results")
    if _report.MARKERS[0] not in readme:
        pytest.skip("the README has no table of benchmarks yet")
    assert _report.readme_block(sections) in readme


def test_the_report_holds_what_was_measured() -> None:
    """Every figure follows from the repetitions in the file, and the Markdown from the figures."""
    sections = _report.read(ROOT / "results")
    if not sections:
        pytest.skip("nothing was measured yet")
    for name, section in sections.items():
        figures = _command.section_module(name).figures(section["measured"])
        assert [figure._asdict() for figure in figures] == section["figures"], name
    text = (ROOT / "results" / _report.MARKDOWN_NAME).read_text(encoding="utf-8")
    assert text == _report.markdown(sections)
