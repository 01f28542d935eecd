"""The teacher that follows: an exponential moving average of the student, in float32 wherever it lies.

Source: facebookresearch/fairseq at 3d262bb, `fairseq/modules/ema_module.py` and `get_annealed_rate` in
`examples/data2vec/models/modalities/base.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True, kw_only=True)
class EmaRule:
    """How slowly the teacher follows: from `start` to `end` in a straight line over the first updates.

    The defaults are the released emotion2vec run's.
    """

    start: float = 0.999
    end: float = 0.99999
    end_update: int = 20_000
    steps: int = 1
    """Towards the same student after every update. fairseq's data2vec 1 takes one at each micro-batch of a GPU, so
    its `update_freq` belongs here where it is to be repeated; data2vec 2.0 takes one."""

    def decay(self, updates: int) -> float:
        """Share of the teacher that stays in one step, after this many finished updates."""
        if updates >= self.end_update:
            return self.end
        return self.end - (self.end - self.start) * (1 - updates / self.end_update)


@torch.no_grad()
def follow(
    teacher: nn.Module, student: nn.Module, decay: float, copied: Callable[[str], bool] = lambda _: False
) -> None:
    """Move the teacher's weights towards the student's: `decay * teacher + (1 - decay) * student`.

    Args:
        teacher: its weights are a part of the student's, by the same names.
        student: what it follows.
        decay: share that stays.
        copied: says by name which weights are taken over as they are.
    """
    own = dict(student.named_parameters())
    averaged = {name: weight for name, weight in teacher.named_parameters() if not copied(name)}
    sources = [own[name].to(weight.dtype) for name, weight in averaged.items()]
    torch._foreach_lerp_(list(averaged.values()), sources, 1 - decay)
    for name, weight in teacher.named_parameters():
        if name not in averaged:
            weight.copy_(own[name])


def start_alike(teacher: nn.Module, student: nn.Module) -> None:
    """Let the teacher begin as the student is."""
    own = student.state_dict()
    teacher.load_state_dict({name: own[name] for name in teacher.state_dict()})
