"""What a word of the command line is made of: a verb, its help, its `key=value` settings, its output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from harness.errors import ConfigError


class Verb(NamedTuple):
    """A word of the command line."""

    about: str
    usage: str
    act: Callable[[list[str]], None]


def say(text: str) -> None:
    """One answer on standard output, ended by one line break."""
    sys.stdout.write(text.rstrip("\n") + "\n")
    sys.stdout.flush()


def settings(words: Sequence[str], allowed: Sequence[str], verb: str) -> dict[str, Any]:
    """`key=value` words as a dictionary, values read as YAML scalars.

    Args:
        words: of the command line.
        allowed: keys that the verb takes; one that ends in a dot allows every key below it.
        verb: for the message.

    Raises:
        ConfigError: a word without `=`, or a key that the verb does not take.
    """
    import yaml

    found: dict[str, Any] = {}
    for word in words:
        key, sign, value = word.partition("=")
        known = key in allowed or any(item.endswith(".") and key.startswith(item) for item in allowed)
        if not sign or not known:
            raise ConfigError(
                f"{verb} does not take this",
                got=word,
                wanted=" ".join(f"{item}..." if item.endswith(".") else f"{item}=..." for item in allowed),
                next_step=f"python -m harness {verb} --help",
            )
        found[key] = yaml.safe_load(value)
    return found
