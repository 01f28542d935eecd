"""Which sentence an utterance says: the owners' code, else its text without case, punctuation and spacing."""

from __future__ import annotations

import re
import unicodedata

FEWEST_WORDS = 3
"""Texts with fewer words (`Yeah.`, `I know.`) are said by everybody; they are no sentence that could be known."""

_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Thai, Japanese and Chinese characters, which are written without spaces; each is taken for a word."""


def sentence_key(code: str, text: str) -> str | None:
    """A name for what is said, equal for equal sentences; empty for too few words, None where nobody knows.

    >>> sentence_key("a01", "Der Lappen liegt auf dem Eisschrank.")
    'a01'
    >>> sentence_key("", "It's eleven  o'clock!") == sentence_key("", "it's ELEVEN o'clock")
    True
    >>> sentence_key("", "Oh, yeah?")
    ''
    """
    if code or not text.strip():
        return code or None
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    said = " ".join(words)
    counted = len(_UNSPACED.findall(said)) + sum(not _UNSPACED.search(word) for word in words)
    return f'"{said}"' if counted >= FEWEST_WORDS else ""
