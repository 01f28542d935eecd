"""The sketches of a corpus, and how they are kept."""

from __future__ import annotations

import logging
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.paths import written_beside
from harness.sketch._prints import Prints

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

COLUMNS = ("level_dbfs", "peak_dbfs", "silence_share", "duration_s", "pcm_sha256")


@dataclass(frozen=True)
class Sketches:
    """What was measured of every utterance of a manifest, in its order."""

    table: pd.DataFrame
    """Index `id`; columns `level_dbfs` (RMS) and `peak_dbfs` of the mono wave re full scale, never below -120;
    `silence_share` from 0 to 1; `duration_s`; `pcm_sha256` of the utterance's own samples."""
    prints: Prints

    def __len__(self) -> int:
        return len(self.table)

    def save(self, path: Path) -> None:
        """Write one file, whole or not at all."""
        import numpy as np

        arrays: dict[str, Any] = {name: self.table[name].to_numpy() for name in COLUMNS[:-1]}
        arrays["id"] = self.table.index.to_numpy().astype(np.str_)
        arrays["pcm_sha256"] = self.table["pcm_sha256"].to_numpy().astype(np.str_)
        with written_beside(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays, **self.prints._asdict())

    @staticmethod
    def load(path: Path, ids: Sequence[str]) -> Sketches | None:
        """What `save` wrote, in the order of `ids`; None where it is absent, damaged, or of other utterances."""
        import numpy as np
        import pandas as pd

        try:
            with np.load(path, allow_pickle=False) as kept:
                index = pd.Index(kept["id"].astype(object), name="id")
                table = pd.DataFrame({name: kept[name] for name in COLUMNS[:-1]}, index=index)
                table["pcm_sha256"] = kept["pcm_sha256"].astype(object)
                prints = Prints(*(kept[name] for name in Prints._fields))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as fault:
            log.warning("the sketches in %s are damaged (%s) and are made anew", path, fault)
            return None
        rows = index.get_indexer(pd.Index(ids)) if index.is_unique else np.array([-1])
        if len(rows) != len(index) or len(prints) != len(index) or (rows < 0).any():
            log.warning("the sketches in %s are of other utterances and are made anew", path)
            return None
        return Sketches(table.iloc[rows], prints.take(rows))
