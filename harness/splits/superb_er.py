"""SUPERB's five folds of IEMOCAP, id by id.

The rule (s3prl/s3prl@ec8064b5, `s3prl/downstream/emotion/{IEMOCAP_preprocess,expert}.py`): fold k tests
session k; the other sessions follow each other by number, within a session the dialogues follow each other
as the authors' file system listed them (`_superb_facts`), within a dialogue the utterances are sorted by id;
`torch.manual_seed(0)` and `random_split` then take the first `int(0.8 n)` of a permutation as train and the
rest as dev. Dev shares its speakers with train, as published.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.contracts import Example, Fold
from harness.errors import SplitError
from harness.splits._config import SplitConfig
from harness.splits._parts import train_size
from harness.splits._superb_facts import DIALOGUES, DIGESTS, Digest

DEV_SHARE, SEED = 0.2, 0


@dataclass(kw_only=True)
class Config(SplitConfig):
    """Nothing to choose but what selects: share and seed are SUPERB's."""

    dev_shares_speakers: ClassVar[bool] = True


def split(examples: list[Example], config: Config) -> Iterator[Fold]:
    """Five folds, in SUPERB's order down to the single id.

    Raises:
        SplitError: the examples are not SUPERB's 5,531 utterances, or the lists do not come out as
            published.
    """
    sessions = superb_order(example.id for example in examples)
    for number, (test, digest) in enumerate(zip(sessions, DIGESTS, strict=True), start=1):
        _compare(f"session {number}", test, digest.test)
    for number, digest in enumerate(DIGESTS, start=1):
        rest = [i for other, ids in enumerate(sessions, start=1) if other != number for i in ids]
        fold = _fold(f"session_{number}", rest, sessions[number - 1], config)
        _compare_parts(fold, digest, config)
        yield fold


def superb_order(ids: Iterable[str]) -> list[list[str]]:
    """The ids of each of the five sessions in the order of SUPERB's JSON files.

    Raises:
        SplitError: an id is in none of the dialogues that SUPERB knows.
    """
    ranks = _ranks()
    keys = {i: i.rpartition("_")[0] for i in ids}
    strays = [i for i, dialogue in keys.items() if dialogue not in ranks]
    if strays:
        raise _not_superb(f"{len(strays)} ids of no known dialogue, first {strays[0]}")
    sessions: list[list[str]] = [[] for _ in DIALOGUES]
    for i in sorted(keys, key=lambda i: (*ranks[keys[i]], i)):
        sessions[ranks[keys[i]][0]].append(i)
    return sessions


def _ranks() -> dict[str, tuple[int, int]]:
    return {
        f"Ses{session + 1:02d}{name}": (session, rank)
        for session, names in enumerate(DIALOGUES)
        for rank, name in enumerate(names.split())
    }


def _fold(name: str, rest: list[str], test: list[str], config: Config) -> Fold:
    if not config.wants_dev:
        return Fold(name, train=tuple(rest), dev=(), test=tuple(test))
    train, dev = random_parts(rest)
    return Fold(name, train=train, dev=dev, test=tuple(test))


def random_parts(ids: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Train and dev as `torch.manual_seed(0); random_split(...)` gives them, global state untouched."""
    import torch

    order = torch.randperm(len(ids), generator=torch.Generator().manual_seed(SEED)).tolist()
    shuffled = [ids[i] for i in order]
    size = train_size(len(ids), DEV_SHARE)
    return tuple(shuffled[:size]), tuple(shuffled[size:])


def digest_of(ids: Iterable[str]) -> str:
    """SHA-256 of the sorted ids, joined by line feeds."""
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()


def _compare(where: str, ids: list[str], expected: str) -> None:
    if digest_of(ids) != expected:
        raise _not_superb(f"{where}: other ids than SUPERB's, {len(ids)} of them")


def _compare_parts(fold: Fold, digest: Digest, config: Config) -> None:
    """A permutation that came out differently would be another protocol under SUPERB's name."""
    if config.wants_dev and (digest_of(fold.train), digest_of(fold.dev)) != (digest.train, digest.dev):
        raise SplitError(
            f"the random parts of {fold.name} are not those that SUPERB published",
            got="another permutation from this version of torch",
            wanted="the permutation behind the published lists",
            next_step="install the torch named in constraints.txt",
        )


def _not_superb(got: str) -> SplitError:
    return SplitError(
        "these examples are not the 5,531 utterances of SUPERB's emotion task",
        got=got,
        wanted="IEMOCAP, whole, with task=emotion_iemocap4",
        next_step="check the corpus with `python -m harness corpus check`, or set split=leave_session_out",
    )
