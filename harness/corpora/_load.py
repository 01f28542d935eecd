"""From a corpus module and a folder to a manifest: read, measure, judge, and stop or go on as told."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harness.audio import AudioInfo
from harness.contracts import Corpus, CorpusFacts, Utterance
from harness.corpora._faults import (
    count_faults,
    counted,
    repeated_ids,
    unexpected_files,
    utterance_faults,
)
from harness.corpora._inspect import Measured, Progress, inspect_files
from harness.corpora._layout import how_to_get, require_folder
from harness.errors import CorpusError
from harness.manifest import COLUMNS, MAPPINGS, Fault, FaultKind, Manifest, mapping_text
from harness.paths import cache_root

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

OnFault = Literal["stop", "skip", "repair"]
ON_FAULT: tuple[OnFault, ...] = ("stop", "skip", "repair")
NAMED_IN_MESSAGE = 10


@dataclass(frozen=True)
class Surveyed:
    """Everything that is known about a corpus on disk, before anything is left out."""

    facts: CorpusFacts
    root: Path
    utterances: Sequence[Utterance]
    measured: Mapping[str, Measured]
    own_faults: Sequence[Sequence[Fault]]
    """Faults of each utterance, row by row."""
    other_faults: Sequence[Fault]
    """Faults that belong to no utterance: counts, unexpected files."""

    @property
    def faults(self) -> tuple[Fault, ...]:
        """All faults, a file that many utterances share told once."""
        own = (fault for faults in self.own_faults for fault in faults)
        return tuple(dict.fromkeys([*own, *self.other_faults]))


def corpus_root(corpus: Corpus, root: Path | str | None) -> Path:
    """The folder to read: what the user gave, or the one that the corpus makes for itself.

    Raises:
        CorpusError: nothing was given and the corpus makes no audio of its own, or there is no such folder.
    """
    prepare = getattr(corpus, "prepare", None)
    if root is None and prepare is not None:
        return Path(prepare(cache_root()))
    if root is None:
        raise CorpusError(
            f"{corpus.FACTS.title} has no root",
            got="corpus.root is not set",
            wanted=f"the folder that holds {corpus.FACTS.title} as its owners distribute it",
            next_step=how_to_get(corpus.FACTS),
        )
    folder = Path(root).expanduser()
    require_folder(folder, corpus.FACTS)
    return folder


def load_corpus(
    corpus: Corpus,
    root: Path | str | None = None,
    on_fault: OnFault = "stop",
    progress: Progress | None = None,
) -> Manifest:
    """Read a corpus, decode every file of it, and give the manifest of what can be used.

    Args:
        corpus: the corpus module.
        root: its folder; None only for a corpus that makes its own audio.
        on_fault: `stop` at anything missing or broken; `skip` such utterances; `repair`: use every file that can
            be decoded (another length, rate or channel count is accepted) and skip the rest. A row is never
            left out for its label: an unknown one becomes the empty canonical label, and the task drops it.
        progress: told how many files of how many are done.

    Raises:
        CorpusError: not this corpus; or `stop` and a fault that is more than a warning; or nothing is left.
    """
    found = survey(corpus, root, progress)
    stopping = [fault for fault in found.faults if not fault.kind.warns_only]
    if stopping and on_fault == "stop":
        raise _broken(found, stopping)
    rows, dropped = _kept(found, on_fault)
    if not rows:
        raise _nothing_left(found)
    _tell(found, dropped, on_fault)
    table = _table(found, rows)
    return Manifest(facts=found.facts, root=found.root, table=table, faults=found.faults, dropped=dropped)


def read_names(corpus: Corpus, root: Path | str | None = None) -> Manifest:
    """What a corpus names, without opening a sound file: for questions that names and labels can answer.

    Every row that the corpus lists is there, whether its file is or not; only a repeated id is left out. A
    duration is what the owners' annotation says, and NaN where it says nothing; rate and channels are 0 and
    `content` is empty.

    Args:
        corpus: the corpus module.
        root: its folder; None only for a corpus that makes its own audio.

    Raises:
        CorpusError: the folder is not this corpus, or it names nothing.
    """
    facts, folder = corpus.FACTS, corpus_root(corpus, root)
    utterances = list(corpus.read(folder))
    repeated = repeated_ids(utterances)
    found = Surveyed(
        facts, folder, utterances, {}, [], [*repeated.values(), *count_faults(facts, utterances)]
    )
    rows = [row for row in range(len(utterances)) if row not in repeated]
    if not rows:
        raise _nothing_left(found)
    dropped = {str(FaultKind.REPEATED_ID): len(repeated)} if repeated else {}
    _tell(found, dropped, "skip")
    records = [_named(utterances[row], facts) for row in rows]
    return Manifest(facts=facts, root=folder, table=_frame(records), faults=found.faults, dropped=dropped)


def survey(corpus: Corpus, root: Path | str | None, progress: Progress | None = None) -> Surveyed:
    """Read and measure everything, judge it, and leave nothing out.

    Raises:
        CorpusError: the folder is not this corpus.
    """
    facts, folder = corpus.FACTS, corpus_root(corpus, root)
    utterances = list(corpus.read(folder))
    measured = inspect_files(folder, [utterance.path for utterance in utterances], progress)
    repeated = repeated_ids(utterances)
    own = [
        [*([repeated[row]] if row in repeated else []), *utterance_faults(one, facts, measured[one.path])]
        for row, one in enumerate(utterances)
    ]
    missing = [fault.path for faults in own for fault in faults if fault.kind is FaultKind.MISSING]
    other = [*count_faults(facts, utterances), *unexpected_files(folder, utterances, missing)]
    return Surveyed(facts, folder, utterances, measured, own, other)


def _kept(found: Surveyed, on_fault: OnFault) -> tuple[list[int], dict[str, int]]:
    """Rows that stay, and how many leave for which first reason."""
    rows: list[int] = []
    dropped: Counter[str] = Counter()
    for row, faults in enumerate(found.own_faults):
        reason = next((fault.kind for fault in faults if _leaves(fault.kind, on_fault)), None)
        if reason is None:
            rows.append(row)
        else:
            dropped[str(reason)] += 1
    return rows, dict(dropped)


def _leaves(kind: FaultKind, on_fault: OnFault) -> bool:
    if kind.unusable:
        return True
    return not (kind is FaultKind.UNKNOWN_LABEL or kind.warns_only or on_fault == "repair")


def _table(found: Surveyed, rows: Sequence[int]) -> pd.DataFrame:
    return _frame([_record(found, found.utterances[row]) for row in rows])


def _frame(records: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame.from_records(list(records), columns=list(COLUMNS))
    return table.astype({"start_s": "float64", "end_s": "float64", "turn": "int64", "duration_s": "float64"})


def _record(found: Surveyed, utterance: Utterance) -> dict[str, object]:
    info = found.measured[utterance.path]
    if not isinstance(info, AudioInfo):
        raise TypeError(f"{utterance.path} is kept and was never measured")
    utterance = _within(utterance, info)
    start_s, end_s = utterance.start_s or 0.0, utterance.end_s or info.duration_s
    whole = utterance.start_s is None and utterance.end_s is None
    return _said(utterance, found.facts) | {
        "duration_s": info.duration_s if whole else end_s - start_s,
        "sample_rate_hz": info.sample_rate_hz,
        "channels": info.channels,
        "content": info.pcm_sha256,
    }


def _named(utterance: Utterance, facts: CorpusFacts) -> dict[str, object]:
    """A row without what only the sound can tell."""
    start_s, end_s = utterance.start_s or 0.0, utterance.end_s
    expected_s = math.nan if utterance.expected_duration_s is None else utterance.expected_duration_s
    return _said(utterance, facts) | {
        "duration_s": expected_s if end_s is None else end_s - start_s,
        "sample_rate_hz": 0,
        "channels": 0,
        "content": "",
    }


def _said(utterance: Utterance, facts: CorpusFacts) -> dict[str, object]:
    """What the owners say of an utterance."""
    only_language = facts.languages[0] if len(facts.languages) == 1 else ""
    fields = {name: getattr(utterance, name) for name in COLUMNS if hasattr(utterance, name)}
    return fields | {
        **{name: mapping_text(getattr(utterance, name)) for name in MAPPINGS},
        "ratings": mapping_text(canonical_ratings(utterance, facts)),
        "corpus": facts.name,
        "language": utterance.language or only_language,
        "label": canonical_label(utterance, facts),
    }


def canonical_label(utterance: Utterance, facts: CorpusFacts) -> str:
    """The field's name of an utterance's label; empty where it is unknown."""
    return facts.labels.get(utterance.label_raw, "") if utterance.label is None else utterance.label


def canonical_ratings(utterance: Utterance, facts: CorpusFacts) -> dict[str, float]:
    """Votes by the field's name of each label; one that is unknown keeps the owners' name."""
    votes: dict[str, float] = {}
    for raw, count in utterance.ratings.items():
        name = facts.labels.get(raw, raw)
        votes[name] = votes.get(name, 0.0) + count
    return votes


def _within(utterance: Utterance, info: AudioInfo) -> Utterance:
    """An end that overshoots the file (by less than the tolerance, else it is a fault) becomes the file's end."""
    if utterance.end_s is not None and utterance.end_s > info.duration_s:
        return replace(utterance, end_s=info.duration_s)
    return utterance


