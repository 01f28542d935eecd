"""Translate: one set of features under every protocol of a corpus, each different one once, the others told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pandas as pd
import pytest

from harness.cli import main
from harness.translate import Request, write_translation
from harness.translate import translate as run_translation

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def translate(cache: Path, results: Path, capfd: pytest.CaptureFixture[str]) -> Call:
    """The verb with a results folder of its own: exit code, standard output, standard error."""

    def call(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(["translate", *words, f"results={results}", "track=false"])
        out, err = capfd.readouterr()
        return code, out, err

    return call


class Told(NamedTuple):
    """A translation that several tests look at."""

    text: str
    results: Path
    root: Path


@pytest.fixture(scope="module")
def iemocap(iemocap_tree: ModuleType, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """IEMOCAP's layout with 80 invented turns (five sessions, ten speakers), under all its protocols."""
    folder = tmp_path_factory.mktemp("translated")
    rows = iemocap_tree.invented_rows()
    root, results = iemocap_tree.build_iemocap_tree(folder / "IEMOCAP", rows, seconds=0.2), folder / "results"
    settings = (f"corpus.root={root}", "corpus.on_fault=repair", f"results={results}", "track=false")
    request = Request(corpus="iemocap", upstream="mfcc", settings=settings)
    return Told(write_translation(run_translation(request), results), results, root)


def table(results: Path, stem: str) -> pd.DataFrame:
    frame = pd.read_csv(results / "translations" / f"{stem}.csv", keep_default_na=False)
    return frame.set_index("protocol", drop=False)


def records(results: Path) -> dict[str, dict[str, Any]]:
    found = [json.loads(path.read_text()) for path in (results / "records").glob("*.json")]
    return {record["recipe"]: record for record in found}


def left_out(text: str) -> dict[str, str]:
    return dict(re.findall(r"^- (\w+): (.+)$", text.split("Not in the table:")[1], re.M))


def test_synthetic_voices_under_all_their_protocols(translate: Call, results: Path) -> None:
    code, out, err = translate("corpus=synthetic", "upstream=mfcc")
    assert code == 0, err
    assert "SYNTHETIC" in out
    found = table(results, "synthetic--mfcc")
    assert {"synthetic_5fold", "loso"} <= set(found["protocol"])
    assert found.loc["loso", "folds"] == 10
    assert found.loc["synthetic_5fold", "tested"] == 240
    assert set(found["speakers shared"]) == {"no"}
    assert set(found["head"]) == {"lda"}
    for recipe, record in records(results).items():
        scores = record["scores"]["metrics"]
        for name in ("wa", "ua", "wf1"):
            assert float(found.loc[recipe, name.upper()]) == round(100 * scores[name]["fold_mean"], 2)
            low = round(100 * scores[name]["fold_mean_interval"]["low"], 2)
            assert float(found.loc[recipe, f"{name.upper()} low"]) == low
        assert found.loc[recipe, "fingerprint"] == record["protocol"]["fingerprint"]
    low, high = sorted(float(value) for value in found["WA"])[:: len(found) - 1]
    assert f"{high - low:.2f} points" in out
    assert "May be compared (same questions, speakers apart, nothing selected on test): 1, 2." in out
    assert (results / "translations" / "synthetic--mfcc.md").read_text() == out


def test_what_needs_files_of_others_is_listed_and_not_run(translate: Call) -> None:
    code, out, err = translate("corpus=synthetic", "upstream=mfcc")
    assert code == 0, err
    needs = {name: reason for name, reason in left_out(out).items() if reason.startswith("needs the files")}
    assert {"emobox", "emo_superb", "hear"} <= set(needs)
    assert needs["emobox"].endswith("emobox=DIR")


def test_a_second_translation_trains_nothing_and_says_the_same(translate: Call, results: Path) -> None:
    _, first, _ = translate("corpus=synthetic", "upstream=mfcc")
    stamps = {path: path.stat().st_mtime_ns for path in (results / "records").iterdir()}
    code, second, err = translate("corpus=synthetic", "upstream=mfcc")
    assert code == 0
    assert second == first
    assert err.count("nothing is trained") == len(stamps)
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps


def test_rows_are_the_records_of_ordinary_runs(harness: Call, translate: Call, results: Path) -> None:
    code, _, err = harness("run", "recipe=synthetic_5fold", "upstream=mfcc", "head=lda", "view=weighted")
    assert code == 0, err
    (path,) = (results / "records").iterdir()
    stamp = path.stat().st_mtime_ns
    code, _, err = translate("corpus=synthetic", "upstream=mfcc")
    assert code == 0, err
    assert path.stat().st_mtime_ns == stamp
    assert (
        len([one for one in (results / "records").iterdir() if one.name.startswith("synthetic_5fold")]) == 1
    )


def test_equal_protocols_are_run_once_and_named_together(iemocap: Told) -> None:
    found = table(iemocap.results, "iemocap--mfcc")
    together = next(name for name in found.index if name.startswith("iemocap_5fold"))
    assert "iemocap_e2v" in together.split(", ")
    assert "iemocap_e2v" not in records(iemocap.results)
    assert found["fingerprint"].is_unique
    assert "SUPERB" in left_out(iemocap.text)["iemocap_superb"], "80 turns are not SUPERB's 5,531"
    assert found.loc[together, "classes"] == 4
    assert found.loc["loso", "classes"] > 4
    assert str(iemocap.root) not in iemocap.text


