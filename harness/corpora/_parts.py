"""The owners' words for the official parts of a corpus, in the words of the manifest."""

from __future__ import annotations

import re

_WORDS = {
    "train": "train",
    "training": "train",
    "val": "dev",
    "valid": "dev",
    "validation": "dev",
    "dev": "dev",
    "devel": "dev",
    "development": "dev",
    "test": "test",
}


def part_named(word: str) -> str | None:
    """`train`, `dev`, `test` or `test<number>`; None where the word is no part.

    >>> [part_named(word) for word in ("Train", "Development", "Test2", "room")]
    ['train', 'dev', 'test2', None]
    """
    word = word.strip().lower()
    return word if re.fullmatch(r"test\d+", word) else _WORDS.get(word)
