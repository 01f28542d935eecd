"""The manifest: one row per utterance of a corpus, with what was found wrong on the way.

Everything after the corpus (tasks, protocols, the store) reads this table and no folder.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contracts import CorpusFacts, Download
from harness.errors import CorpusError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "id",
    "corpus",
    "path",
    "start_s",
    "end_s",
    "speaker",
    "gender",
    "session",
    "dialogue",
    "turn",
    "text",
    "sentence",
    "language",
    "label_raw",
    "label",
    "split",
    "defect",
    "duration_s",
    "sample_rate_hz",
    "channels",
    "content",
    "labels",
    "values",
    "ratings",
)
"""`start_s` and `end_s` are NaN for a whole file; `content` is the SHA-256 of the file's decoded samples.

The last three hold the mappings of `Utterance` as JSON: a table of texts and numbers stays one on disk, in a frame
and in a hash. `mapping_in` reads such a cell. The votes in `ratings` are by canonical label.
"""
MAPPINGS = ("labels", "values", "ratings")


def mapping_text(mapping: Mapping[str, Any]) -> str:
    """A mapping of `Utterance` as a cell of the manifest, the names in order.

    >>> mapping_text({"valence": 3.5, "arousal": 2.0})
    '{"arousal": 2.0, "valence": 3.5}'
    """
    return json.dumps(dict(mapping), sort_keys=True, allow_nan=False, ensure_ascii=False)


def mapping_in(cell: object) -> dict[str, Any]:
    """What a cell of `labels`, `values` or `ratings` says; empty where it says nothing.

    >>> mapping_in('{"arousal": 2.0}')
    {'arousal': 2.0}
    """
    return dict(json.loads(cell)) if isinstance(cell, str) and cell else {}


class FaultKind(StrEnum):
    """What can be wrong with a corpus on disk."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    NOT_FINITE = "not finite"
    WRONG_DURATION = "wrong duration"
    WRONG_RATE = "wrong sample rate"
    WRONG_CHANNELS = "wrong channels"
    UNKNOWN_LABEL = "unknown label"
    REPEATED_ID = "repeated id"
    COUNT = "count mismatch"
    CONTENT = "content differs"
    SILENT = "silent"
    UNEXPECTED = "unexpected file"
    KNOWN_DEFECT = "known defect"
    OTHER_RELEASE = "other release"

    @property
    def warns_only(self) -> bool:
        """Whether one may work on unasked: nothing is lost but what every copy lacks."""
        return self in {
            FaultKind.CONTENT,
            FaultKind.SILENT,
            FaultKind.UNEXPECTED,
            FaultKind.KNOWN_DEFECT,
            FaultKind.OTHER_RELEASE,
        }

    @property
    def unusable(self) -> bool:
        """Whether the utterance cannot be used at all, however willing one is."""
        return self in {
            FaultKind.MISSING,
            FaultKind.UNREADABLE,
            FaultKind.EMPTY,
            FaultKind.NOT_FINITE,
            FaultKind.REPEATED_ID,
            FaultKind.KNOWN_DEFECT,
        }


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with one file, or with the corpus as a whole."""

    path: str
    """Relative to the corpus root; `.` for the corpus as a whole."""
    kind: FaultKind
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.kind} ({self.message})"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The utterances of a corpus that can be used, and an account of the rest."""

    facts: CorpusFacts
    root: Path
    table: pd.DataFrame
    """One row per utterance, columns `COLUMNS`, in the order of the corpus module."""
    faults: tuple[Fault, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Kind of fault -> utterances left out because of it; each is counted once, under its first fault."""

    def __len__(self) -> int:
        return len(self.table)

    def content_hash(self) -> str:
        """Hash of what is heard: ids, samples, rates and borders; the same on any disk and in any order."""
        columns = ["id", "content", "sample_rate_hz", "channels", "start_s", "end_s"]
        rows = self.table[columns].itertuples(index=False, name=None)
        lines = sorted("\t".join(str(value) for value in row) for row in rows)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def save(self, path: Path) -> None:
        """Write the manifest as one parquet file; the account rides in its metadata."""
        import pyarrow as pa
        from pyarrow import parquet

        account = {
            "facts": {
                **vars(self.facts),
                "labels": dict(self.facts.labels),
                "downloads": [dataclasses.asdict(download) for download in self.facts.downloads],
            },
            "root": str(self.root),
            "faults": [dataclasses.astuple(fault) for fault in self.faults],
            "dropped": dict(self.dropped),
        }
        table = pa.Table.from_pandas(self.table, preserve_index=False)
        table = table.replace_schema_metadata(
            {**(table.schema.metadata or {}), _ACCOUNT: json.dumps(account).encode()}
        )
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        parquet.write_table(table, temporary)
        temporary.replace(path)

    @staticmethod
    def load(path: Path) -> Manifest:
        """Read what `save` wrote.

        Raises:
            CorpusError: the file is missing, damaged, or no manifest.
        """
        from pyarrow import ArrowException, parquet

        try:
            table = parquet.read_table(path)
            account = json.loads((table.schema.metadata or {})[_ACCOUNT])
        except (OSError, KeyError, ValueError, ArrowException) as fault:
            raise CorpusError(
                "the manifest cannot be read",
                got=f"{path}: {fault}",
                wanted="a parquet file that Manifest.save wrote",
                next_step="delete it; it is made again from the corpus",
            ) from fault
        return Manifest(
            facts=_facts(account["facts"]),
            root=Path(account["root"]),
            table=_whole(table.to_pandas()),
            faults=tuple(Fault(path, FaultKind(kind), message) for path, kind, message in account["faults"]),
            dropped=account["dropped"],
        )


def _whole(table: pd.DataFrame) -> pd.DataFrame:
    """A table that was written before the mappings had columns says nothing in them."""
    return table.assign(**{name: "{}" for name in MAPPINGS if name not in table})


def _facts(plain: Mapping[str, Any]) -> CorpusFacts:
    """Facts as JSON holds them, with the tuples that JSON does not know."""
    tuples = {name: tuple(value) for name, value in plain.items() if isinstance(value, list)}
    downloads = tuple(Download(**download) for download in plain["downloads"])
    return CorpusFacts(**{**plain, **tuples, "downloads": downloads})


_ACCOUNT = b"emoharness"
