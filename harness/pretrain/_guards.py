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
        self._skipped = 0

    def look(self, updates: int, figures: Mapping[str, float]) -> None:
        """Raise where the run is lost.

        Raises:
            HarnessError: targets or predictions are all but equal, or too many updates in a row were not finite.
        """
        rule = self._rule
        self._skipped = self._skipped + 1 if figures["skipped"] else 0
        if self._skipped >= rule.not_finite:
            raise HarnessError(
                "the loss or its gradient is not finite any more",
                got=f"{self._skipped} updates in a row, the last is {updates}",
                wanted="finite numbers",
                next_step="set precision=fp32 or bf16, or optimiser.lr lower; the last state is kept",
            )
        if updates <= rule.after_updates:
            return
        for name, least in (("target_std", rule.target_std), ("prediction_std", rule.prediction_std)):
            if figures[name] < least:
                raise HarnessError(
                    f"the run has collapsed: its {name.partition('_')[0]}s hardly differ from each other",
                    got=f"{name} {figures[name]:.4f} after {updates} updates",
                    wanted=f"at least {least}",
                    next_step="lower optimiser.lr or let the teacher follow more slowly; the last state is kept",
                )
