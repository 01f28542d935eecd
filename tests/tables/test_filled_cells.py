"""What a cell says once there is a run: the figure, its interval and seeds, the difference, and every mark."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from harness import config, record, registry
from harness.record import Record
from harness.sweep import PAPER_CORPORA, Outcome
from harness.sweep._outcome import save_outcome

Table = Callable[..., str]
NAME = "emotion2vec/4"
PRINTED = {"WA": 59.06, "UA": 55.32, "WF1": 58.96}


def rows_of(results: Path, name: str = NAME) -> list[dict[str, str]]:
    text = (results / "tables" / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def ours_in(results: Path, name: str = NAME) -> dict[str, dict[str, str]]:
    """The filled cells, by metric."""
    return {row["metric"]: row for row in rows_of(results, name) if row["ours"]}


def marked(table: Table, results: Path, one: Record) -> dict[str, str]:
    """The WA cell of EmoDB, filled by one record."""
    table(NAME, one)
    return ours_in(results)["WA"]


def test_a_run_of_the_published_protocol_has_no_mark(table: Table, results: Path, faithful: Record) -> None:
    page = table(NAME, faithful)
    cells = ours_in(results)
    assert set(cells) == {"WA", "UA", "WF1"}
    for metric, cell in cells.items():
        score = faithful.scores["metrics"][metric.lower()]
        assert float(cell["ours"]) == pytest.approx(100 * score["fold_mean"], abs=5e-5)
        assert float(cell["low"]) == pytest.approx(100 * score["fold_mean_interval"]["low"], abs=5e-5)
        assert float(cell["high"]) == pytest.approx(100 * score["fold_mean_interval"]["high"], abs=5e-5)
        assert float(cell["difference"]) == pytest.approx(
            100 * score["fold_mean"] - PRINTED[metric], abs=5e-5
        )
        assert (cell["row"], cell["column"], cell["seeds"]) == ("WavLM-base", "EmoDB (De)", "1")
        assert (cell["marks"], cell["why_marked"]) == ("", "")
        assert cell["record"] == faithful.stem
    assert f"- {faithful.stem}: nothing is known to differ from the paper" in page
    assert "## Marks" not in page


def test_ours_stand_below_the_printed_and_are_never_mixed(table: Table, faithful: Record) -> None:
    score = faithful.scores["metrics"]["wa"]
    value, limits = 100 * score["fold_mean"], score["fold_mean_interval"]
    lines = table(NAME, faithful).splitlines()
    start = next(i for i, line in enumerate(lines) if "| published | 59.06 | 55.32 | 58.96 |" in line)
    ours = f"{value:.2f} ({100 * limits['low']:.2f} to {100 * limits['high']:.2f}), 1 seed"
    assert lines[start + 1].startswith(f"|  | ours | {ours} | ")
    assert lines[start + 2].startswith(f"|  | difference | {value - 59.06:+.2f} | ")
    assert sum("| difference |" in line for line in lines) == 1


Change = Callable[[Record], dict[str, Any]]
CHANGES: dict[str, tuple[str, str, Change]] = {
    # what was done -> the mark, what it says, the fields of the record
    "fewer epochs": (
        "P",
        "head.epochs 3 instead of 100",
        lambda r: {"head": r.head | {"settings": r.head["settings"] | {"epochs": 3}}},
    ),
    "another head": ("P", "head lda instead of e2v_linear", lambda r: {"head": r.head | {"name": "lda"}}),
    "another view": (
        "P",
        "view.kind weighted instead of last",
        lambda r: {"view": r.view | {"kind": "weighted"}},
    ),
    "other folds": (
        "P",
        "split.folds 5 instead of 10",
        lambda r: {"protocol": r.protocol | {"settings": r.protocol["settings"] | {"folds": 5}}},
    ),
    "another split": (
        "P",
        "split leave_speaker_out instead of random_kfold",
        lambda r: {"protocol": r.protocol | {"name": "leave_speaker_out"}},
    ),
    "fewer labels": (
        "P",
        'task.drop ["boredom"] instead of []',
        lambda r: {"task": r.task | {"settings": r.task["settings"] | {"drop": ["boredom"]}}},
    ),
    "normalised speakers": (
        "P",
        "features.speakers zscore instead of none",
        lambda r: {"adapted": {"speakers": "zscore"}},
    ),
    "an older version": (
        "P",
        "version 0 of emodb_e2v_10fold, which is at 1",
        lambda _: {"recipe_version": 0},
    ),
    "a part of the corpus": (
        "D",
        "480 examples, the paper counts 535",
        lambda r: {"task": r.task | {"examples": 480}},
    ),
    "damaged clips": (
        "D",
        "3 damaged utterances left out",
        lambda r: {"corpus": r.corpus | {"dropped": {"unreadable": 3}}},
    ),
    "generated sound": (
        "D",
        "utterances of 0.05 s",
        lambda r: {"corpus": r.corpus | {"hours": 535 * 0.05 / 3600}},
    ),
    "a local copy": (
        "W",
        "a local copy, SHA-256 aaaaaaaaaaaa",
        lambda r: {"upstream": r.upstream | {"weights": "a" * 64}},
    ),
    "another revision": (
        "W",
        "microsoft/wavlm-base@main instead of",
        lambda r: {"upstream": r.upstream | {"weights": "microsoft/wavlm-base@main"}},
    ),
    "an unpinned revision": (
        "W",
        "microsoft/wavlm-base@unpinned: the newest revision of that day",
        lambda r: {"upstream": r.upstream | {"weights": "microsoft/wavlm-base@unpinned"}},
    ),
    "a small network": ("W", "dim 32 instead of 768", lambda r: {"upstream": r.upstream | {"dim": 32}}),
    "other options": (
        "W",
        "option normalise True instead of False",
        lambda r: {"upstream": r.upstream | {"options": r.upstream["options"] | {"normalise": True}}},
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_differs_is_marked_and_said(
    what: str, table: Table, results: Path, faithful: Record
) -> None:
    letter, said, change = CHANGES[what]
    cell = marked(table, results, replace(faithful, **change(faithful)))
    assert cell["marks"] == letter
    assert f"{letter}: {said}" in cell["why_marked"]
    page = (results / "tables" / f"{NAME}.md").read_text(encoding="utf-8")
    assert f"1 seed **{letter}** |" in page
    assert f"- **{letter}**: " in page
    assert said in page.split("## Runs of ours")[1]
    assert rf"\textbf{{{letter}}}" in (results / "tables" / f"{NAME}.tex").read_text(encoding="utf-8")


def test_a_run_as_it_was_made_is_marked_for_everything(table: Table, results: Path, made: Record) -> None:
    """The real record, but for its upstream's name: synthetic audio, one epoch, other weights."""
    one = replace(made, upstream=made.upstream | {"name": "wavlm_base"})
    cell = marked(table, results, one)
    assert cell["marks"] == "PDWS"
    for said in (
        "head.epochs 1 instead of 100",
        "corpus synthetic instead of emodb",
        "family mfcc",
        "SYNTHETIC",
    ):
        assert said in cell["why_marked"]


