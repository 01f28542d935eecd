"""ESD: its parts and parallel sentences from the names, its texts in every encoding and shape of the owners."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from corpus_folders import by_id as rows
from corpus_folders import only
from hypothesis import given
from hypothesis import strategies as st

from harness.corpora import esd
from harness.corpora._esd_text import decoded, read_texts

Tree = Callable[..., Path]


@pytest.mark.parametrize(
    ("folder", "part"), [("", ""), ("train/", "train"), ("evaluation/", "dev"), ("test/", "test")]
)
def test_esd_official_parts_are_read_where_a_copy_has_them(folder: str, part: str, tree: Tree) -> None:
    one = only(esd, tree([f"Emotion Speech Dataset/0011/Angry/{folder}0011_000351.wav"]))
    assert (one.id, one.split, one.language, one.gender) == ("0011_000351", part, "en", "male")
    assert (one.label_raw, one.sentence) == ("Angry", "en001")


def test_esd_parallel_sentences_have_one_code_per_language(tree: Tree) -> None:
    found = rows(esd, tree(["0001/Neutral/0001_000001.wav"]))
    assert {found[name].sentence for name in ("0001_000007", "0003_000357", "0010_001407")} == {"zh007"}
    assert found["0011_000007"].sentence == "en007"
    speakers = Counter(one.sentence for one in found.values())
    assert len(speakers) == 700
    assert set(speakers.values()) == {50}


MANDARIN, ENGLISH = "编造的句子。", "Invented, café."
LINES = {"zh": f"0001_000001\t{MANDARIN}\t中立\n", "en": f"0011_000001\t{ENGLISH}\tNeutral\n"}


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        *(
            ("zh", name)
            for name in ("gb2312", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-8", "utf-8-sig")
        ),
        *(("en", name) for name in ("latin-1", "utf-16", "utf-16-le", "utf-8", "utf-8-sig")),
    ],
)
def test_esd_texts_in_every_encoding_of_the_owners(language: str, encoding: str, tmp_path: Path) -> None:
    clip = LINES[language][:11]
    (tmp_path / f"{clip[:4]}.txt").write_bytes(LINES[language].encode(encoding))
    texts = read_texts(tmp_path, [(clip[:4], language)])
    assert texts == {clip: MANDARIN if language == "zh" else ENGLISH}


def test_esd_english_with_chinese_quotation_marks_is_gb_2312() -> None:
    said = "0011_000001\tIt “is” invented…\tNeutral"
    assert decoded(said.encode("gb2312"), "en") == said
    assert decoded(said.encode("cp1252"), "en") == said
    assert decoded("It’s invented".encode("cp1252"), "en") == "It’s invented"


def test_esd_mandarin_with_a_damaged_byte_loses_that_character_only() -> None:
    assert decoded(MANDARIN.encode("gb2312") + b"\xff", "zh") == MANDARIN + "\ufffd"


@given(st.binary(max_size=400), st.sampled_from(["zh", "en"]))
def test_esd_text_of_any_bytes_is_decoded_without_complaint(content: bytes, language: str) -> None:
    assert isinstance(decoded(content, language), str)


@given(st.lists(st.text(max_size=60), max_size=8))
def test_esd_lines_of_any_kind_never_stop_and_never_invent_a_clip(lines: list[str]) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        (Path(folder) / "0011.txt").write_text("\n".join(lines), encoding="utf-8", errors="replace")
        texts = read_texts(Path(folder), [("0011", "en")])
    assert all(re.fullmatch(r"\d{4}_\d{6}", clip, re.ASCII) for clip in texts)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("0011_000001\tInvented sentence.\tNeutral", "Invented sentence."),
        ("0011_000001 Invented sentence. Neutral", "Invented sentence."),
        ("0011_000001\tInvented sentence.", "Invented sentence."),
        ("0011_000001\tInvented sentence.\tneutral \t", "Invented sentence."),
        ("  0011_000001\t\tInvented sentence.\t\tNeutral", "Invented sentence."),
        ("0011_000001\tHow sad\tNeutral", "How sad"),
        ("0011_000001\tIt’s “so” sad\tSad", "It’s “so” sad"),
        ("0011_000001\tInvented\x85 sentence.\tNeutral", "Invented\x85 sentence."),
        ("0011_000001Invented sentence.\tNeutral", "Invented sentence."),
        ("0011_0000012\tInvented sentence.\tNeutral", None),
        ("0011_000001\t\tNeutral", None),
        ("0011_000001", None),
        ("Invented sentence.\tNeutral", None),
        ("", None),
    ],
)
def test_esd_malformed_lines_cost_a_text_at_most(
    line: str, text: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "0011.txt").write_text(f"{line}\n0011_000002\tAnother.\tNeutral\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        texts = read_texts(tmp_path, [("0011", "en")])
    wanted = {} if text is None else {"0011_000001": text}
    assert texts == wanted | {"0011_000002": "Another."}
    assert ("1 lines" in caplog.text) is (text is None and line != "")


def test_esd_samples_of_the_true_format(shared: Path, tree: Tree) -> None:
    texts = read_texts(shared / "reference" / "samples" / "esd", [("0001", "zh"), ("0011", "en")])
    assert set(texts) == {"0001_000001", "0001_000351", "0011_000001", "0011_000351"}
    assert texts["0011_000351"] == "Invented sentence."
    assert texts["0001_000001"].endswith("。")
