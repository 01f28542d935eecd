"""Sweeps of pre-training: a row of an ablation is a pre-training and an evaluation, beside the paper's table."""

from harness.sweep._cell import carry_out
from harness.sweep._compose import (
    FOLDER,
    ablation_names,
    check_names,
    from_mapping,
    hydra_words,
    table_named,
)
from harness.sweep._config import Cell
from harness.sweep._outcome import Outcome, now, outcomes, refuse_faults
from harness.sweep._processes import refuse_launcher
from harness.sweep._write import PAPER_CORPORA, write_table

__all__ = [
    "FOLDER",
    "PAPER_CORPORA",
    "Cell",
    "Outcome",
    "ablation_names",
    "carry_out",
    "check_names",
    "from_mapping",
    "hydra_words",
    "now",
    "outcomes",
    "refuse_faults",
    "refuse_launcher",
    "table_named",
    "write_table",
]
