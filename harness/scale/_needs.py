"""What a cell needs, and how many cells this machine has room for."""

from __future__ import annotations

from dataclasses import dataclass

from harness.config import ScaleConfig

GIB = 1024.0**3


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Of one cell."""

    threads: int = 1
    memory_gib: float = 0.0
    gpus: float = 0.0


def cores_here() -> int:
    """Cores that this process may use."""
    from joblib import cpu_count

    return int(cpu_count())


def threads_of(settings: ScaleConfig, cells: int) -> int:
    """Cores of a cell: as set, else the machine's cores shared between the cells of the stage.

    It follows from the stage and the machine, never from the number of workers: how a sum is cut between threads
    can show in its last digit, and one worker and two have to give the same bytes.

    Args:
        settings: of the run.
        cells: of the whole stage, those that are done already included.
    """
    return settings.threads or max(1, cores_here() // max(1, cells))


def asked_for(settings: ScaleConfig) -> bool:
    """Whether the user wants workers, however short the stage; one worker is this process."""
    return settings.workers != 1 and (settings.workers is not None or settings.name != "processes")


def workers_here(settings: ScaleConfig, needs: Needs) -> int:
    """Cells at a time on this machine: as set, else what cores, memory and GPUs allow, at least one."""
    if settings.workers is not None:
        return settings.workers
    room = [cores_here() // needs.threads]
    if needs.memory_gib > 0:
        room.append(int(_available_gib() // needs.memory_gib))
    if needs.gpus > 0:
        room.append(int(_gpus_here() // needs.gpus))
    return max(1, min(room))


def _available_gib() -> float:
    import psutil

    return float(psutil.virtual_memory().available) / GIB


def _gpus_here() -> int:
    import torch

    return torch.cuda.device_count()