def test_another_upstream_fills_nothing(table: Table, results: Path, made: Record) -> None:
    table(NAME, made)
    assert not ours_in(results)


def test_a_run_that_selected_on_test_does_not_stand_beside_one_that_did_not(
    table: Table, results: Path, faithful: Record
) -> None:
    starred = replace(faithful, protocol=faithful.protocol | {"select": "test"}, ranked=False)
    table(NAME, starred)
    assert not ours_in(results)


def test_a_starred_row_says_that_the_test_part_selected(
    table: Table, results: Path, faithful: Record
) -> None:
    card = config.card_named("emotion2vec_base")
    starred = replace(
        faithful,
        recipe="iemocap_e2v_star",
        ranked=False,
        protocol=faithful.protocol | {"select": "test"},
        corpus=faithful.corpus | {"name": "iemocap", "utterances": 10039, "hours": 12.44},
        upstream=faithful.upstream | {"name": card.name},
    )
    table("emotion2vec/2", starred)
    cell = ours_in(results, "emotion2vec/2")["WA"]
    assert cell["row"] == "emotion2vec*"
    assert "T" in cell["marks"]
    assert "the test part selected" in cell["why_marked"]


def test_the_run_with_the_fewest_marks_stands_in_the_cell(
    table: Table, results: Path, faithful: Record
) -> None:
    worse = replace(faithful, key="a" * 64, created="2999", view=faithful.view | {"kind": "weighted"})
    more_seeds = replace(faithful, key="b" * 64, seeds=[0, 1, 2])
    table(NAME, faithful, worse)
    assert ours_in(results)["WA"]["record"] == faithful.stem
    table(NAME, more_seeds)
    assert ours_in(results)["WA"]["record"] == more_seeds.stem
    assert ours_in(results)["WA"]["seeds"] == "3"


