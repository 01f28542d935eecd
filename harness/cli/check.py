"""`check` and `list`: a conformance card for an upstream, and what there is."""

from __future__ import annotations

from harness.cli._verb import Verb, say, settings
from harness.errors import ConfigError, UnknownNameError, did_you_mean


def _check(words: list[str]) -> None:
    from harness.check import check
    from harness.config import card_named

    given = settings(words, ("upstream", "device", "upstream."), "check")
    if not given.get("upstream"):
        raise ConfigError(
            "check needs an upstream",
            got=" ".join(words) or "nothing",
            wanted="upstream=NAME",
            next_step="python -m harness list upstream",
        )
    changes = {key.removeprefix("upstream."): value for key, value in given.items() if "." in key}
    for name in str(given["upstream"]).split(","):
        conformance = check(card_named(name, changes), str(given.get("device", "auto")))
        say(conformance.text())
        conformance.raise_if_broken()


def _list(words: list[str]) -> None:
    from harness.catalogue import KINDS, catalogue

    for word in words:
        if word not in KINDS:
            raise UnknownNameError(
                f"there is no list of {word}",
                got=word,
                wanted=did_you_mean(word, KINDS),
                next_step="python -m harness list",
            )
    say(catalogue(words or list(KINDS)))


CHECK = Verb(
    "a conformance card for an upstream, in seconds, on made-up audio",
    """python -m harness check upstream=NAME [upstream.path=DIR] [upstream.options.X=Y] [device=cpu]

Exits with 2 where a promise is broken. Without weights it checks the same code on a small random network, and
says so.

example
  python -m harness check upstream=whisper_tiny_en upstream.path=/weights/whisper-tiny.en""",
    _check,
)
LIST = Verb(
    "what there is: recipes, upstreams, heads, corpora, protocols, metrics, pre-trainings, ablations",
    """python -m harness list [KIND ...]

examples
  python -m harness list
  python -m harness list upstream""",
    _list,
)
