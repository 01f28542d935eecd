"""Every table: the printed figures are all there, once and to the digit; commands compose; misprints are told."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import config, parts
from harness.cli import main
from harness.sweep import from_mapping, hydra_words
from harness.tables import read_layout, table_names

PAPER = "emotion2vec_2312.15185"
NAMES = table_names()
Made = Callable[[str, str], str]
Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Every table without a run of ours: its text by name and ending."""
    results = tmp_path_factory.mktemp("tables")
    assert main(["table", *NAMES, f"results={results}"]) == 0
    return lambda name, ending: (results / "tables" / f"{name}.{ending}").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def cells(made: Made) -> dict[str, Rows]:
    """The CSV of every table."""
    return {name: list(csv.DictReader(io.StringIO(made(name, "csv")))) for name in NAMES}


def test_the_paper_has_its_eleven_tables() -> None:
    assert [name for name in NAMES if name.startswith("emotion2vec/")] == [
        f"emotion2vec/{number}" for number in range(1, 12)
    ]


def test_every_published_number_stands_in_one_cell_to_the_digit(
    cells: dict[str, Rows], published: dict[str, Any]
) -> None:
    sources = {read_layout(name).head.source for name in NAMES}
    shown = Counter(
        (row["source"], row["table"], row["metric"], row["published"])
        for rows in cells.values()
        for row in rows
    )
    tables = {(rows[0]["source"], rows[0]["table"]) for rows in cells.values()}
    printed = Counter(
        (one["source"], str(one["table"]), one["metric"], one["printed"])
        for one in published["records"]
        if one["source"] in sources and (one["source"], str(one["table"])) in tables
    )
    assert shown == printed
    assert sum(1 for one in published["records"] if one["source"] == PAPER) == sum(
        len(rows) for rows in cells.values() if rows[0]["source"] == PAPER
    )


def test_what_is_printed_is_what_is_compared_with(published: dict[str, Any]) -> None:
    for one in published["records"]:
        if one["source"] == PAPER:
            assert float(str(one["printed"]).strip(">")) == one["value"]


@pytest.mark.parametrize("name", NAMES)
def test_markdown_shows_the_printed_figures_in_the_paper_s_order(
    name: str, cells: dict[str, Rows], made: Made
) -> None:
    lines = [line.split("|")[1:-1] for line in made(name, "md").splitlines() if "| published |" in line]
    stubs = len(read_layout(name).stubs)
    shown = [cell.strip() for line in lines for cell in line[stubs + 1 :] if cell.strip()]
    assert shown == [row["published"] for row in cells[name]]


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_without_a_run_shows_what_fills_it(name: str, cells: dict[str, Rows]) -> None:
    for row in cells[name]:
        assert row["ours"] == row["difference"] == row["record"] == row["marks"] == ""
        assert bool(row["command"]) != bool(row["why_not_ours"]) or not read_layout(name).head.scored


@pytest.mark.parametrize("name", NAMES)
def test_every_command_composes(name: str, cells: dict[str, Rows], published: dict[str, Any]) -> None:
    composed: dict[str, Any] = {}
    for row in cells[name]:
        command = row["command"]
        if command and command not in composed:
            words = command.removeprefix("python -m harness ").split()
            composed[command] = _sweep(words[1:]) if words[0] == "sweep" else _run(words[1:])
    for row in cells[name]:
        if row["command"].startswith("python -m harness run"):
            _check_run(composed[row["command"]], row, published)


def _run(words: list[str]) -> config.RunConfig:
    (recipe,) = (word.removeprefix("recipe=") for word in words if word.startswith("recipe="))
    return config.compose(recipe, [word for word in words if not word.startswith("recipe=")])


def _sweep(words: list[str]) -> object:
    (ablation,) = (word.removeprefix("recipe=ablation/") for word in words if word.startswith("recipe="))
    rest = [word for word in words if not word.startswith("recipe=")]
    cell = from_mapping(
        ablation, config.hydra_compose(f"ablation/{ablation}", hydra_words(rest), command="sweep")
    )
    assert cell.settings.comparable
    assert set(cell.settings.roots) == set(cell.settings.trained_corpora)
    return cell


def _check_run(run: config.RunConfig, row: dict[str, str], published: dict[str, Any]) -> None:
    """The command is that of the record's own `ours`: recipe, selection rule and checkpoint."""
    (ours,) = {
        repr(one["ours"]): one["ours"]
        for one in published["records"]
        if (one["source"], str(one["table"]), one["metric"], str(one["printed"]))
        == (row["source"], row["table"], row["metric"], row["published"])
        and one.get("ours")
        and one["ours"].get("upstream", run.upstream.name) == run.upstream.name
        and run.recipe in one["ours"]["recipes"]
    }.values()
    assert run.split.settings["select"] == ours["select"]
    assert run.corpus.root
    assert {"wa", "ua", "wf1", "macro_f1"} >= set(run.metrics or [])


