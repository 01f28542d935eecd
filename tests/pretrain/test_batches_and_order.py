"""Which utterances share a micro-batch, and in which order micro-batches come."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.pretrain._batches import Order, batches_by_length
from harness.pretrain._config import BatchRule
from harness.pretrain._team import Team

LENGTHS = st.lists(st.integers(1_600, 900_000), max_size=60)
BUDGETS = st.integers(320_000, 2_000_000)


@given(LENGTHS, BUDGETS)
def test_every_utterance_is_in_one_batch_under_the_budget(samples: list[int], budget: int) -> None:
    rule = BatchRule(max_samples=budget)
    batches = batches_by_length(samples, rule)
    assert sorted(itertools.chain(*batches)) == list(range(len(samples)))
    for batch in batches:
        longest = max(min(samples[place], rule.longest) for place in batch)
        assert longest * len(batch) <= budget


@given(LENGTHS, BUDGETS)
def test_batches_are_cut_by_length_and_full(samples: list[int], budget: int) -> None:
    """Nothing in a batch is longer than anything in the batch before; the next one would not have fitted in."""
    rule = BatchRule(max_samples=budget)
    heard = [
        [min(samples[place], rule.longest) for place in batch] for batch in batches_by_length(samples, rule)
    ]
    for longer, shorter in itertools.pairwise(heard):
        assert min(longer) >= max(shorter)
        assert max(longer) * (len(longer) + 1) > budget


def test_an_utterance_over_the_budget_is_refused_with_both_settings() -> None:
    with pytest.raises(ConfigError, match=r"batch.longest lower, or batch.max_samples higher"):
        batches_by_length([400_000], BatchRule(max_samples=300_000))


@given(st.integers(1, 23), st.integers(1, 9), st.integers(0, 5))
def test_an_epoch_holds_every_batch_once(count: int, per_update: int, seed: int) -> None:
    """Epochs follow each other without a gap, also where an update spans two of them."""
    batches = [(place,) for place in range(count)]
    order = Order(batches, per_update, seed)
    stream = [batch for number in range(3 * count) for batch in order.update(number)]
    for epoch in range(3 * per_update):
        assert sorted(stream[epoch * count : (epoch + 1) * count]) == batches


@given(st.integers(2, 23), st.integers(1, 4), st.integers(0, 5), st.integers(0, 40))
def test_the_order_knows_no_past(count: int, per_update: int, seed: int, number: int) -> None:
    """After an interruption an update gets what it would have got."""
    batches = [(place,) for place in range(count)]
    went_on = Order(batches, per_update, seed)
    for before in range(number):
        went_on.update(before)
    assert Order(batches, per_update, seed).update(number) == went_on.update(number)


def test_epochs_and_seeds_differ() -> None:
    batches = [(place,) for place in range(40)]
    first, again = Order(batches, 40, 1), Order(batches, 40, 2)
    assert first.update(0) != first.update(1)
    assert first.update(0) != again.update(0)
    assert (first.epoch(0), first.epoch(3)) == (0.0, 3.0)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6])
def test_a_team_shares_an_update_without_rest(size: int) -> None:
    shares = [list(Team(rank, size, "cpu").mine(12)) for rank in range(size)]
    assert sorted(itertools.chain(*shares)) == list(range(12))
    assert {len(share) for share in shares} == {12 // size}


def test_a_team_that_cannot_share_an_update_says_what_can_be_shared() -> None:
    with pytest.raises(ConfigError, match=r"batch.per_update=24"):
        Team(0, 8, "cpu").check(25)
