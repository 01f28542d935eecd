"""Pre-training: audio without labels -> objective -> a checkpoint and its card, from then on an upstream."""

from harness.pretrain._compose import check_names, compose, from_mapping, hydra_words
from harness.pretrain._config import Plan
from harness.pretrain._story import pretrain

__all__ = ["Plan", "check_names", "compose", "from_mapping", "hydra_words", "pretrain"]
