"""Makes results/CORPORA.md: what is known of every corpus, and what was read from a tree laid out by its listing.

    python tests/corpora/corpora_table.py

needs the listings beside the checkout. Grades are given from names and labels alone: no audio is in these trees.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import logging
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from harness import parts, registry  # noqa: E402
from harness.config import compose  # noqa: E402
from harness.contracts import CorpusFacts  # noqa: E402
from harness.corpora._load import canonical_label  # noqa: E402
from harness.errors import HarnessError  # noqa: E402
from harness.examine import examine  # noqa: E402

REFERENCE = ROOT.parent / "shared" / "reference"
LISTINGS = REFERENCE / "listings"
FORMATS = REFERENCE / "formats"
AUTHORS_FILES = {
    ("iemocap", "iemocap_emo_superb"): ("emo_superb/IEMOCAP/Secondary", "split.tables=[1]"),
    ("iemocap", "iemocap_superb_files"): ("superb", "split.missing=skip"),
    ("cremad", "emo_superb"): ("emo_superb/CREMA-D/Primary", "split.tables=[1,2]"),
}
"""Protocols whose folds are their authors' files: as many of these as lie among the reference files."""
PAGE = ROOT / "results" / "CORPORA.md"
Row = Mapping[str, Any]

HEAD = """# Corpora

Every corpus that can be read, and what was read of it. Made by `python tests/corpora/corpora_table.py`; a test
holds it.

- *rows*: expected of the owners' distribution / read from a folder laid out with the true names of the published
  listing (no sound in it) / among these, rows with the listing's canonical label. Where the first two differ, the
  notes below the table say why.
- *protocols*: recipes, and the grade that the split doctor gives their folds, from A (nothing shared) to F (the
  test itself is in training); a reason in brackets is why there is none. Graded from names and labels alone: the
  sound was not examined, so none is better than B, and where sentences are told by the owners' texts (MELD, M3ED,
  IEMOCAP, Emozionalmente, MSP-Podcast, ...) they were invented here and say nothing. Your copy with its sound and
  texts: `python -m harness audit recipe=NAME corpus.root=DIR`. `loso` is leave-one-speaker-out, `emobox` the folds
  that EmoBox publishes.

| corpus | language | licence | access | rows | protocols and grades |
|---|---|---|---|---|---|
"""


class Line(NamedTuple):
    """One corpus of the table."""

    facts: CorpusFacts
    read: int
    equal: int
    protocols: tuple[str, ...]

    def text(self) -> str:
        facts = self.facts
        access = facts.access.replace("|", "/")
        cells = [
            f"`{facts.name}` {facts.title}", ", ".join(facts.languages), facts.licence.replace("|", "/"), access,
            f"{facts.utterances} / {self.read} / {self.equal}", "; ".join(self.protocols) or "none",
        ]  # fmt: skip
        return f"| {' | '.join(cells)} |"


def listed() -> list[str]:
    """Corpora with a module and a listing."""
    return [name for name in registry.names("corpora") if (LISTINGS / f"{name}.jsonl.gz").is_file()]


def line(name: str, folder: Path) -> Line:
    """Lay out, read, compare, and grade every protocol; `folder` is filled."""
    with gzip.open(LISTINGS / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(text) for text in lines]
    trees = _trees()
    root = trees.lay_out(name, rows, folder / "corpus")
    module: Any = registry.load("corpora", name)
    found = {one.id: one for one in module.read(root)}
    labels = {row["utt"]: row.get("label") or "" for row in rows}
    equal = sum(labels.get(key) == canonical_label(one, module.FACTS) for key, one in found.items())
    speakers = {one.speaker for one in found.values()} - {""}
    graded = tuple(_graded(name, root, rows, folder, len(speakers)))
    return Line(module.FACTS, len(found), equal, graded)


def _graded(name: str, root: Path, rows: Sequence[Row], folder: Path, speakers: int) -> Iterator[str]:
    for recipe in _recipes_of(name):
        if (name, recipe) not in AUTHORS_FILES:
            yield f"{recipe} {_grade(recipe, [f'corpus.root={root}'])}"
    for (corpus, recipe), (place, setting) in AUTHORS_FILES.items():
        if corpus == name:
            words = [f"corpus.root={root}", f"split.folder={FORMATS / place}", setting]
            yield f"{recipe} {_grade(recipe, words)}"
    if speakers > 2 and f"{name}_loso" not in _recipes_of(name):
        yield f"loso {_grade('loso', [f'corpus={name}', f'corpus.root={root}'])}"
    if any("emobox_test_fold" in row for row in rows):
        folds = _emobox_folder(name, rows, folder / "emobox")
        words = [f"corpus={name}", f"corpus.root={root}", f"split.folder={folds}", "split.missing=skip"]
        yield f"emobox {_grade('emobox', words)}"


def _recipes_of(name: str) -> list[str]:
    named = []
    for recipe in parts.recipe_names():
        said = parts.read_yaml(parts.RECIPES / f"{recipe}.yaml")
        corpus = next(
            (one["corpus"] for one in said["defaults"] if isinstance(one, dict) and "corpus" in one), ""
        )
        if (
            corpus == name
            and not said.get("any_corpus")
            and "folder" not in json.dumps(said.get("split", {}))
        ):
            named.append(recipe)
    return named


def _grade(recipe: str, words: list[str]) -> str:
    try:
        report = examine(compose(recipe, words), audio=False)
    except HarnessError as fault:
        return f"({fault.what})"
    return report.diagnosis.grade.letter


def _emobox_folder(name: str, rows: Sequence[Row], folder: Path) -> Path:
    """EmoBox's fold files as its repository holds them, made from the fold numbers of the listing."""
    keyed = [row for row in rows if row.get("emobox_key")]
    numbers = sorted({row["emobox_test_fold"] for row in keyed if row.get("emobox_test_fold")})
    for number in numbers:
        parts_of_fold: dict[str, list[str]] = defaultdict(list)
        for row in keyed:
            part = "test" if row.get("emobox_test_fold") == number else "train"
            said = {"key": row["emobox_key"], "dataset": name, "wav": f"downloads/{name}/{row['path']}"}
            parts_of_fold[part].append(json.dumps(said, ensure_ascii=False))
        (folder / f"fold_{number}").mkdir(parents=True)
        for part, lines in parts_of_fold.items():
            path = folder / f"fold_{number}" / f"{name}_{part}_fold_{number}.jsonl"
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _trees() -> Any:
    spec = importlib.util.spec_from_file_location(
        "listing_trees", Path(__file__).with_name("listing_trees.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(lines: Sequence[Line]) -> str:
    """The whole page."""
    notes = [f"- `{one.facts.name}`: {one.facts.note or one.facts.counts_vary}" for one in lines
             if one.facts.note or one.facts.counts_vary]  # fmt: skip
    table = "\n".join(one.text() for one in lines)
    return f"{HEAD}{table}\n\n## Notes\n\n" + "\n".join(notes) + "\n"


def main() -> None:
    """Write the page."""
    from joblib import Parallel, delayed

    made = Parallel(n_jobs=2, verbose=20)(delayed(made_alone)(name) for name in listed())
    PAGE.write_text(page(list(made)), encoding="utf-8")


def made_alone(name: str) -> Line:
    """The line of one corpus, in a folder of its own."""
    logging.disable(logging.WARNING)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return line(name, Path(folder))
    finally:
        logging.disable(logging.NOTSET)


if __name__ == "__main__":
    main()
