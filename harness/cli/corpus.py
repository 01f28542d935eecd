"""`corpus WORD NAME`: what one can do with a copy of a corpus before any model is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from harness.cli._verb import Verb, say, settings
from harness.contracts import Corpus
from harness.errors import ConfigError, HarnessError, did_you_mean


def _corpus(words: list[str]) -> None:
    word, name = (*words, "", "")[:2]
    if word not in WORDS or not name or "=" in name:
        raise ConfigError(
            "corpus takes a word and a name",
            got=" ".join(words) or "nothing",
            wanted=f"WORD NAME [key=value ...], {did_you_mean(word, WORDS)}",
            next_step="python -m harness corpus check emodb root=/data/emodb",
        )
    WORDS[word](name, words[2:])


def _check(name: str, words: list[str]) -> None:
    from harness.catalogue import check_corpus_at

    root = settings(words, ("root",), "corpus check").get("root")
    text, sound = check_corpus_at(name, None if root is None else str(root))
    say(text)
    if not sound:
        raise HarnessError(
            f"this copy of {name} is not sound",
            got="the faults listed above",
            wanted="a complete, undamaged copy",
            next_step="get the named files again, or run with corpus.on_fault=skip or repair",
        )


def _get(name: str, words: list[str]) -> None:
    from pathlib import Path

    from harness import fetch, registry

    asked = settings(words, ("to", "keep_archives"), "corpus get")
    keep, to = asked.get("keep_archives", False), asked.get("to")
    if not isinstance(keep, bool):
        raise ConfigError("keep_archives is yes or no", got=keep, wanted="true or false")
    if "to" in asked and to is None:
        raise ConfigError("to names no folder", got="to=", wanted="to=DIR, or nothing for the cache")
    module = cast(Corpus, registry.load("corpora", name))
    say(fetch.announcement(module.FACTS))
    root = fetch.get_corpus(module, None if to is None else Path(str(to)), keep)
    say(fetch.next_steps(module.FACTS, root))


def _stats(name: str, words: list[str]) -> None:
    from pathlib import Path

    from harness.corpora import ON_FAULT
    from harness.corpus_stats import corpus_stats

    asked = settings(words, ("root", "results", "on_fault"), "corpus stats")
    root, on_fault = asked.get("root"), asked.get("on_fault", "stop")
    if on_fault not in ON_FAULT:
        raise ConfigError("no such on_fault", got=on_fault, wanted=did_you_mean(str(on_fault), ON_FAULT))
    results = Path(str(asked.get("results", "results")))
    say(corpus_stats(name, None if root is None else str(root), results, on_fault))


WORDS: Mapping[str, Callable[[str, list[str]], None]] = {"check": _check, "get": _get, "stats": _stats}
"""What can be done with a corpus."""

CORPUS = Verb(
    "check NAME root=DIR: compare your copy with what is expected; get NAME: fetch it; stats NAME: describe it",
    """python -m harness corpus check NAME root=DIR

Lists by name what is missing, extra or damaged; exits with 2 where the copy is not sound.

python -m harness corpus get NAME [to=DIR] [keep_archives=true]

Says licence and citation, fetches from the owners' open address (into the cache, or to DIR), goes on where an
earlier get was cut off, checks what came, unpacks it, and says which corpus.root= to use. Where the owners want
to be asked it says how, and exits with 2.

python -m harness corpus stats NAME root=DIR [results=DIR] [on_fault=skip|repair]

Count, duration, level and silence per class, speaker and gender; what tells the label without the voice; copies.
Writes a page with pictures, corpora/NAME/stats.html under the results folder, and the tables as CSV.

examples
  python -m harness corpus check emodb root=/data/emodb
  python -m harness corpus get emodb to=/data/emodb
  python -m harness corpus stats emodb root=/data/emodb""",
    _corpus,
)
