"""Who is on both sides of a fold, and whether a publication says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.contracts import Example, Fold
from harness.errors import SplitError
from harness.splits._config import SplitConfig


def speaker_overlap(
    folds: Iterable[Fold], by_id: Mapping[str, Example], *, sides_are_apart: bool = False
) -> dict[str, tuple[str, ...]]:
    """Per fold, the tested speakers who are in its train or dev part too; folds without any are left out.

    A speaker whom the corpus does not name (empty id) might be anyone: with such on one side, and anyone on
    the other, the empty id is listed. Where the sides are apart by their making, it is not.
    """
    unnamed = set() if sides_are_apart else {""}
    overlap = {}
    for fold in folds:
        fitted, tested = speakers_of((*fold.train, *fold.dev), by_id), speakers_of(fold.test, by_id)
        both = (fitted & tested - {""}) | (unnamed & (fitted | tested))
        if both:
            overlap[fold.name] = tuple(sorted(both))
    return overlap


def speakers_of(ids: Iterable[str], by_id: Mapping[str, Example]) -> set[str]:
    """The speakers of these examples, the unknown one as an empty id."""
    return {by_id[i].speaker for i in ids}


def check_speakers(overlap: Mapping[str, Sequence[str]], count: int, config: SplitConfig) -> None:
    """Refuse speakers on both sides, unless a publication is named; refuse its name where it is not needed.

    Raises:
        SplitError: either of the two.
    """
    if overlap and not config.shares_speakers_as:
        raise _shared(overlap)
    if config.shares_speakers_as and not overlap and not config.names_publication:
        raise SplitError(
            "split.shares_speakers_as does nothing: no speaker is on both sides",
            got=repr(config.shares_speakers_as),
            wanted=f"nothing; the {count} examples are split by speaker already",
            next_step="remove split.shares_speakers_as",
        )


def _shared(overlap: Mapping[str, Sequence[str]]) -> SplitError:
    name, speakers = next(iter(overlap.items()))
    known = [speaker for speaker in speakers if speaker]
    who = ", ".join(known[:5]) + (" ..." if len(known) > 5 else "")
    what = (
        f"fold {name} has {len(known)} speaker(s) on both sides"
        if known
        else f"fold {name} cannot be shown to keep speakers apart: the corpus does not name them all"
    )
    return SplitError(
        what,
        got=f"{who or 'unknown speakers'}; {len(overlap)} fold(s) like this",
        wanted="no speaker of the test part in train or dev",
        next_step=("use split=leave_speaker_out, or " if known else "")
        + "name the published protocol that does so: split.shares_speakers_as='<paper, table>'",
    )


def dev_overlap(folds: Iterable[Fold], by_id: Mapping[str, Example]) -> dict[str, tuple[str, ...]]:
    """Per fold, the speakers that its dev part shares with its train part; folds without any are left out."""
    both = {
        fold.name: tuple(sorted(speakers_of(fold.train, by_id) & speakers_of(fold.dev, by_id)))
        for fold in folds
    }
    return {name: speakers for name, speakers in both.items() if speakers}


def check_dev_speakers(folds: Iterable[Fold], by_id: Mapping[str, Example], config: SplitConfig) -> None:
    """Refuse a dev part that holds speakers of its own train part, unless the protocol says so of itself.

    Raises:
        SplitError: it does, and the protocol does not say so.
    """
    if config.dev_shares_speakers:
        return
    for name, both in dev_overlap(folds, by_id).items():
        raise SplitError(
            f"dev and train of fold {name} share speakers",
            got=", ".join(both[:5]),
            wanted="other speakers in dev than in train",
            next_step="mend the protocol, or let its Config say `dev_shares_speakers = True`",
        )
