"""IEMOCAP's own layout: held to the published counts and to every row of the true listing."""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import soundfile

from harness.corpora import check_corpus, iemocap, load_corpus
from harness.errors import CorpusError
from harness.manifest import FaultKind, Manifest


class Tree:
    """A built tree and the rows it was built from."""

    def __init__(self, root: Path, rows: list[dict[str, Any]]) -> None:
        self.root, self.rows = root, rows


@pytest.fixture
def small(iemocap_tree: ModuleType, tmp_path: Path) -> Tree:
    """40 invented turns of 10 speakers."""
    rows = iemocap_tree.invented_rows(turns_per_speaker=2)
    return Tree(iemocap_tree.build_iemocap_tree(tmp_path / "IEMOCAP_full_release", rows), rows)


def read_by_id(root: Path) -> dict[str, Any]:
    return {utterance.id: utterance for utterance in iemocap.read(root)}


def test_an_invented_tree_is_read_row_by_row(small: Tree) -> None:
    found = read_by_id(small.root)
    assert len(found) == len(small.rows) == 40
    for row in small.rows:
        one = found[row["utt"]]
        assert (one.path, one.speaker, one.gender, one.label_raw, one.session, one.dialogue, one.turn) == (
            row["path"],
            row["speaker"],
            row["gender"],
            row["label_raw"],
            str(row["session"]),
            row["dialogue"],
            row["turn"],
        )
        assert one.text == f"Text of {row['utt']}."
        assert one.start_s is one.end_s is None
        assert one.expected_duration_s == pytest.approx(0.05, abs=1e-4)  # the annotation has four decimals


def test_a_tree_that_is_not_whole_stops_and_goes_on_if_told(small: Tree) -> None:
    with pytest.raises(CorpusError, match="40 utterances are listed here, the corpus has 10039"):
        load_corpus(iemocap, small.root)
    manifest = load_corpus(iemocap, small.root, on_fault="skip")
    assert len(manifest) == 40
    assert manifest.dropped == {}


def test_what_lies_beside_the_annotations_is_not_read(small: Tree) -> None:
    before = read_by_id(small.root)
    evaluation = small.root / "Session1/dialog/EmoEvaluation"
    head = "[1.0000 - 1.0500]\tSes01F_impro91_F777\tang\t[2.5000, 2.5000, 2.5000]\n"
    for name in (
        "._Ses01F_impro91.txt",
        "Categorical/Ses01F_impro91.txt",
        "Self-evaluation/a.txt",
        "notes.anvil",
    ):
        (evaluation / name).parent.mkdir(exist_ok=True)
        (evaluation / name).write_text(head)
    (evaluation / "._binary.txt").write_bytes(b"\x00\x05\x16\x07")
    (small.root / "._Session9").mkdir()
    assert read_by_id(small.root) == before


def test_dot_files_among_the_sound_are_no_faults(small: Tree) -> None:
    sound = small.root / "Session1/sentences/wav/Ses01F_impro91"
    (sound / "._Ses01F_impro91_F000.wav").write_bytes(b"AppleDouble")
    assert FaultKind.UNEXPECTED.value not in check_corpus(iemocap, small.root).counts()


def test_texts_with_repeated_and_foreign_lines(small: Tree) -> None:
    path = small.root / "Session1/dialog/transcriptions/Ses01F_impro91.txt"
    repeated = "Ses01F_impro91_F000 [900.0000-901.0000]: A later line with the same id."
    path.write_text("\n".join(["", "F: no id", repeated, path.read_text(), "Ses01F_impro91_F999 broken"]))
    assert read_by_id(small.root)["Ses01F_impro91_F000"].text == "Text of Ses01F_impro91_F000."
    path.write_bytes(b"Ses01F_impro91_F000 [005.1200-005.1700]: caf\xe9\r\n")
    found = read_by_id(small.root)
    assert found["Ses01F_impro91_F000"].text.startswith("caf")
    assert found["Ses01F_impro91_M000"].text == ""
    path.unlink()
    assert read_by_id(small.root)["Ses01F_impro91_F000"].text == ""


def test_equal_start_times_keep_the_order_of_the_file(small: Tree) -> None:
    path = small.root / "Session1/dialog/EmoEvaluation/Ses01F_impro91.txt"
    found = read_by_id(small.root)
    first, second = "Ses01F_impro91_F001", "Ses01F_impro91_M001"
    assert found[second].turn == found[first].turn + 1
    lines = path.read_text().splitlines()
    start = next(line for line in lines if first in line).split(" - ")[0]
    path.write_text(
        "\n".join(start + " - " + line.split(" - ")[1] if second in line else line for line in lines)
    )
    again = read_by_id(small.root)
    assert (again[first].turn, again[second].turn) == (found[first].turn, found[second].turn)


def test_a_missing_dialogue_is_named_by_its_sound(small: Tree) -> None:
    (small.root / "Session2/dialog/EmoEvaluation/Ses02F_impro91.txt").unlink()
    report = check_corpus(iemocap, small.root)
    extra = [fault.path for fault in report.faults if fault.kind is FaultKind.UNEXPECTED]
    assert len(extra) == 4
    assert all("/Ses02F_impro91/" in path for path in extra)


