"""Protocols: how examples become folds of train, dev and test.

Every module of this folder without a leading underscore is a protocol: a `Config` derived from `SplitConfig`
and a function `split`. `make_folds` runs one and refuses what must not be trusted.
"""

from harness.splits._config import SELECTIONS, SplitConfig
from harness.splits._folds import Folds, cut_folds, make_folds

__all__ = ["SELECTIONS", "Folds", "SplitConfig", "cut_folds", "make_folds"]