def test_rows_that_must_not_be_compared_are_named(iemocap: Told) -> None:
    found = table(iemocap.results, "iemocap--mfcc")
    starred = [str(row) for name, row in zip(found["protocol"], found["row"], strict=True) if "star" in name]
    assert f"let the test part select: {', '.join(starred)}." in iemocap.text
    assert set(found.loc[found["protocol"].str.contains("star"), "selected by"]) == {"TEST part"}
    shared = found.loc[found["speakers shared"] != "no", "row"].astype(str).tolist()
    assert f"has tested speakers in training too: {', '.join(shared)}." in iemocap.text
    bars = iemocap.text.split("other classes are tested: ")[1].split("\n")[0].rstrip(".")
    groups = [set(part.strip().split(", ")) for part in bars.split("|")]
    assert {str(found.loc["loso", "row"])} in groups, "eleven labels are another task than four classes"
    (fair,) = re.findall(r"May be compared .*: (.+)\.", iemocap.text)
    assert not set(fair.split(", ")) & {*starred, *shared}


def test_published_numbers_stand_in_their_own_column(translate: Call, results: Path) -> None:
    row = {
        "source": "somebody", "table": "7", "metric": "WA", "value": 12.34,
        "ours": {"recipes": ["synthetic_5fold"], "upstream": "mfcc", "select": "dev"},
    }  # fmt: skip
    published = {"sources": {"somebody": {"id": "arXiv:0000.00000"}}, "records": [row]}
    results.mkdir()
    (results / "published.json").write_text(json.dumps(published))
    code, out, err = translate("corpus=synthetic", "upstream=mfcc")
    assert code == 0, err
    found = table(results, "synthetic--mfcc")
    assert float(found.loc["synthetic_5fold", "published WA"]) == 12.34
    assert found.loc["loso", "published WA"] == ""
    assert "published (not ours)" in out
    assert "WA 12.34 (arXiv:0000.00000, Table 7)" in out


def test_one_selection_and_one_head_for_all(translate: Call, results: Path) -> None:
    code, out, err = translate(
        "corpus=synthetic", "upstream=mfcc", "select=last", "head=linear_svc", "head.C=0.5"
    )
    assert code == 0, err
    found = table(results, "synthetic--mfcc")
    assert set(found["selected by"]) == {"nothing"}
    assert set(found["head"]) == {"linear_svc"}
    assert all(record["head"]["settings"]["C"] == 0.5 for record in records(results).values())
    assert "Head: linear_svc" in out


def test_each_recipe_may_keep_its_own_head(translate: Call) -> None:
    code, out, err = translate("corpus=synthetic", "upstream=mfcc", "own_heads=true")
    assert code == 0, err
    assert "each recipe's own" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "corpus=NAME"),
        (("corpus=synthetic",), "upstream"),
        (("corpus=sinthetic", "upstream=mfcc"), "did you mean synthetic"),
        (("corpus=synthetic", "upstream=mfc"), "did you mean"),
        (("corpus=synthetic", "upstream=mfcc", "head=ldaa"), "did you mean lda"),
        (("corpus=synthetic", "upstream=mfcc", "head.alpha=1"), "alpha"),
        (("corpus=synthetic", "upstream=mfcc", "own_heads=true", "head=lda"), "one of the two"),
        (("corpus=synthetic", "upstream=mfcc", "recipe=loso"), "recipe=loso"),
        (("corpus=emodb", "upstream=mfcc"), "corpus.root"),
        (("corpus=synthetic", "upstream=mfcc", "select=best"), "select"),
    ],
)
def test_bad_input_gets_one_message(translate: Call, words: tuple[str, ...], said: str) -> None:
    code, _, err = translate(*words)
    assert code == 2, err
    assert "Traceback" not in err
    assert said in err


def test_folds_of_others_are_read_where_a_folder_is_given(
    translate: Call, results: Path, shared: Path
) -> None:
    """EmoBox's own folds of EmoDB on its real audio: 5 folds, all ten speakers on both sides."""
    root, folds = shared / "corpora" / "emodb", shared / "reference" / "formats" / "emobox" / "emodb"
    if not root.is_dir() or not folds.is_dir():
        pytest.skip("needs EmoDB's sound files and EmoBox's lists")
    code, out, err = translate(
        "corpus=emodb", "upstream=mfcc", f"corpus.root={root}", f"emobox={folds}", "resamples=100"
    )
    assert code == 0, err
    found = table(results, "emodb--mfcc")
    assert found.loc["emobox", "speakers shared"] == "yes, 10"
    assert found.loc["emobox", "tested"] == 535
    assert "emodb_loso, loso" in found.index
    assert float(found.loc["emobox", "WA"]) > float(found.loc["emodb_loso, loso", "WA"]) + 5
    assert str(folds) not in "".join(path.read_text() for path in (results / "records").iterdir())
    assert str(shared) not in out
