"""From votes to shares of the classes, and what EMO-SUPERB makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def shares_of(
    votes: Mapping[str, float], classes: Sequence[str], smoothing: float
) -> tuple[float, ...] | None:
    """Shares of the classes in the votes; None where none of them has one.

    Args:
        votes: class -> how many chose it; those for other labels count for nobody.
        classes: order of the shares.
        smoothing: share of every vote that is spread evenly over the other classes. EMO-SUPERB's tables
            (EMOsuperb/EMO-SUPERB-submission at 4167e30) are made with 0.05: one of 9 classes alone becomes 0.95,
            the others 0.00625 each; two thirds become 0.635417.

    >>> shares_of({"sad": 2, "angry": 1}, ["angry", "happy", "sad"], 0.0)
    (0.3333333333333333, 0.0, 0.6666666666666666)
    >>> shares_of({"other": 2}, ["angry", "happy", "sad"], 0.0) is None
    True
    """
    total = sum(votes.get(name, 0.0) for name in classes)
    if not total > 0:
        return None
    plain = [votes.get(name, 0.0) / total for name in classes]
    others = len(classes) - 1
    return tuple((1 - smoothing) * share + smoothing * (1 - share) / others for share in plain)


def largest(shares: Sequence[float], classes: Sequence[str]) -> str:
    """The class with the largest share, the first of equals."""
    return classes[max(range(len(classes)), key=lambda position: (shares[position], -position))]
