"""Concordance correlation: how near predictions lie to the line on which they equal the truth, mean over scales.

Lin 1989, Biometrics 45, 255-268, with population moments (divided by N, as in his equation 2). 0 where either is
constant: nothing is told apart then.
"""

from __future__ import annotations

from harness.metrics._metric import Metric
from harness.metrics._moments import MOMENTS, moments
from harness.metrics._outcomes import Sums, Values
from harness.metrics._per_class import ratio


def ccc(sums: Sums) -> Values:
    """(..., scales, 9) -> (..., scales), from -1 to 1."""
    found = moments(sums)
    return ratio(2 * found.covariance, found.truth_variance + found.predicted_variance + found.bias**2)


METRIC = Metric("ccc", "CCC", ccc, MOMENTS, percent=False, per_output=True, told_apart=True)
