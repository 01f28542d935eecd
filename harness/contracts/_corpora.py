"""What a corpus module gives: facts, and one row per utterance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, kw_only=True)
class Download:
    """One file at an open address."""

    url: str
    size_bytes: int = 0
    """0 where the owners do not say."""
    checksum: str = ""
    """As published: `sha256:...` or `md5:...`; empty where the owners publish none."""
    unpack: bool = True
    """Whether it is an archive whose contents are wanted."""
    folder: str = ""
    """Folder below the corpus root that its contents belong in."""


@dataclass(frozen=True, kw_only=True)
class CorpusFacts:
    """What is known about a corpus before it is opened; the constant `FACTS` of a corpus module."""

    name: str
    title: str
    languages: tuple[str, ...]
    licence: str
    access: str
    citation: str
    labels: Mapping[str, str]
    """raw label of the owners -> canonical label of the field (`anger`, `happiness`, ...)."""
    utterances: int
    """Rows that the owners' distribution holds, known defects included; 0 where nobody knows."""
    speakers: int
    """0 where nobody knows."""
    sample_rate_hz: int
    """The usual rate of the files as distributed; a rate that is named nowhere here is reported as a fault."""
    other_rates_hz: tuple[int, ...] = ()
    """Further rates that the distribution itself mixes in."""
    channels: tuple[int, ...] = (1,)
    """Channel counts that the distribution holds; another is reported as a fault."""
    counts_vary: str = ""
    """Why a sound copy may hold other counts (releases differ); then the difference is told and does not stop."""
    duration_tolerance_s: float = 0.02
    downloads: tuple[Download, ...] = ()
    """What lies at an open address; empty where the owners want to be asked."""
    commit: str = ""
    """The git commit that these facts are about, where the owners distribute a repository."""
    doi: str = ""
    voices: str = ""
    """Shared by corpora in which one speaker's name is one person; empty: nobody is in another corpus."""
    synthetic: bool = False
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """One row of a manifest, as a corpus module reads it from the owners' own files."""

    id: str
    path: str
    """Relative to the corpus root, with forward slashes."""
    label_raw: str
    speaker: str
    gender: str = ""
    """`female`, `male` or empty where the owners do not say."""
    session: str = ""
    dialogue: str = ""
    turn: int = -1
    """The owners' number of the turn, or its rank by time: it rises with time; -1 where there is no dialogue."""
    start_s: float | None = None
    end_s: float | None = None
    """Where the utterance lies inside its file; None means the whole file."""
    text: str = ""
    sentence: str = ""
    """The owners' code of what is said, the same for everyone who says it; empty where each says their own."""
    language: str = ""
    split: str = ""
    """Official part in lower case: `train`, `dev`, `test`, further ones as `test2`; empty where there is none."""
    label: str | None = None
    """Canonical label where the raw one is no code (a real score); None: `CorpusFacts.labels` says it."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Further labels of the owners, by what they name: `sentiment` -> `negative`."""
    values: Mapping[str, float] = field(default_factory=dict)
    """What was rated on a scale, in the owners' own units: `arousal`, `valence`, `dominance`, `sentiment`."""
    ratings: Mapping[str, float] = field(default_factory=dict)
    """How many raters chose which raw label, where the owners give the single votes."""
    expected_duration_s: float | None = None
    """What the owners' own annotation or the published file says, where it says anything."""
    expected_pcm_sha256: str = ""
    """SHA-256 of the decoded 16-bit samples of the published file, where it is known."""
    defect: str = ""
    """A defect of this file in the owners' own distribution."""
    lost: bool = False
    """Whether the defect may leave nothing to hear: the row is then left out and told, and nothing stops."""


@runtime_checkable
class Corpus(Protocol):
    """A corpus module: `FACTS` and `read`; `prepare` only where the corpus makes its own audio."""

    FACTS: CorpusFacts

    @staticmethod
    def read(root: Path) -> Iterable[Utterance]:
        """Read the owners' own layout; raise `CorpusError` where this is not that corpus."""
        ...
