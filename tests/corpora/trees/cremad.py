"""CREMA-D's table of actors; ages and origins are invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HEADER = '"ActorID","Age","Sex","Race","Ethnicity"'


def annotate(rows: Sequence[Mapping[str, Any]], root: Path) -> None:
    """`VideoDemographics.csv` of the actors of these rows."""
    genders = {row["speaker"]: row["gender"].capitalize() for row in rows}
    lines = [f'{actor},40,"{gender}","Caucasian","Not Hispanic"' for actor, gender in sorted(genders.items())]
    (root / "VideoDemographics.csv").write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")
