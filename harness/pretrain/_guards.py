"""When to stop a run, because nothing can come of it."""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import HarnessError
from harness.pretrain._config import GuardRule


class Guards:
    """Looks at the figures of every update.

    Source of the two collapse limits: fairseq at 3d262bb, `examples/data2vec/models/data2vec2.py`
    (`min_target_var`, `min_pred_var`, after 5,000 updates).
    """

    def __init__(self, rule: GuardRule) -> None:
        self._rule = rule
        self.skipped = 0
        """Updates in a row that were not finite; part of a saved state."""

    def look(self, updates: int, figures: Mapping[str, float]) -> None:
        """Raise where the run is lost.

        Raises:
            HarnessError: targets or predictions are all but equal, or too many updates in a row were not finite.
        """
        self.skipped = self.skipped + 1 if figures["skipped"] else 0
        if self.skipped >= self._rule.not_finite:
            raise HarnessError(
                "the loss or its gradient is not finite any more",
                got=f"{self.skipped} updates in a row, the last is {updates}",
                wanted="finite numbers",
                next_step="set precision=fp32 or bf16, or optimiser.lr lower; the last saved state is kept",
            )
        if updates > self._rule.after_updates and not figures["skipped"]:
            self._refuse_collapse(updates, figures)

    def _refuse_collapse(self, updates: int, figures: Mapping[str, float]) -> None:
        limits = {"target_std": self._rule.target_std, "prediction_std": self._rule.prediction_std}
        for name, least in limits.items():
            if figures[name] < least:
                raise HarnessError(
                    f"the run has collapsed: its {name.partition('_')[0]}s hardly differ from each other",
                    got=f"{name} {figures[name]:.4f} after {updates} updates",
                    wanted=f"at least {least} (guard.{name})",
                    next_step="set optimiser.lr lower or let the teacher follow more slowly; the last saved state "
                    "is kept",
                )
