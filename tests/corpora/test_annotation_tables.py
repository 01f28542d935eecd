"""Tables are read by the names of their columns in either encoding, and refused by file, line and column."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpora._annotation import find_files
from harness.corpora._parts import part_named
from harness.corpora._tables import read_table
from harness.errors import CorpusError


def table(folder: Path, content: bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(content)
    return path


CELL = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)


@given(
    st.lists(st.tuples(CELL, CELL), max_size=5),
    st.sampled_from(",|;"),
    st.sampled_from(["utf-8", "utf-8-sig"]),
)
def test_every_cell_comes_back_without_the_blanks_around_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], separator: str, encoding: str
) -> None:
    path = tmp_path_factory.mktemp("table") / "table.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerows([("Second", "other", " FIRST "), *((two, "x", one) for one, two in rows)])
    read = read_table(path, ("first", "second"), separator)
    assert [(row["First"], row["second"]) for row in read] == [
        (one.strip(), two.strip()) for one, two in rows
    ]


def test_what_is_no_utf8_is_read_as_cp1252_and_the_rest_is_refused(tmp_path: Path) -> None:
    assert read_table(table(tmp_path, b"a,b\nit\x92s,\xe9\n"), ("a",))[0].values == {"a": "it’s", "b": "é"}
    with pytest.raises(CorpusError, match="no known encoding"):
        read_table(table(tmp_path, b"a,b\n\x81\x8d,x\n"), ("a",))


def test_a_missing_column_is_told_with_what_was_found(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="lacks the column emotion") as fault:
        read_table(table(tmp_path, b"path;label\nx;y\n"), ("path", "emotion"), ";")
    assert str(fault.value.got) == f"{tmp_path}/table.csv, line 1: path, label"
    assert fault.value.wanted == "path, emotion"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf"])
def test_an_empty_table_has_no_columns(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="lacks the column a"):
        read_table(table(tmp_path, content), ("a",))


def test_the_line_is_that_of_the_file_where_cells_go_over_lines(tmp_path: Path) -> None:
    path = table(tmp_path, b'a,b\n"two\nlines",1\n\nx,one\n')
    one, two = read_table(path, ("a", "b"))
    assert (one["a"], one.number("b"), one.line, two.line) == ("two\nlines", 1, 3, 5)
    with pytest.raises(CorpusError, match=r"line 5, column b: 'one'"):
        two.number("b")
    with pytest.raises(CorpusError, match=r"line 2: 3 cells"):
        read_table(table(tmp_path, b"a,b\n1,2,3\n"), ("a",))


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "1,5", ""])
def test_a_score_is_a_finite_number(cell: str, tmp_path: Path) -> None:
    (row,) = read_table(table(tmp_path, f'a;b\nx;"{cell}"\n'.encode()), ("a",), ";")
    with pytest.raises(CorpusError, match="line 2, column b"):
        row.real("b")


def test_a_table_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="cannot be read"):
        read_table(tmp_path, ("a",))


def test_files_are_found_by_preference_then_by_depth_and_never_below_what_macos_leaves(
    tmp_path: Path,
) -> None:
    names = ("b.csv", "x/y/A.csv", "x/b.csv", "._a.csv", "__MACOSX/a.csv", ".git/a.csv", "1/2/3/4/a.csv")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert find_files(tmp_path, ["a.csv", "b.csv"]) == ["x/y/A.csv", "b.csv", "x/b.csv"]


@pytest.mark.parametrize("word", ["Test10", "devel", " Valid "])
def test_parts_in_the_owners_words(word: str) -> None:
    assert part_named(word) == {"Test10": "test10", "devel": "dev", " Valid ": "dev"}[word]