def _broken(found: Surveyed, stopping: Sequence[Fault]) -> CorpusError:
    named = "; ".join(str(fault) for fault in stopping[:NAMED_IN_MESSAGE])
    more = len(stopping) - NAMED_IN_MESSAGE
    counts = ", ".join(f"{count} {kind}" for kind, count in counted(stopping).items())
    name, root = found.facts.name, found.root
    return CorpusError(
        f"{found.facts.title} at {root} is incomplete or damaged: {len(stopping)} faults ({counts})",
        got=named + (f"; and {more} more" if more > 0 else ""),
        wanted=f"{found.facts.utterances} whole utterances of {found.facts.speakers} speakers",
        next_step=f"python -m harness corpus check {name} root={root}   lists them all; fetch those files again,"
        " or go on without them: corpus.on_fault=skip; or with all that can be decoded: corpus.on_fault=repair",
    )


def _nothing_left(found: Surveyed) -> CorpusError:
    counts = ", ".join(f"{count} {kind}" for kind, count in counted(found.faults).items())
    return CorpusError(
        f"no utterance of {found.facts.title} at {found.root} can be used",
        got=counts or "no utterances",
        wanted=f"{found.facts.utterances} utterances",
        next_step=f"python -m harness corpus check {found.facts.name} root={found.root}",
    )


def _tell(found: Surveyed, dropped: Mapping[str, int], on_fault: OnFault) -> None:
    for kind, count in counted(found.faults).items():
        first = next(fault for fault in found.faults if fault.kind == kind)
        log.warning("%s: %d %s, the first: %s", found.facts.name, count, kind, first)
    if dropped:
        left_out = ", ".join(f"{count} {kind}" for kind, count in dropped.items())
        log.warning("%s: on_fault=%s leaves out %s", found.facts.name, on_fault, left_out)