def test_a_recipe_with_another_head_is_shown_and_marked(
    table: Table, results: Path, faithful: Record
) -> None:
    """`emodb_10fold` has the paper's folds and a linear discriminant."""
    other = replace(
        faithful,
        recipe="emodb_10fold",
        head={"name": "lda", "settings": {"layer": "auto"}, "code": ""},
        view=faithful.view | {"kind": "weighted"},
    )
    cell = marked(table, results, other)
    assert cell["marks"] == "P"
    assert "head lda instead of e2v_linear" in cell["why_marked"]


def test_a_metric_that_a_record_does_not_hold_stays_open(
    table: Table, results: Path, faithful: Record
) -> None:
    scores = faithful.scores | {"metrics": {"wa": faithful.scores["metrics"]["wa"]}}
    table(NAME, replace(faithful, scores=scores))
    assert set(ours_in(results)) == {"WA"}
    line = next(
        r for r in rows_of(results) if (r["row"], r["metric"]) == ("WavLM-base", "UA") and "De" in r["column"]
    )
    assert line["command"].startswith("python -m harness run recipe=emodb_e2v_10fold upstream=wavlm_base ")


def test_a_score_without_an_interval_is_shown_without(table: Table, results: Path, faithful: Record) -> None:
    score = faithful.scores["metrics"]["wa"]
    none = {**score, "fold_mean_interval": score["fold_mean_interval"] | {"low": None, "high": None}}
    scores = faithful.scores | {"metrics": faithful.scores["metrics"] | {"wa": none}}
    page = table(NAME, replace(faithful, scores=scores))
    assert re.search(r"\| ours \| \d+\.\d\d, 1 seed \|", page)
    assert ours_in(results)["WA"]["low"] == ""


def test_same_records_same_bytes(table: Table, results: Path, faithful: Record) -> None:
    table(NAME, faithful)
    first = {path.name: path.read_bytes() for path in (results / "tables" / "emotion2vec").iterdir()}
    assert sorted(first) == ["4.csv", "4.md", "4.tex"]
    table(NAME)
    assert {p.name: p.read_bytes() for p in (results / "tables" / "emotion2vec").iterdir()} == first


def test_a_damaged_record_is_named(
    table: Table, results: Path, faithful: Record, capfd: pytest.CaptureFixture[str]
) -> None:
    from harness.cli import main

    record.save(results, faithful)
    (results / "records" / "broken.json").write_text("{")
    assert main(["table", NAME, f"results={results}"]) == 2
    assert "broken.json is not a record" in capfd.readouterr().err


