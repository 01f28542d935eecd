"""How the figures of a score are shown: in percent, or as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_percent(score: Mapping[str, Any]) -> bool:
    """Whether a score, as a record holds it, is shown in percent; those from before there were others are."""
    return bool(score.get("percent", True))


def lower_is_better(score: Mapping[str, Any]) -> bool:
    """Whether less of it is better, as with errors and divergences."""
    return bool(score.get("lower_is_better", False))


def shown(score: Mapping[str, Any], figure: float) -> float:
    """A figure of this score in the unit that tables show.

    >>> shown({"percent": True}, 0.5), shown({"percent": False}, 0.5)
    (50.0, 0.5)
    """
    return 100 * figure if is_percent(score) else figure


def written(score: Mapping[str, Any], figure: float, more: int = 0) -> str:
    """The same as text: percents with 2 decimals (and `more` of them), others with 3.

    >>> written({}, 0.66666), written({}, 0.66666, -1), written({"percent": False}, 0.66666)
    ('66.67', '66.7', '0.667')
    """
    return f"{shown(score, figure):.{(2 if is_percent(score) else 3) + more}f}"
