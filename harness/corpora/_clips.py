"""Clips that come in several kinds of file: the owners' videos, and copies of them that a user has converted."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from harness.corpora._names import Named, named_files

log = logging.getLogger(__name__)

CONVERTED = (".wav", ".flac")
"""What a user converts to; taken before the owners' file, since no ffmpeg is needed."""

Clips = dict[tuple[str, ...], str]
"""Named groups of the pattern, in its order and without `suffix` -> relative path."""


def clips(root: Path, pattern: re.Pattern[str], suffixes: Sequence[str], title: str) -> Clips:
    """One file per clip, the converted one where there are two.

    Args:
        root: of the corpus; searched to any depth.
        pattern: of the tail of a relative path, with a group `suffix` for the ending with its dot.
        suffixes: of the owners' own files, the preferred first, in lower case.
        title: of the corpus, for the log, which says how many clips are of which kind.
    """
    ranks = {suffix: rank for rank, suffix in enumerate((*CONVERTED, *suffixes))}
    best: dict[tuple[str, ...], Named] = {}
    for named in named_files(root, pattern, suffixes=frozenset(ranks)):
        key = tuple(value for name, value in named.fields.items() if name != "suffix")
        best[key] = min(best.get(key, named), named, key=lambda one: ranks[_suffix(one)])
    _tell(title, [_suffix(named) for named in best.values()])
    return {key: named.path for key, named in best.items()}


def _suffix(named: Named) -> str:
    return named.fields["suffix"].lower()


def _tell(title: str, suffixes: Sequence[str]) -> None:
    counts = Counter(suffixes)
    converted = sum(counts[suffix] for suffix in CONVERTED)
    level = logging.WARNING if 0 < converted < len(suffixes) else logging.INFO
    kinds = ", ".join(f"{count} {suffix}" for suffix, count in counts.items())
    log.log(level, "%s: clips are read from %s", title, kinds or "nowhere")
