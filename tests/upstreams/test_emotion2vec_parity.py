"""Our emotion2vec against outputs of the original code (FunASR's, and the authors' own).

Tolerance 1e-5 of a tensor's largest value: float32 rounding through 12 blocks, whose sums are taken in another
order than the original's, stays below 3e-6; the smallest change of a formula moves results by more than 1e-3.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from harness.contracts import Card
from upstreams import emotion2vec
from upstreams._emotion2vec_checkpoint import read_sizes
from upstreams._emotion2vec_files import read

TOLERANCE = 1e-5
IN_CHECKOUT = ["funasr_base", "funasr_plus_unuse"]
FUNASR = [*IN_CHECKOUT, "funasr_plus_9class"]
OFFICIAL = ["e2v_infer_tiny", "e2v_infer_full_depth"]


def relative(ours: Tensor, theirs: Tensor) -> float:
    assert ours.shape == theirs.shape
    return float((ours - theirs).abs().max() / theirs.abs().max())


@pytest.fixture
def folder(request: pytest.FixtureRequest, project_root: Path) -> Path:
    """The fixture of that name: in the checkout, else in the reference data."""
    ours = project_root / "tests" / "parity" / request.param
    if ours.is_dir():
        return ours
    shared: Path = request.getfixturevalue("shared")
    return shared / "parity" / str(request.param)


def loaded(folder: Path, **options: bool) -> emotion2vec.Emotion2vec:
    checkpoint = read(folder)
    sizes = read_sizes(
        {name: tensor for name, tensor in checkpoint.tensors.items() if ".decoder." not in name}, checkpoint
    )
    card = Card(
        name=folder.name,
        family="emotion2vec",
        about="",
        licence="",
        source="",
        dim=sizes.dim,
        layers=sizes.prenet + sizes.depth + 1,
        hop_samples=320,
        min_samples=400,
    )
    return emotion2vec.load(card, emotion2vec.Config(**options), folder)


def waves(folder: Path) -> list[Tensor]:
    inputs = load_file(folder / "inputs.safetensors")
    return [inputs[name] for name in sorted(inputs) if name.startswith("wav.")]


def alone(wave: Tensor) -> tuple[Tensor, Tensor]:
    return wave[None], torch.tensor([len(wave)])


def padded(clips: list[Tensor]) -> tuple[Tensor, Tensor]:
    batch = torch.nn.utils.rnn.pad_sequence(clips, batch_first=True)
    return batch, torch.tensor([len(clip) for clip in clips])


@pytest.mark.parametrize("folder", FUNASR, indirect=True)
def test_frames_and_means_are_those_of_funasr(folder: Path) -> None:
    upstream, theirs = loaded(folder), load_file(folder / "outputs.safetensors")
    for place, wave in enumerate(waves(folder)):
        states, frames = upstream.extract(*alone(wave))
        assert int(frames) == states[-1].shape[1] == len(theirs[f"frame.{place}.feats"])
        assert relative(states[-1][0], theirs[f"frame.{place}.feats"]) < TOLERANCE
        assert relative(states[-1][0].mean(0), theirs[f"utterance.{place}.feats"]) < TOLERANCE


@pytest.mark.parametrize("folder", ["funasr_plus_unuse", "funasr_plus_9class"], indirect=True)
def test_labels_and_scores_are_those_of_funasr_also_in_a_batch(folder: Path) -> None:
    upstream, theirs = loaded(folder), json.loads((folder / "results.json").read_text(encoding="utf-8"))
    clips = waves(folder)
    batched = upstream.classify(*padded(clips))
    for place, wave in enumerate(clips):
        single, wanted = upstream.classify(*alone(wave)), theirs[f"utterance.{place}"]
        assert list(single.labels) == list(batched.labels) == wanted["labels"]
        for scores in (single.scores[0], batched.scores[place]):
            assert relative(scores, torch.tensor(wanted["scores"])) < TOLERANCE


@pytest.mark.parametrize("folder", OFFICIAL, indirect=True)
def test_every_hidden_state_is_the_original_s(folder: Path) -> None:
    upstream, theirs = loaded(folder), load_file(folder / "outputs.safetensors")
    sizes = upstream.module.sizes
    names = ["context_norm", *(f"prenet.{block}.out" for block in range(sizes.prenet))]
    names += [f"block.{block}.out" for block in range(sizes.depth)]
    states, _ = upstream.extract(*alone(waves(folder)[0]))
    assert len(states) == len(names) == upstream.card.layers
    for name, state in zip(names, states, strict=True):
        wanted = theirs[f"single.0.{name}"][:, sizes.extra_tokens :]
        assert relative(state, wanted) < TOLERANCE, name


@pytest.mark.parametrize("folder", OFFICIAL, indirect=True)
def test_every_utterance_alone(folder: Path) -> None:
    upstream, theirs = loaded(folder), load_file(folder / "outputs.safetensors")
    for place, wave in enumerate(waves(folder)):
        states, _ = upstream.extract(*alone(wave))
        wanted = theirs[f"single.{place}.x_with_extra"]
        tokens = upstream.utterance_tokens(*alone(wave))
        assert relative(torch.cat([tokens, states[-1]], dim=1), wanted) < TOLERANCE
        assert relative(states[-1], theirs[f"single.{place}.x"]) < TOLERANCE
        assert relative(states[-1].mean(1), theirs[f"single.{place}.pooled"]) < TOLERANCE


@pytest.mark.parametrize("folder", OFFICIAL, indirect=True)
def test_padded_batches_equal_single_utterances_or_on_demand_the_official_batch(folder: Path) -> None:
    clips, theirs = waves(folder), load_file(folder / "outputs.safetensors")
    exact, frames = loaded(folder).extract(*padded(clips))
    official, _ = loaded(folder, official_padding=True).extract(*padded(clips))
    for place, count in enumerate(frames.tolist()):
        assert relative(exact[-1][place, :count], theirs[f"single.{place}.x"][0]) < TOLERANCE
        assert relative(official[-1][place, :count], theirs["batch.x"][place, :count]) < TOLERANCE
    shortest = len(clips) - 1
    count = int(frames[shortest])
    assert relative(official[-1][shortest, :count], exact[-1][shortest, :count]) > 1e-2


@pytest.mark.parametrize("folder", OFFICIAL, indirect=True)
def test_equally_long_utterances_need_no_mask(folder: Path) -> None:
    clips = waves(folder)
    shortest = min(len(clip) for clip in clips)
    states, _ = loaded(folder).extract(*padded([clip[:shortest] for clip in clips]))
    assert relative(states[-1], load_file(folder / "outputs.safetensors")["equal.x"]) < TOLERANCE


@pytest.mark.parametrize("folder", OFFICIAL, indirect=True)
def test_the_input_norm_can_be_switched_off(folder: Path) -> None:
    wave, theirs = waves(folder)[0], load_file(folder / "outputs.safetensors")
    states, _ = loaded(folder, normalise=False).extract(*alone(wave))
    assert relative(states[-1], theirs["single.0.x_unnormalised_input"]) < TOLERANCE


@pytest.mark.parametrize("folder", OFFICIAL, indirect=True)
def test_every_stage_before_the_blocks(folder: Path) -> None:
    net, theirs = loaded(folder).module, load_file(folder / "outputs.safetensors")
    normed = load_file(folder / "inputs.safetensors")["norm.0"]
    local = net.audio.local_features(normed[None])
    assert relative(net.audio.local_encoder(normed[None]), theirs["single.0.local_encoder"]) < TOLERANCE
    assert relative(local, theirs["single.0.project_features"]) < TOLERANCE
    assert relative(net.audio.positions(local, None), theirs["single.0.pos_conv"]) < TOLERANCE
    tokens = net.sizes.extra_tokens
    bias = net.audio.attention_bias(torch.arange(local.shape[1])[None], None)[0]
    assert relative(bias[:, tokens:, tokens:], theirs["alibi_scaled"]) < TOLERANCE
    assert not bias[:, :tokens].any()
    assert not bias[:, :, :tokens].any()


@pytest.mark.parametrize("folder", ["e2v_infer_tiny"], indirect=True)
def test_the_feed_forward_output_is_kept_for_pre_training(folder: Path) -> None:
    net, theirs = loaded(folder).module, load_file(folder / "outputs.safetensors")
    bias = net.audio.attention_bias(torch.arange(theirs["single.0.x"].shape[1])[None], None)
    x = theirs[f"single.0.prenet.{net.sizes.prenet - 1}.out"]
    for place, block in enumerate(net.blocks):
        x, feed_forward = block(x, bias)
        assert relative(feed_forward, theirs[f"single.0.block.{place}.ffn"]) < TOLERANCE
