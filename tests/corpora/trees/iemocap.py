"""IEMOCAP's annotation beside the sound: the builder that the other tests of IEMOCAP use."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def annotate(rows: Sequence[Mapping[str, Any]], root: Path) -> None:
    """EmoEvaluation and transcription files of these rows."""
    path = Path(__file__).resolve().parent.parent / "iemocap_tree.py"
    spec = importlib.util.spec_from_file_location("iemocap_tree", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.write_annotations(root, rows)
