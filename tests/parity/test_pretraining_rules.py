"""Targets, masks, learning rates and the teacher's pace against tables made by the original code."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from safetensors.torch import load_file

from harness.pretrain._config import OptimiserRule
from harness.pretrain._optimiser import rate
from upstreams.objectives._ema import EmaRule
from upstreams.objectives._masks import MaskRule, SpanRule, block_masks, span_masks
from upstreams.objectives._targets import TargetRule, frame_targets

HERE = Path(__file__).parent
DRAWS = 2_000
SIGMAS = 5.0
"""Allowed between two independent estimates, in standard errors of their difference: chance is below 1e-6."""
FLAGS = {
    "batch_norm_target_layer": "batch_norm_layer",
    "instance_norm_target_layer": "instance_norm_layer",
    "layer_norm_target_layer": "layer_norm_layer",
    "layer_norm_targets": "layer_norm",
    "instance_norm_targets": "instance_norm",
}
TENSORS = load_file(HERE / "targets" / "targets.safetensors")
SCHEDULES = json.loads((HERE / "schedules" / "schedules.json").read_text(encoding="utf-8"))
MASKS = json.loads((HERE / "masks" / "mask_stats.json").read_text(encoding="utf-8"))


# ------------------------------------------------------------------------------------------------ targets


@pytest.mark.parametrize("variant", sorted(name for name in TENSORS if name.startswith("target.")))
def test_targets_of_every_combination_of_norms(variant: str) -> None:
    """1e-5: sums of 23 and 12 float32 numbers in another order; leaving a norm out changes them by a half."""
    chosen = {FLAGS[flag] for flag in variant.removeprefix("target.").split("+") if flag != "none"}
    flags = {name: name in chosen for name in FLAGS.values()}
    layers = [TENSORS[name] for name in sorted(TENSORS) if name.startswith("layer.")]
    ours, theirs = frame_targets(layers, TargetRule(top_k=3, **flags)), TENSORS[variant]
    assert float((ours - theirs).abs().max() / theirs.abs().max()) < 1e-5


def test_every_flag_has_a_table() -> None:
    combined = "+".join(TENSORS)
    assert all(flag in combined for flag in FLAGS)
    assert {field.name for field in fields(TargetRule)} == {*FLAGS.values(), "top_k", "end_of_block"}


# -------------------------------------------------------------------------------------- rate and decay


@pytest.mark.parametrize("system", sorted(set(SCHEDULES) - {"ema"}))
def test_learning_rates(system: str) -> None:
    """1e-12 of the peak: the same formula in double precision."""
    told = SCHEDULES[system]
    rule = OptimiserRule(lr=told["lr"], warmup_updates=told["warmup_updates"], updates=told["max_update"])
    for updates, wanted in told["lr_after_num_updates"].items():
        assert rate(int(updates), rule) == pytest.approx(wanted, rel=1e-9, abs=1e-12 * rule.lr), updates


@pytest.mark.parametrize("system", sorted(SCHEDULES["ema"]))
def test_the_teacher_s_pace(system: str) -> None:
    told = SCHEDULES["ema"][system]
    rule = EmaRule(start=told["start"], end=told["end"], end_update=told["anneal_end_step"])
    for updates, wanted in told["decay_at_num_updates"].items():
        assert rule.decay(int(updates)) == pytest.approx(wanted, rel=1e-14), updates


# -------------------------------------------------------------------------------------------------- masks


@cache
def drawn(kind: str, frames: int, share: float, length: int) -> NDArray[np.bool_]:
    """(draws, frames): each row drawn by itself, as the table was made."""
    rng = np.random.default_rng(frames)
    one: Callable[[Generator], torch.Tensor]
    if kind == "block_mask_1d":
        rule = MaskRule(share=share, adjust=0.05, length=length)
        one = lambda rng: block_masks(frames, 1, rule, rng)  # noqa: E731
    else:
        spans = SpanRule(share=share, length=length)
        one = lambda rng: span_masks(frames, 1, spans, rng)  # noqa: E731
    return np.concatenate([one(rng).numpy() for _ in range(DRAWS)])


def runs_of(row: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Lengths of the masked runs."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
    return edges[1::2] - edges[::2]


def ratio_with_error(above: NDArray[Any], below: NDArray[Any]) -> tuple[float, float]:
    """A ratio of sums over rows, and its standard error (rows are independent, runs within one are not)."""
    ratio = above.sum() / below.sum()
    return float(ratio), float(np.sqrt(((above - ratio * below) ** 2).sum()) / below.sum())


TABLES = [(kind, name) for kind in ("block_mask_1d", "compute_mask_indices") for name in MASKS[kind]]


@pytest.mark.parametrize(("kind", "name"), TABLES)
def test_statistics_of_masks(kind: str, name: str) -> None:
    told: Mapping[str, Any] = MASKS[kind][name]
    rows = drawn(kind, int(name.rsplit(".", maxsplit=1)[-1]), told["mask_prob"], told["mask_length"])
    assert told["n"] == DRAWS
    runs = [runs_of(row) for row in rows]
    counts = np.array([len(lengths) for lengths in runs])
    masked, whole = rows.sum(1), np.full(DRAWS, rows.shape[1])
    for key, above, below in (
        ("masked_fraction_mean", masked, whole),
        ("mean_run_length", masked, counts),
        ("run_length_share_1", np.array([(lengths == 1).sum() for lengths in runs]), counts),
        ("run_length_share_ge5", np.array([(lengths >= 5).sum() for lengths in runs]), counts),
    ):
        ours, error = ratio_with_error(above, below)
        # 1e-6: the table's fractions were taken in float32
        assert abs(ours - told[key]) <= SIGMAS * 2**0.5 * error + 1e-6, (key, ours, told[key])


@pytest.mark.parametrize("name", sorted(MASKS["block_mask_1d"]))
def test_block_masks_mask_the_same_share_in_every_row(name: str) -> None:
    told = MASKS["block_mask_1d"][name]
    fractions = drawn("block_mask_1d", int(name), told["mask_prob"], told["mask_length"]).mean(1)
    for extreme in (fractions.min(), fractions.max()):
        assert extreme == pytest.approx(told["masked_fraction_min"], abs=1e-6)
    assert told["masked_fraction_min"] == told["masked_fraction_max"]


@pytest.mark.parametrize("name", sorted(MASKS["block_mask_1d"]))
def test_block_masks_lie_around_their_centres(name: str) -> None:
    """So that both ends of an utterance are masked equally often."""
    told = MASKS["block_mask_1d"][name]
    rows = drawn("block_mask_1d", int(name), told["mask_prob"], told["mask_length"])
    for place in range(told["mask_length"]):
        first, last = rows[:, place].mean(), rows[:, -1 - place].mean()
        assert abs(first - last) <= SIGMAS * (2 * 0.25 / DRAWS) ** 0.5, place


@pytest.mark.parametrize("name", sorted(MASKS["compute_mask_indices"]))
def test_span_masks_stay_within_the_same_bounds(name: str) -> None:
    """The extremes of 2,000 draws lie within two spans of each other's."""
    told = MASKS["compute_mask_indices"][name]
    frames = int(name.rsplit(".", maxsplit=1)[-1])
    fractions = drawn("compute_mask_indices", frames, told["mask_prob"], told["mask_length"]).mean(1)
    near = 2 * told["mask_length"] / frames
    assert fractions.min() == pytest.approx(told["masked_fraction_min"], abs=near)
    assert fractions.max() == pytest.approx(told["masked_fraction_max"], abs=near)


def test_rows_of_a_batch_mask_equally_many_frames_and_differ() -> None:
    rng = np.random.default_rng(0)
    for masks in (block_masks(99, 16, MaskRule(), rng), span_masks(99, 16, SpanRule(), rng)):
        assert masks.shape == (16, 99)
        assert len(set(masks.sum(1).tolist())) == 1
        assert len({tuple(row) for row in masks.tolist()}) == 16


@pytest.mark.parametrize("frames", [2, 3, 5, 9, 10, 11, 24])
def test_very_short_utterances_can_be_masked(frames: int) -> None:
    rng = np.random.default_rng(frames)
    for _ in range(50):
        assert int(block_masks(frames, 1, MaskRule(), rng).sum()) == frames // 2
        assert 1 <= int(span_masks(frames, 1, SpanRule(), rng).sum()) <= frames
