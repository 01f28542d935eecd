"""What `corpus check` tells: expected against found, and every fault by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.audio import AudioInfo
from harness.contracts import Corpus, CorpusFacts
from harness.corpora._faults import counted
from harness.corpora._git import git_faults
from harness.corpora._inspect import Progress
from harness.corpora._load import Surveyed, canonical_label, survey
from harness.manifest import Fault


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """A corpus on disk beside what is known of it."""

    facts: CorpusFacts
    root: Path
    utterances: int
    speakers: int
    labels: Mapping[str, int]
    """Canonical label -> utterances; the empty label gathers the unknown ones."""
    hours: float
    """Of the files that can be decoded."""
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        """Whether `load_corpus` would take it as it is."""
        return all(fault.kind.warns_only for fault in self.faults)

    def counts(self) -> dict[str, int]:
        """Kind of fault -> how many."""
        return counted(self.faults)

    def lines(self) -> list[str]:
        """The report as text, every fault on a line of its own."""
        facts = self.facts
        labels = ", ".join(f"{label or '(unknown)'} {count}" for label, count in self.labels.items())
        verdict = "complete and sound" if self.ok else "incomplete or damaged"
        return [
            f"{facts.title} at {self.root}" + (" (SYNTHETIC voices)" if facts.synthetic else ""),
            f"utterances: {self.utterances} found, {facts.utterances} expected",
            f"speakers: {self.speakers} found, {facts.speakers} expected",
            f"labels: {labels}",
            f"audio: {self.hours:.2f} h",
            *(f"  {fault}" for fault in self.faults),
            *(f"{kind}: {count}" for kind, count in self.counts().items()),
            verdict,
        ]


def check_corpus(
    corpus: Corpus, root: Path | str | None = None, progress: Progress | None = None
) -> CheckReport:
    """Decode every file and report everything that is missing, extra, damaged or otherwise than it should be.

    Raises:
        CorpusError: the folder is not this corpus at all.
    """
    found = survey(corpus, root, progress)
    published = git_faults(found.root, found.facts, found.utterances)
    labels = Counter(canonical_label(one, found.facts) for one in found.utterances)
    return CheckReport(
        facts=found.facts,
        root=found.root,
        utterances=len(found.utterances),
        speakers=len({one.speaker for one in found.utterances} - {""}),
        labels=dict(labels.most_common()),
        hours=_hours(found),
        faults=tuple(dict.fromkeys([*found.faults, *published])),
    )


def _hours(found: Surveyed) -> float:
    return sum(info.duration_s for info in found.measured.values() if isinstance(info, AudioInfo)) / 3600
