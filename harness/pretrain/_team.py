"""The processes that share a run, as PyTorch's launcher `torchrun` starts them; one alone is a team of one."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from harness.errors import ConfigError
from harness.models import choose_device

if TYPE_CHECKING:
    import torch
    from torch import Tensor

BUCKET_ELEMENTS = 8_000_000
"""Gradients that travel together."""
PATIENCE = timedelta(hours=12)
"""How long the others wait for the process that measures the audio first."""


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

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """The process that leads does the block before the others, which then find what it left in the cache."""
        if not self.leads:
            self._wait()
        yield
        if self.leads:
            self._wait()

    def _wait(self) -> None:
        if self.size > 1:
            import torch.distributed as dist

            dist.barrier()

    def total(self, values: Tensor) -> Tensor:
        """The sum over all processes, of values on any device."""
        if self.size == 1:
            return values
        import torch.distributed as dist

        shared = values.to(self.device)
        dist.all_reduce(shared)
        return shared.to(values.device)

    def agree(self, updates: int) -> None:
        """Refuse to go on from different places.

        Raises:
            ConfigError: some process found another saved state, as on a machine that does not share the folder.
        """
        import torch

        total = float(self.total(torch.tensor(float(updates), dtype=torch.float64)))
        if total != self.size * updates:
            raise ConfigError(
                "the processes find different saved states",
                got=f"update {updates} in process {self.rank}, {total / self.size:g} on average",
                wanted="one results folder that all machines see",
                next_step="set results=DIR on a shared file system",
            )

    def add_up(self, weights: Iterable[torch.nn.Parameter], divisor: float) -> None:
        """Sum the gradients of all processes and divide them; a weight without gradient counts as zero."""
        import torch

        grads: list[Tensor] = []
        for weight in weights:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            grads.append(weight.grad)
        if self.size > 1:
            for bucket in _buckets(grads):
                flat = self.total(torch.cat([grad.flatten() for grad in bucket]))
                parts = torch.split(flat, [grad.numel() for grad in bucket])
                for grad, part in zip(bucket, parts, strict=True):
                    grad.copy_(part.view_as(grad))
        torch._foreach_div_(grads, divisor)


def _buckets(grads: list[Tensor]) -> Iterator[list[Tensor]]:
    bucket: list[Tensor] = []
    held = 0
    for grad in grads:
        if bucket and held + grad.numel() > BUCKET_ELEMENTS:
            yield bucket
            bucket, held = [], 0
        bucket.append(grad)
        held += grad.numel()
    if bucket:
        yield bucket


@contextmanager
def team(device: str) -> Iterator[Team]:
    """Join the processes that `torchrun` started, or be alone.

    Args:
        device: `cpu`, `cuda`, or `auto`; each process of a machine takes the GPU of its own number.
    """
    rank, size, local = (int(os.environ.get(name, alone)) for name, alone in _LAUNCHER)
    chosen = _device(device, local)
    if size == 1:
        yield Team(0, 1, chosen)
        return
    import torch.distributed as dist

    if rank:
        logging.getLogger("harness").setLevel(logging.ERROR)
    dist.init_process_group("nccl" if chosen.startswith("cuda") else "gloo", timeout=PATIENCE)
    try:
        yield Team(rank, size, chosen)
    finally:
        dist.destroy_process_group()


_LAUNCHER = (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"))
"""What `torchrun` tells a process, and what holds without it."""


def _device(wanted: str, local: int) -> str:
    """The device of a process.

    Raises:
        ConfigError: there is no GPU of its number.
    """
    import torch

    if choose_device(wanted) == "cpu":
        return "cpu"
    if local >= torch.cuda.device_count():
        raise ConfigError(
            "there are fewer GPUs than processes on this machine",
            got=f"{torch.cuda.device_count()} GPUs, process {local}",
            wanted="one GPU for every process",
            next_step="torchrun --nproc-per-node=GPUS, or device=cpu",
        )
    torch.cuda.set_device(local)
    return f"cuda:{local}"
