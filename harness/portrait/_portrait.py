"""Everything that is said about a corpus, before it is written anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contracts import CorpusFacts
from harness.manifest import Manifest
from harness.portrait._cues import Cues, cues_of
from harness.portrait._groups import group_table
from harness.portrait._traits import traits_of
from harness.portrait._words import METHOD, sentence, verdict
from harness.sketch import Sketches, near_duplicates

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Portrait:
    """A corpus in numbers and words."""

    facts: CorpusFacts
    notes: tuple[str, ...]
    """What a reader has to know first: synthetic audio, utterances left out."""
    traits: pd.DataFrame
    """One row per utterance."""
    groups: pd.DataFrame
    """One row per group; column `by` says of what."""
    cues: Cues
    copies: pd.DataFrame
    """One row per pair of utterances that are one recording."""

    @property
    def shortcuts(self) -> pd.DataFrame:
        """One row per cue, the most telling first; shares from 0 to 1."""
        import pandas as pd

        from harness.portrait._cues import CueReport

        table = pd.DataFrame(list(self.cues.reports), columns=list(CueReport._fields))
        table.insert(1, "verdict", [verdict(report) for report in self.cues.reports])
        return table

    @property
    def sentences(self) -> list[str]:
        """What tells the label, in words."""
        return [sentence(report, self.traits) for report in self.cues.reports]

    @property
    def method(self) -> str:
        """How the shortcuts were asked, and what they do not show."""
        return METHOD


def portray(manifest: Manifest, sketches: Sketches) -> Portrait:
    """Describe a corpus.

    Args:
        manifest: of the corpus.
        sketches: of the same manifest.
    """
    traits = traits_of(manifest, sketches)
    left_out = [f"{count} utterances are left out: {kind}" for kind, count in manifest.dropped.items()]
    synthetic = ["SYNTHETIC audio: says nothing about people"] if manifest.facts.synthetic else []
    return Portrait(
        facts=manifest.facts,
        notes=(*synthetic, *left_out),
        traits=traits,
        groups=group_table(traits),
        cues=cues_of(traits),
        copies=_copies(traits, sketches),
    )


def _copies(traits: pd.DataFrame, sketches: Sketches) -> pd.DataFrame:
    import pandas as pd

    known = traits.set_index("id")[["label", "speaker"]].to_dict("index")
    rows = [
        {
            "first": first,
            "second": second,
            "kind": kind,
            "similarity": similarity,
            "same class": known[first]["label"] == known[second]["label"],
            "same speaker": known[first]["speaker"] == known[second]["speaker"],
        }
        for (first, second), kind, similarity in near_duplicates(sketches)
    ]
    columns = ["first", "second", "kind", "similarity", "same class", "same speaker"]
    return pd.DataFrame(rows, columns=columns)
