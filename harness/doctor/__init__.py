"""The split doctor: is a split sound, how much of a score hangs on what is not, and what is left without it.

It diagnoses and refuses nothing; `make_folds` is what refuses.
"""

from harness.doctor._kinds import Kind
from harness.doctor.clean import Cleaned, score_minus_leak
from harness.doctor.diagnosis import Diagnosis, FoldDiagnosis, diagnose
from harness.doctor.grade import Grade, Reason
from harness.doctor.overlaps import Overlap
from harness.doctor.shift import Shift

__all__ = [
    "Cleaned",
    "Diagnosis",
    "FoldDiagnosis",
    "Grade",
    "Kind",
    "Overlap",
    "Reason",
    "Shift",
    "diagnose",
    "score_minus_leak",
]
