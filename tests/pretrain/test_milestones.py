"""Models that are kept on the way: each is an upstream, and the first is the start itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

Harness = Callable[..., tuple[int, str, str]]
SMALL = (
    *("objective.network.dim=32", "objective.network.heads=2", "objective.network.mlp_dim=32"),
    *("objective.network.depth=1", "objective.network.channels=8", "objective.network.tokens=2"),
    *("objective.network.decoder.dim=16", "objective.loss.clones=2", "objective.loss.target.top_k=1"),
    *("optimiser.warmup_updates=1", "batch.max_samples=40000", "batch.longest=40000", "batch.per_update=1"),
    *("log_every=1", "save_every=2", "seed=5", "track=false"),
)


def words(audio: Path, *more: str, updates: int = 4) -> list[str]:
    common = ("pretrain", "recipe=emotion2vec_tiny", f"audio=[{audio}]", "name=voices", *SMALL)
    return [*common, f"optimiser.updates={updates}", *more]


def kept(results: Path, updates: int) -> dict[str, torch.Tensor]:
    """The tensors of a model on the way."""
    return load_file(
        results / "pretrained" / "voices" / "milestones" / f"{updates:07d}" / "model.safetensors"
    )


def test_a_milestone_is_what_a_shorter_look_would_have_seen(
    harness: Harness, results: Path, audio: Path
) -> None:
    """Update 0 is the start, and keeping models changes nothing about the last one."""
    code, _, err = harness(*words(audio, "milestones=[0,2,3]"))
    assert code == 0, err
    assert "kept after update 2: upstream=voices_at_2" in err
    last = load_file(results / "pretrained" / "voices" / "model.safetensors")
    start, second, third = (kept(results, updates) for updates in (0, 2, 3))
    name = max(last, key=lambda key: last[key].numel())
    moved = [not torch.equal(a[name], b[name]) for a, b in ((start, second), (second, third), (third, last))]
    assert moved == [True, True, True]
    code, _, err = harness(*words(audio, "force=true"))
    assert code == 0, err
    again = load_file(results / "pretrained" / "voices" / "model.safetensors")
    assert all(torch.equal(again[key], last[key]) for key in last)


def test_a_milestone_is_an_upstream_and_the_start_has_heard_nothing(
    harness: Harness, results: Path, voices: Path
) -> None:
    chosen = [word for word in words(Path(), "milestones=[0,2]") if not word.startswith("audio=")]
    code, _, err = harness(*chosen, "corpora=[synthetic]", f"roots.synthetic={voices}")
    assert code == 0, err
    said = {}
    for name in ("voices_at_0", "voices_at_2"):
        code, out, err = harness(
            *("run", "recipe=synthetic_5fold", f"corpus.root={voices}", f"upstream={name}"),
            *("head=lda", "view=last", "seeds=[0]", "track=false"),
        )
        assert code == 0, err
        said[name] = out + err
    assert "voices_at_2 was itself trained on synthetic" in said["voices_at_2"]
    assert "was itself trained" not in said["voices_at_0"]


@pytest.mark.parametrize(
    ("first", "then", "said"),
    [
        (None, ["milestones=[4]"], "a milestone lies behind the end of the run"),
        ([], ["milestones=[2]"], "trained already, and these milestones were not kept"),
        (None, ["milestones=[-1]"], "milestones.0"),
    ],
)
def test_a_milestone_that_cannot_be_is_told(
    harness: Harness, audio: Path, first: list[str] | None, then: list[str], said: str
) -> None:
    if first is not None:
        assert harness(*words(audio, *first))[0] == 0
    code, _, err = harness(*words(audio, *then))
    assert code == 2
    assert said in err
