"""`compare`: from two recorded runs to one table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Harness = Callable[..., tuple[int, str, str]]


def test_compares_recorded_runs(harness: Harness, results: Path) -> None:
    """From two runs to one table; names may be cut short while they name one record."""
    for upstream in ("fbank", "egemaps"):
        code, _, err = harness(
            *("run", "recipe=synthetic_5fold", f"upstream={upstream}"),
            *("head=lda", "view=last", "resamples=50"),
        )
        assert code == 0, err
    sides = ("synthetic_5fold--fbank", "synthetic_5fold--egemaps")
    code, out, err = harness("compare", *sides, "metrics=[wa]", "resamples=200", f"results={results}")
    assert code == 0, err
    assert "WA, mean of the folds" in out
    assert "SYNTHETIC audio" in out
    assert "200 draws" in out
    code, _, err = harness("compare", "synthetic", sides[1], f"results={results}")
    assert code == 2
    assert "names 2 records" in err
    code, _, err = harness("compare", "nobody", sides[1], f"results={results}")
    assert code == 2
    assert "names no records" in err
    code, _, err = harness("compare", sides[0])
    assert code == 2
    assert "two sides" in err