@pytest.mark.parametrize("name", NAMES)
def test_recipes_and_cards_of_a_layout_exist(name: str) -> None:
    layout = read_layout(name)
    named = {one.recipe for one in (*layout.rows, *(c for block in layout.blocks for c in block))} - {""}
    assert named <= set(parts.recipe_names())


def test_all_28_misprints_are_footnotes(made: Made, published: dict[str, Any]) -> None:
    pages = {name: made(name, "md") for name in NAMES}
    told = {
        text
        for page in pages.values()
        for text in re.findall(r"^\[\^\w\]: Printed.*?: (.+)\. Rather: ", page, re.MULTILINE)
    }
    flags = [flag for flag in published["flags"] if flag["source"] == PAPER]
    assert len(flags) == 28
    assert {flag["printed"].replace("*", r"\*").replace("|", r"\|") for flag in flags} == told
    for flag in flags:
        if flag["table"].isdigit():
            assert flag["reading"].replace("*", r"\*") in pages[f"emotion2vec/{flag['table']}"]


@pytest.mark.parametrize("name", NAMES)
def test_every_footnote_hangs_somewhere(name: str, made: Made) -> None:
    page, _, notes = made(name, "md").partition("## Misprints")
    letters = re.findall(r"^\[\^(\w)\]:", notes, re.MULTILINE)
    assert set(letters) == set(re.findall(r"\[\^(\w)\]", page))
    assert letters == sorted(letters)


def test_footnotes_stand_at_their_row_and_column(made: Made) -> None:
    assert re.search(r"^\| TIM-Net \(Ye et al., 2023\)\[\^\w\] \|", made("emotion2vec/2", "md"), re.MULTILINE)
    assert re.search(r"\| RESD \(Ru\)\[\^\w\] WA \|", made("emotion2vec/4", "md"))
    assert re.search(
        r"^\| 1\[\^\w\] \| published \| 72.14 \| 72.84 \| 72.13 \|",
        made("emotion2vec/11", "md"),
        re.MULTILINE,
    )


@pytest.mark.parametrize("name", NAMES)
def test_latex_is_whole(name: str, made: Made) -> None:
    """Environments close, every line has as many columns as its tabular, nothing special is left bare."""
    text = made(name, "tex")
    assert _environments(text) == []
    for columns, body in re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", text, re.DOTALL):
        assert set(columns) <= {"l", "r"}
        lines = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert lines
        assert {_width(line) for line in lines} == {len(columns)}
        assert [body.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]
    for part in re.findall(r"\\begin\{threeparttable\}(.*?)\\end\{threeparttable\}", text, re.DOTALL):
        assert part.count(r"\begin{tabular}") == 1
    assert (text.count(r"\caption"), text.count(r"\label")) == (1, 1)
    content = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert not re.search(r"(?<!\\)[#%_^~]", content.replace(f"tab:{name.replace('/', ':')}", ""))
    assert content.count("{") - content.count(r"\{") == content.count("}") - content.count(r"\}")
    assert set(re.findall(r"\\tnote\{(.*?)\}", content)) <= {
        ",".join(letters) for letters in _groups(re.findall(r"\\item\[(\w)\]", content))
    }


def _environments(text: str) -> list[str]:
    open_ones: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            open_ones.append(name)
        else:
            assert open_ones.pop() == name
    return open_ones


def _width(line: str) -> int:
    spans = [int(number) for number in re.findall(r"\\multicolumn\{(\d+)\}", line)]
    return len(re.findall(r"(?<!\\)&", line)) + 1 + sum(span - 1 for span in spans)


def _groups(letters: list[str]) -> list[list[str]]:
    """Every run of letters in order: what one place can carry."""
    small = [letter for letter in letters if letter.islower()]
    return [
        [one for place, one in enumerate(small) if mask >> place & 1] for mask in range(1, 1 << len(small))
    ]


def test_names_are_listed(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["table"]) == 0
    assert [line.split()[0] for line in capfd.readouterr().out.splitlines()] == NAMES


def test_an_unknown_table_gets_a_hint(results: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "emotion2vec/2", "emotion2vec/22", f"results={results}"]) == 2
    out, err = capfd.readouterr()
    assert "did you mean emotion2vec/2" in err
    assert out == ""
    assert not (results / "tables").exists()


def test_a_setting_that_there_is_not_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "emotion2vec/2", "format=tex"]) == 2
    assert "results=..." in capfd.readouterr().err
