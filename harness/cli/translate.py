"""`translate`: one set of stored features under every protocol of a corpus."""

from __future__ import annotations

from pathlib import Path

from harness.cli._verb import Verb, say, settings
from harness.errors import ConfigError

FOR_ALL = (
    "corpus.root", "corpus.on_fault", "upstream.", "seeds", "resamples", "batch_seconds", "device", "engine",
    "precision", "store", "scale", "scale.", "results", "force", "track",
)  # fmt: skip
"""Overrides that are handed to every recipe as they are."""
HEAD = ("head", "head.", "view", "view.")
OWN = ("corpus", "upstream", "select", "own_heads")


def _translate(words: list[str]) -> None:
    from harness.translate import FOLDERS, Request, translate, write_translation

    given = settings(words, (*OWN, *FOR_ALL, *HEAD, *FOLDERS), "translate")
    for name in ("corpus", "upstream"):
        _require(given.get(name), name, words)
    head = tuple(word for word in words if _key(word) in HEAD or word.startswith(("head.", "view.")))
    if head and given.get("own_heads"):
        raise ConfigError(
            "own_heads=true leaves nothing to set about the head",
            got=" ".join(head),
            wanted="one of the two",
            next_step="drop own_heads=true to hold one head over the whole table",
        )
    select = [f"split.select={given['select']}"] if "select" in given else []
    request = Request(
        corpus=str(given["corpus"]),
        upstream=str(given["upstream"]),
        settings=(*(word for word in words if _for_all(word)), *select),
        head=head,
        own_heads=given.get("own_heads") is True,
        folders={name: str(given[name]) for name in FOLDERS if name in given},
    )
    say(write_translation(translate(request), Path(str(given.get("results", "results")))))


def _key(word: str) -> str:
    return word.partition("=")[0]


def _for_all(word: str) -> bool:
    return _key(word) in FOR_ALL or word.startswith("upstream.")


def _require(value: object, name: str, words: list[str]) -> None:
    if not value:
        raise ConfigError(
            f"translate needs a {name}",
            got=" ".join(words) or "nothing",
            wanted="corpus=NAME upstream=NAME",
            next_step="python -m harness translate corpus=synthetic upstream=egemaps",
        )


TRANSLATE = Verb(
    "one set of stored features under every protocol of a corpus, in one table",
    """python -m harness translate corpus=NAME upstream=NAME [corpus.root=DIR] [key=value ...]

  corpus=NAME upstream=NAME   see `list`; features are extracted once and serve every protocol
  head=NAME view=NAME         held fixed over the table; lda on weighted unless said otherwise
  own_heads=true              each recipe keeps its own head and view instead
  select=dev|test|last        the same selection rule for all; else each recipe's own
  emobox=DIR emo_superb=DIR superb_files=DIR hear=DIR
                              folders with other projects' own fold files; without them those are listed, not run
  upstream.path=DIR corpus.on_fault=WHAT seeds=[0,1] results=DIR force=true track=false   as in `run`

Every row is a recorded run and is not trained again. The table is kept under results/translations/.

examples
  python -m harness translate corpus=synthetic upstream=egemaps
  python -m harness translate corpus=emodb upstream=egemaps corpus.root=/data/emodb emobox=/EmoBox/data/emodb""",
    _translate,
)
