"""Frames, utterance tokens, or both joined: what `upstream.options.features` gives, alone and in a whole run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from harness.check import promises
from harness.config import card_named, compose
from harness.contracts import Card
from harness.errors import ConfigError, WeightsError
from harness.models import load_upstream, presented, random_upstream
from harness.run import run
from upstreams import emotion2vec
from upstreams._emotion2vec_net import Conv, Emotion2vecNet, Sizes

FORMS = ("frames", "tokens", "both")


def card(features: str, name: str = "emotion2vec_base", **changes: Any) -> Card:
    return card_named(name, {"options.features": features, **changes})


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    waves = torch.randn(2, 9_000, generator=torch.Generator().manual_seed(3))
    waves[0, 5_000:] = 0
    return waves, torch.tensor([5_000, 9_000])


@pytest.mark.parametrize("features", FORMS)
def test_every_form_keeps_the_promises(features: str) -> None:
    with torch.inference_mode():
        findings = list(promises(random_upstream(card(features))))
    assert not [finding for finding in findings if finding.kept is False]


def test_the_forms_are_pieces_of_the_same_pass() -> None:
    forms = {name: random_upstream(card(name)) for name in FORMS}
    states = {name: upstream.extract(*batch()) for name, upstream in forms.items()}
    tokens = forms["frames"].utterance_tokens(*batch())  # type: ignore[attr-defined]
    assert torch.equal(states["tokens"].states[-1][:, 0], tokens.mean(1))
    assert states["tokens"].frames.tolist() == [1, 1]
    for frames, token, both in zip(*(states[name].states for name in FORMS), strict=True):
        assert torch.equal(both, torch.cat([frames, token.expand_as(frames)], -1))
    assert torch.equal(states["both"].frames, states["frames"].frames)


def test_the_card_tells_width_and_hop_of_every_form() -> None:
    told = {name: (presented(card(name)).dim, presented(card(name)).hop_samples) for name in FORMS}
    assert told == {"frames": (768, 320), "tokens": (768, None), "both": (1536, 320)}


def test_an_unknown_form_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="features"):
        presented(card("chunks"))


def test_scores_of_a_head_do_not_depend_on_the_form() -> None:
    upstreams = [random_upstream(card(name, "emotion2vec_plus_base")) for name in FORMS]
    frames, tokens, both = (upstream.classify(*batch()).scores for upstream in upstreams)  # type: ignore[attr-defined]
    assert torch.equal(frames, tokens)
    assert torch.equal(frames, both)


def tiny_checkpoint(folder: Path, tokens: int) -> dict[str, Any]:
    """A checkpoint on disk, and what its card says."""
    sizes = Sizes(dim=32, heads=4, mlp_dim=64, prenet=1, depth=1, alibi_scales=4, extra_tokens=tokens,
                  convs=tuple(Conv(16, conv.kernel, conv.stride) for conv in Sizes().convs))  # fmt: skip
    torch.manual_seed(0)
    net = Emotion2vecNet(sizes)
    emotion2vec._draw(net.requires_grad_(False), torch.Generator().manual_seed(0))
    path = folder / "model.safetensors"
    save_file(net.state_dict(), path)
    return {"path": str(path), "dim": 32, "layers": 3, "hop_samples": math.prod(sizes.strides)}


def test_tokens_are_not_asked_of_a_checkpoint_without_them(tmp_path: Path) -> None:
    facts = tiny_checkpoint(tmp_path, tokens=0)
    load_upstream(card("frames", **facts))
    for features in ("tokens", "both"):
        with pytest.raises(WeightsError, match="no utterance tokens"):
            load_upstream(card(features, **facts))


@pytest.mark.parametrize("features", FORMS)
def test_a_run_takes_the_form_from_the_command_line(features: str, tmp_path: Path) -> None:
    """Every form has a store and a record of its own, with the width that a head sees."""
    facts = tiny_checkpoint(tmp_path, tokens=2)
    words = [f"upstream.{key}={value}" for key, value in facts.items()]
    config = compose(
        "synthetic_5fold",
        ["upstream=emotion2vec_base", *words, f"upstream.options.features={features}", "view=last",
         "resamples=10", "track=false", f"results={tmp_path}"],
    )  # fmt: skip
    record = run(config)
    assert record.upstream["options"]["features"] == features
    assert record.upstream["dim"] == (64 if features == "both" else 32)
    assert record.extraction["utterances"] == 240