def test_a_head_that_cannot_be_read_is_named(small: Tree, caplog: pytest.LogCaptureFixture) -> None:
    path = small.root / "Session1/dialog/EmoEvaluation/Ses01F_impro91.txt"
    path.write_text(path.read_text().replace("Ses01F_impro91_F001\t", "garbled ", 1))
    with caplog.at_level(logging.WARNING):
        report = check_corpus(iemocap, small.root)
    assert "Ses01F_impro91.txt, line" in caplog.text
    assert report.utterances == 39
    assert any(fault.path.endswith("Ses01F_impro91_F001.wav") for fault in report.faults)


def test_damaged_turns_are_named(small: Tree) -> None:
    folder = small.root / "Session3/sentences/wav/Ses03F_impro91"
    (folder / "Ses03F_impro91_F000.wav").unlink()
    content = (folder / "Ses03F_impro91_F001.wav").read_bytes()
    (folder / "Ses03F_impro91_F001.wav").write_bytes(content[:500])
    samples, rate_hz = soundfile.read(folder / "Ses03F_impro91_M000.wav")
    soundfile.write(folder / "Ses03F_impro91_M000.wav", [*samples, *samples, *samples, *samples], rate_hz)
    kinds = {fault.path[-8:]: fault.kind for fault in check_corpus(iemocap, small.root).faults}
    assert kinds["F000.wav"] is FaultKind.MISSING
    assert kinds["F001.wav"] is FaultKind.UNREADABLE
    assert kinds["M000.wav"] is FaultKind.WRONG_DURATION


def test_cut_points_within_the_tolerance_are_accepted(small: Tree) -> None:
    path = small.root / small.rows[0]["path"]
    samples, rate_hz = soundfile.read(path)
    soundfile.write(path, samples[:-160], rate_hz)
    counts = check_corpus(iemocap, small.root).counts()
    assert counts == {"count mismatch": 1}


@pytest.mark.parametrize("place", [".", "Session1", "Session1/sentences/wav"])
def test_a_level_too_low_or_too_high_is_answered_with_the_root(small: Tree, place: str) -> None:
    given = small.root.parent if place == "." else small.root / place
    with pytest.raises(CorpusError) as fault:
        load_corpus(iemocap, given)
    assert f"did you mean corpus.root={small.root} ?" in str(fault.value.next_step)


def test_the_owners_sample_files_are_read_as_expected(shared: Path) -> None:
    sample = shared / "reference" / "samples" / "iemocap"
    expected = json.loads((sample / "EXPECTED.json").read_text(encoding="utf-8"))
    turns = list(iemocap.read(sample))
    for dialogue, wanted in expected.items():
        found = [turn for turn in turns if turn.dialogue == dialogue]
        assert [turn.id for turn in found] == wanted["turn_order"]
        assert [turn.turn for turn in found] == list(range(len(found)))
        assert [turn.label_raw for turn in found] == wanted.get("labels", [turn.label_raw for turn in found])
        assert [turn.speaker for turn in found] == wanted.get("speakers", [turn.speaker for turn in found])
    assert turns[0].text == "Invented line one."
    assert next(turn for turn in turns if turn.id == "Ses01F_impro01_M000").text.endswith("[LAUGHTER]")


class Whole:
    """The tree of the true listing, loaded twice."""

    def __init__(self, root: Path, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.manifest: Manifest = load_corpus(iemocap, root)
        self.told: list[tuple[int, int]] = []
        self.again: Manifest = load_corpus(iemocap, root, progress=lambda *now: self.told.append(now))


@pytest.fixture(scope="module")
def whole(iemocap_tree: ModuleType, listing: Any, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    rows = listing("iemocap")
    root = tmp_path_factory.mktemp("whole") / "IEMOCAP_full_release"
    return Whole(iemocap_tree.build_iemocap_tree(root, rows, seconds=0.02), rows)


def test_the_whole_corpus_has_the_published_counts(whole: Whole) -> None:
    table = whole.manifest.table
    assert whole.manifest.faults == ()
    assert len(table) == 10_039
    labels = Counter(table["label_raw"].tolist())
    assert labels == {
        "neu": 1708,
        "fru": 1849,
        "ang": 1103,
        "sad": 1084,
        "exc": 1041,
        "hap": 595,
        "sur": 107,
        "fea": 40,
        "oth": 3,
        "dis": 2,
        "xxx": 2507,
    }
    four = table[table["label_raw"].isin(["neu", "hap", "exc", "ang", "sad"])]
    assert len(four) == 5531
    assert four["session"].value_counts().sort_index().tolist() == [1085, 1023, 1151, 1031, 1241]
    assert (labels["hap"] + labels["exc"], len(set(table["dialogue"])), len(set(table["speaker"]))) == (
        1636,
        151,
        10,
    )


def test_every_row_is_the_listings(whole: Whole) -> None:
    columns = ["path", "id", "speaker", "gender", "label_raw", "label", "session", "dialogue", "turn"]
    found = set(whole.manifest.table[columns].itertuples(index=False, name=None))
    names = ("path", "utt", "speaker", "gender", "label_raw", "label", "session", "dialogue", "turn")
    wanted = {
        tuple(str(row[name]) if name == "session" else row[name] for name in names) for row in whole.rows
    }
    assert len(wanted) == 10_039
    assert found == wanted


def test_the_second_load_decodes_nothing_and_is_the_same(whole: Whole) -> None:
    assert whole.again.content_hash() == whole.manifest.content_hash()
    assert whole.told == [(10_039, 10_039)]
