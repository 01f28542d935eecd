"""The history of a run: one line of JSON per row while it goes on, a table of all rows at the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from harness.paths import write_text, written_beside

Row = dict[str, float]


class History:
    """The rows in a folder; a run that goes on first cuts back what lies behind its saved state."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "history.jsonl"
        self.rows: list[Row] = []

    def take_up(self, updates: int) -> None:
        """Keep the rows up to this update; later ones come again, a line that was cut off is forgotten."""
        rows = (
            map(_parsed, self._path.read_text(encoding="utf-8").splitlines()) if self._path.exists() else []
        )
        self.rows = [row for row in rows if row is not None and row["update"] <= updates]
        write_text(self._path, "".join(f"{json.dumps(row)}\n" for row in self.rows))

    def add(self, figures: Mapping[str, float]) -> None:
        """One more row, on disk at once."""
        self.rows.append(dict(figures))
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(f"{json.dumps(self.rows[-1])}\n")

    def finish(self, table: Path) -> None:
        """Write all rows as one CSV table."""
        import pandas as pd

        with written_beside(table) as temporary:
            pd.DataFrame(self.rows).to_csv(temporary, index=False)

    def drop(self) -> None:
        """Forget the lines, because the table is there."""
        self._path.unlink(missing_ok=True)


def _parsed(line: str) -> Row | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and "update" in row else None