SETTING = {
    "size": "base",
    "comparable": True,
    "corpora": list(PAPER_CORPORA),
    "audio": [],
    "pretrain": {},
    "seed": 1,
}
TINY = {
    "size": "tiny",
    "comparable": False,
    "corpora": ["synthetic"],
    "pretrain": {"optimiser": {"updates": 5}},
}


@pytest.fixture
def evaluated(faithful: Record) -> Record:
    """What a sweep at the paper's size records for a model of its own."""
    run = config.compose("iemocap_5fold", ["head=e2v_linear", "view=last"])
    task = registry.load("tasks", run.task.name).Config(**run.task.settings)
    split = registry.load("splits", run.split.name).Config(**run.split.settings)
    return replace(
        faithful,
        recipe="iemocap_5fold",
        task={"name": run.task.name, "settings": asdict(task), "examples": 5531},
        protocol=faithful.protocol | {"name": run.split.name, "settings": asdict(split)},
        corpus=faithful.corpus | {"name": "iemocap", "utterances": 10039, "hours": 12.44},
        upstream=faithful.upstream | {"name": "mine"},
    )


@pytest.mark.parametrize(("changed", "marks"), [({}, ""), (TINY, "W")])
def test_an_ablation_is_filled_by_its_sweep(
    changed: dict[str, Any], marks: str, table: Table, results: Path, evaluated: Record
) -> None:
    save_outcome(
        results,
        Outcome(
            ablation="alpha",
            row="alpha_01",
            setting=SETTING | changed,
            pretrained={"parameters": 1_000_000, "hours": 0.5, "stand_in": "one" if changed else ""},
            evaluation=evaluated.stem,
        ),
    )
    table("emotion2vec/11", evaluated)
    cells = ours_in(results, "emotion2vec/11")
    assert {cell["row"] for cell in cells.values()} == {"0.1"}
    assert cells["WA"]["published"] == "71.06"
    assert cells["WA"]["marks"] == marks
    for said in ("size tiny", "0.50 h of synthetic", "stand-in", "overridden"):
        assert (said in cells["WA"]["why_marked"]) == bool(changed)


def test_the_released_checkpoint_fills_the_rows_of_its_own_features(
    table: Table, results: Path, evaluated: Record
) -> None:
    options = {"normalise": True, "official_padding": False, "features": "tokens"}
    upstream = evaluated.upstream | {"name": "emotion2vec_base", "family": "emotion2vec", "options": options}
    table("emotion2vec/9", replace(evaluated, recipe="iemocap_e2v", upstream=upstream))
    cells = ours_in(results, "emotion2vec/9")
    assert {cell["row"] for cell in cells.values()} == {"yes, yes: utterance"}


def test_conversation_is_told_apart_by_modality_and_network(
    table: Table, results: Path, faithful: Record
) -> None:
    """Speech and text of the 2020 network fill that row, and no other."""
    inputs = [
        {"name": name, "family": "", "layers": 1, "dim": 1, "options": {}, "weights": "no weights"}
        for name in ("wav2vec2_base", "egemaps", "bert_base_uncased")
    ]
    name = "+".join(one["name"] for one in inputs)
    one = replace(
        faithful,
        recipe="iemocap_epc",
        corpus=faithful.corpus | {"name": "iemocap"},
        head={"name": "epc_shi2020", "settings": {}, "code": ""},
        upstream=faithful.upstream | {"name": name, "modality": "speech+text", "inputs": inputs},
    )
    table("emotion2vec/6", one)
    rows = [row for row in rows_of(results, "emotion2vec/6") if row["ours"]]
    assert {(row["row"], row["group"]) for row in rows} == {("Shi et al.'s (2020)", "Speech and text")}
    assert {row["metric"] for row in rows} == {"UAR", "MacroF1"}
    assert set("PW") <= set(rows[0]["marks"])
    assert "dim 1 instead of 88" in rows[0]["why_marked"]
    assert "theirs was fine-tuned on 960 h" in rows[0]["why_marked"]
