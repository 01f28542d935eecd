"""A layout that does not fit the printed numbers is refused by name; one file adds a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from harness import parts
from harness.cli import main
from harness.errors import HarnessError
from harness.paths import own_recipes
from harness.tables import table_names, write_table

MINE = {
    "source": "decoding_emotions_2308.08713",
    "number": "abstract",
    "title": "one number",
    "scored": False,
    "blocks": [[{"title": "Improvement", "metrics": ["relative_error_reduction_pct"]}]],
}
Write = Callable[..., str]


@pytest.fixture
def write(cache: Path) -> Write:
    """A table of one's own in one's own recipes; gone after the test."""
    folder = own_recipes() / "table" / "mine"
    folder.mkdir(parents=True)
    path = folder / "1.yaml"

    def made(**changes: object) -> str:
        path.write_text(yaml.safe_dump(MINE | changes), encoding="utf-8")
        return "mine/1"

    yield made
    path.unlink()
    folder.rmdir()


def table_two() -> dict[str, object]:
    return parts.read_yaml(parts.RECIPES / "table" / "emotion2vec" / "2.yaml")


def test_a_table_is_one_file(write: Write, results: Path) -> None:
    from harness.board import read_published

    (row,) = (
        one
        for one in read_published(results)["records"]
        if (one["source"], one["table"]) == (MINE["source"], "abstract")
    )
    name = write(
        rows=[{"match": {"system": row["system"]}, "label": "all"}],
        blocks=[[{"title": "Improvement", "metrics": [row["metric"]]}]],
    )
    assert name in table_names()
    assert f"| all | published | {row['printed']} |" in write_table(name, results)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rows": [{"match": {"system": "nobody"}}]}, "matches nothing"),
        ({"rows": [{"match": {"dataset": "IEMOCAP"}}]}, "20 figures"),
        ({"rows": [{"match": {"system": "TIM-Net"}}], "footnotes": []}, "neither `ours` nor a reason"),
        ({"rows": [{"match": {"system": "TIM-Net"}, "why_not": "x"}]}, "why_not: no such setting"),
        ({"footnotes": [{"flag": "no such slip"}]}, "hangs on nothing"),
        ({"footnotes": [{"flag": "MSTR WA 70.03", "row": {"system": "MST"}}]}, "the match of a row"),
        ({"footnotes": [{"flag": "MSTR WA 70.03", "column": "IEMOCA"}]}, "did you mean IEMOCAP"),
        (
            {"blocks": [[{"title": "IEMOCAP", "metrics": ["WA"], "recipe": "iemocap_suberb"}]]},
            "iemocap_superb",
        ),
    ],
)
def test_a_layout_that_does_not_fit_is_refused(
    changes: dict[str, object], said: str, write: Write, results: Path
) -> None:
    name = write(**(table_two() | {"scored": True} | changes))
    with pytest.raises(HarnessError) as fault:
        write_table(name, results)
    assert said in str(fault.value)


def test_without_published_numbers_there_is_no_table(
    results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (results / "published.json").write_text('{"sources": {}, "flags": [], "records": []}')
    assert main(["table", "emotion2vec/2", f"results={results}"]) == 2
    assert "no published numbers" in capfd.readouterr().err
