"""Chance and cores of our own: the global generators and the number of threads are left as they were found."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


@contextmanager
def own_chance(seed: int) -> Iterator[None]:
    """Inside, torch's CPU generator starts from `seed`; afterwards it is what it was.

    Modules and dropout can only draw from the global generator. `torch.manual_seed` would also reset the
    generators of accelerators, which nothing here uses and `fork_rng` would not restore.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, torch computes on one core; afterwards on as many as before.

    A step of a tiny network is too short to be shared: waiting for the other core costs more than it does. It also
    makes the result independent of the number of cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def generator(seed: int) -> torch.Generator:
    """A generator of its own for the order of the utterances."""
    return torch.Generator().manual_seed(seed)


def shuffled_batches(utterances: int, size: int, chance: torch.Generator) -> Iterator[Tensor]:
    """One epoch: every position once, in random order, the last batch as short as it comes."""
    order = torch.randperm(utterances, generator=chance)
    for first in range(0, utterances, size):
        yield order[first : first + size]


def endless_batches(utterances: int, size: int, chance: torch.Generator) -> Iterator[Tensor]:
    """One permutation after the other, cut into batches of exactly `size`, across the borders of epochs."""
    rest = torch.empty(0, dtype=torch.int64)
    while True:
        while len(rest) < size:
            rest = torch.cat([rest, torch.randperm(utterances, generator=chance)])
        yield rest[:size]
        rest = rest[size:]
