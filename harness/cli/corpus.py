"""`corpus WORD NAME`: what one can do with a copy of a corpus before any model is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.cli._verb import Verb, say, settings
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


WORDS: Mapping[str, Callable[[str, list[str]], None]] = {"check": _check}
"""What can be done with a corpus."""

CORPUS = Verb(
    "check NAME root=DIR: compare your copy of a corpus with what is expected",
    """python -m harness corpus check NAME root=DIR

Lists by name what is missing, extra or damaged; exits with 2 where the copy is not sound.

example
  python -m harness corpus check emodb root=/data/emodb""",
    _corpus,
)
