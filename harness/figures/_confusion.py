"""The confusion matrix of one record."""

from __future__ import annotations

from pathlib import Path

from harness.figures._records import record_named
from harness.figures._write import write_figure
from harness.plots import confusion_figure


def draw_confusion(record: str, results: Path) -> str:
    """Draw what one recorded run took for what; returns what to say.

    Raises:
        HarnessError: there is no such record, or it told no classes apart.
    """
    import pandas as pd

    found = record_named(results, record)
    picture = confusion_figure(found)
    classes = found.scores["classes"]
    table = pd.DataFrame(found.scores["confusion"], columns=classes)
    table.insert(0, "truth \\ predicted", classes)
    facts = {"title": f"Confusion matrix of {found.stem}", "record": found.key, "notes": found.notes}
    return write_figure(f"confusion--{found.stem}", picture, table, facts, results)
