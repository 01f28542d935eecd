"""The processes that share a run, as PyTorch's launcher `torchrun` starts them; one alone is a team of one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import ConfigError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

BUCKET_ELEMENTS = 8_000_000
"""Gradients that travel together."""


@dataclass(frozen=True)
class Team:
    """Who this process is among how many."""

    rank: int
    size: int
    device: str

    @property
    def leads(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def mine(self, count: int) -> range:
        """Which of an update's micro-batches are this process's."""
        return range(self.rank, count, self.size)

    def check(self, per_update: int) -> None:
        """Refuse a number of processes that an update cannot be shared among.

        Raises:
            ConfigError: the micro-batches of an update are no multiple of the processes.
        """
        if per_update % self.size:
            raise ConfigError(
                "an update cannot be shared among the processes",
                got=f"{per_update} micro-batches, {self.size} processes",
                wanted="a multiple of the processes",
                next_step=f"set batch.per_update={self.size * max(1, round(per_update / self.size))}",
            )

    def total(self, values: Tensor) -> Tensor:
        """The sum over all processes."""
        if self.size > 1:
            import torch.distributed as dist

            dist.all_reduce(values)
        return values

    def add_up(self, weights: Iterable[torch.nn.Parameter], divisor: float) -> None:
        """Sum the gradients of all processes and divide them; a weight without gradient counts as zero."""
        import torch

        owners = list(weights)
        for weight in owners:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
        for bucket in _buckets(owners):
            grads = [weight.grad for weight in bucket if weight.grad is not None]
            flat = self.total(torch.cat([grad.flatten() for grad in grads]))
            flat /= divisor
            for grad, part in zip(grads, torch.split(flat, [grad.numel() for grad in grads]), strict=True):
                grad.copy_(part.view_as(grad))


def _buckets(weights: list[torch.nn.Parameter]) -> Iterator[list[torch.nn.Parameter]]:
    bucket: list[torch.nn.Parameter] = []
    held = 0
    for weight in weights:
        if bucket and held + weight.numel() > BUCKET_ELEMENTS:
            yield bucket
            bucket, held = [], 0
        bucket.append(weight)
        held += weight.numel()
    if bucket:
        yield bucket


@contextmanager
def team(device: str) -> Iterator[Team]:
    """Join the processes that `torchrun` started, or be alone.

    Args:
        device: `cpu`, `cuda`, or `auto`; each process of a machine takes the GPU of its own number.
    """
    import torch

    size = int(os.environ.get("WORLD_SIZE", "1"))
    rank, local = int(os.environ.get("RANK", "0")), int(os.environ.get("LOCAL_RANK", "0"))
    cuda = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    chosen = (
        f"cuda:{local}" if cuda and device in ("auto", "cuda") else ("cpu" if device == "auto" else device)
    )
    if size == 1:
        yield Team(0, 1, chosen)
        return
    import torch.distributed as dist

    dist.init_process_group("nccl" if cuda else "gloo")
    try:
        yield Team(rank, size, chosen)
    finally:
        dist.destroy_process_group()
