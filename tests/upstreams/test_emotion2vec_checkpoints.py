"""Every file format that emotion2vec reads, and one clear error for each that it must not."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from harness.config import build, card_named
from harness.contracts import Card
from harness.errors import WeightsError
from upstreams import emotion2vec
from upstreams._emotion2vec_net import Emotion2vecNet, Sizes

AUDIO = "modality_encoders.AUDIO."
WAVE = torch.randn(1, 7_000, generator=torch.Generator().manual_seed(0))
LENGTH = torch.tensor([7_000])
SPEC = "[(16, 10, 5)] + [(16, 3, 2)] * 4 + [(16,2,2)] + [(16,2,2)]"
SETTINGS = {"num_heads": 4, "norm_eps": 1e-5, "layer_norm_first": False, "loss_beta": 0, "adversarial_x": 1}
AUDIO_SETTINGS = {"feature_encoder_spec": SPEC, "prenet_depth": 2, "extractor_mode": "layer_norm"}
Tensors = dict[str, Tensor]


@pytest.fixture
def original() -> emotion2vec.Emotion2vec:
    return emotion2vec.random_small(card_named("emotion2vec_base"), emotion2vec.Config(), 7)


@pytest.fixture
def classifier() -> emotion2vec.Emotion2vec:
    config = emotion2vec.Config(labels=("生气/angry", "unuse_0", "<unk>"))
    return emotion2vec.random_small(card_named("emotion2vec_plus_base"), config, 8)


def tensors(upstream: emotion2vec.Emotion2vec) -> Tensors:
    return {name: tensor.clone() for name, tensor in upstream.module.state_dict().items()}


def training_only(state: Tensors) -> dict[str, Any]:
    """What a pre-training checkpoint holds besides: decoder and moving average."""
    decoder = {f"{AUDIO}decoder.proj.bias": torch.ones(3), f"{AUDIO}decoder.blocks.0.0.bias": torch.ones(3)}
    return {**state, **decoder, "_ema": {name: tensor + 1 for name, tensor in state.items()}}


def loaded(upstream: emotion2vec.Emotion2vec, path: Path) -> emotion2vec.Emotion2vec:
    return emotion2vec.load(upstream.card, emotion2vec.Config(), path)


def same_features(ours: emotion2vec.Emotion2vec, theirs: emotion2vec.Emotion2vec) -> bool:
    states = (upstream.extract(WAVE, LENGTH).states for upstream in (ours, theirs))
    return all(torch.equal(a, b) for a, b in zip(*states, strict=True))


def refused(upstream: emotion2vec.Emotion2vec, path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        loaded(upstream, path)
    error = caught.value
    assert error.got
    assert error.wanted
    assert error.next_step
    return error


NESTED = {
    "model": {**SETTINGS, "modalities": {"audio": AUDIO_SETTINGS, "image": None}},
    "task": {"normalize": True},
}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: {
            "model": model,
            "cfg": NESTED,
            "args": None,
            "last_optimizer_state": {"x": torch.ones(9)},
        },
        lambda model: {"model": model, "cfg": {**SETTINGS, **AUDIO_SETTINGS}},
        lambda model: {"model": model, "cfg": None, "args": argparse.Namespace(**SETTINGS, **AUDIO_SETTINGS)},
        lambda model: {"model": model},
        lambda model: {"state_dict": model, "epoch": 3},
        lambda model: model,
    ],
    ids=["nested cfg", "flat cfg", "namespace", "no cfg", "state_dict", "bare"],
)
def test_fairseq_files(
    original: emotion2vec.Emotion2vec, tmp_path: Path, wrap: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    torch.save(wrap(training_only(tensors(original))), tmp_path / "emotion2vec_base.pt")
    for weights in (tmp_path, tmp_path / "emotion2vec_base.pt"):
        assert same_features(loaded(original, weights), original)


def test_files_from_before_zip_half_precision_and_the_old_distance_scale(
    original: emotion2vec.Emotion2vec, tmp_path: Path
) -> None:
    state = {name: tensor.half() for name, tensor in tensors(original).items()}
    state[f"{AUDIO}alibi_scale"] = state[f"{AUDIO}alibi_scale"][0]
    torch.save({"model": state}, tmp_path / "x.pt", _use_new_zipfile_serialization=False)
    ours = loaded(original, tmp_path).module.state_dict()
    assert all(tensor.dtype == torch.float32 for tensor in ours.values())
    assert all(
        torch.equal(ours[name], theirs.float().reshape(ours[name].shape)) for name, theirs in state.items()
    )


@pytest.mark.parametrize("settings", [None, "config.yaml", "config.json"])
def test_funasr_folders(classifier: emotion2vec.Emotion2vec, tmp_path: Path, settings: str | None) -> None:
    state = tensors(classifier)
    heads = {"proj.weight", "proj.bias"}
    wrapped = {name if name in heads else f"d2v_model.{name}": tensor for name, tensor in state.items()}
    torch.save({"model": wrapped, "cfg": {"task": {"normalize": True}}}, tmp_path / "model.pt")
    (tmp_path / "tokens.txt").write_text("生气/angry\nunuse_0\n<unk>\n", encoding="utf-8")
    if settings:  # JSON is YAML, too
        (tmp_path / settings).write_text(json.dumps({"model_conf": NESTED["model"]}), encoding="utf-8")
    ours = loaded(classifier, tmp_path)
    assert same_features(ours, classifier)
    scores = ours.classify(WAVE, LENGTH)
    assert scores.labels == ("生气/angry", "<unk>")
    assert torch.equal(scores.scores, classifier.classify(WAVE, LENGTH).scores)


def test_the_scores_are_a_softmax_over_the_used_outputs_of_the_head(
    classifier: emotion2vec.Emotion2vec,
) -> None:
    pooled = classifier.extract(WAVE, LENGTH).states[-1].mean(1)
    head = classifier.module.proj
    assert head is not None
    wanted = head(pooled).double()[:, [0, 2]].softmax(-1)
    assert torch.allclose(classifier.classify(WAVE, LENGTH).scores.double(), wanted, atol=1e-6)


def test_safetensors_by_name_and_by_being_the_only_one(
    original: emotion2vec.Emotion2vec, tmp_path: Path
) -> None:
    save_file(tensors(original), tmp_path / "converted.safetensors")
    assert same_features(loaded(original, tmp_path), original)
    assert same_features(loaded(original, tmp_path / "converted.safetensors"), original)
    averaged = {f"_ema.{name}": tensor + 1 for name, tensor in tensors(original).items()}
    save_file({**tensors(original), **averaged}, tmp_path / "converted.safetensors")
    assert same_features(loaded(original, tmp_path), original)
    save_file({"other": torch.ones(1)}, tmp_path / "other.safetensors")
    assert "converted.safetensors, other.safetensors" in str(refused(original, tmp_path))


def test_the_loaded_network_owns_its_weights(original: emotion2vec.Emotion2vec, tmp_path: Path) -> None:
    """The file is mapped while it is read; nothing may refer to it afterwards."""
    torch.save({"model": tensors(original)}, tmp_path / "model.pt")
    ours = loaded(original, tmp_path)
    with (tmp_path / "model.pt").open("r+b") as stream:
        stream.write(b"\0" * (tmp_path / "model.pt").stat().st_size)
    assert same_features(ours, original)
    assert not any(weight.requires_grad or ours.module.training for weight in ours.module.parameters())


@pytest.mark.parametrize("name", ["model.pt", "old.pt", "model.safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.999])
def test_truncated_files(original: emotion2vec.Emotion2vec, tmp_path: Path, name: str, share: float) -> None:
    path = tmp_path / name
    if name.endswith(".safetensors"):
        save_file(tensors(original), path)
    else:
        torch.save({"model": tensors(original)}, path, _use_new_zipfile_serialization=name == "model.pt")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    error = refused(original, tmp_path)
    assert "truncated" in error.what
    assert f"{int(share * len(whole)):,} bytes" in str(error.got)


class Trap:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def test_no_code_in_a_file_is_run(original: emotion2vec.Emotion2vec, tmp_path: Path) -> None:
    torch.save({"model": tensors(original), "args": Trap(tmp_path / "sprung")}, tmp_path / "model.pt")
    refused(original, tmp_path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [[1, 2], {"model": {"encoder.layers.0.weight": torch.ones(2)}}, {}])
def test_files_that_are_no_such_checkpoint(
    original: emotion2vec.Emotion2vec, tmp_path: Path, content: object
) -> None:
    torch.save(content, tmp_path / "model.pt")
    refused(original, tmp_path)


def test_another_architecture_is_named_tensor_by_tensor(
    original: emotion2vec.Emotion2vec, tmp_path: Path
) -> None:
    path = tmp_path / "model.pt"
    torch.save(
        {"model": {"feature_extractor.conv_layers.0.0.weight": torch.ones(2), "mask_emb": torch.ones(2)}},
        path,
    )
    error = refused(original, path)
    assert "another architecture" in error.what
    assert f"missing {AUDIO}alibi_scale" in str(error.got)
    assert "unexpected feature_extractor.conv_layers.0.0.weight, mask_emb" in str(error.got)


def damaged(change: str, state: Tensors) -> Tensors:
    changes: dict[str, Callable[[], object]] = {
        "missing": lambda: state.pop("blocks.1.norm2.bias"),
        "unexpected": lambda: state.update({"text_encoder.weight": torch.ones(2)}),
        "wrong shape": lambda: state.update({"blocks.1.mlp.fc2.bias": torch.ones(3)}),
        "wrong kernel": lambda: state.update(
            {f"{AUDIO}local_encoder.conv_layers.2.0.weight": torch.ones(16, 16, 4)}
        ),
        "scale per layer": lambda: state.update({f"{AUDIO}alibi_scale": torch.ones(4, 1, 4, 1, 1)}),
        "scale of other heads": lambda: state.update({f"{AUDIO}alibi_scale": torch.ones(1, 1, 5, 1, 1)}),
    }
    changes[change]()
    return state


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("missing", "missing blocks.1.norm2.bias; unexpected none"),
        ("unexpected", "missing none; unexpected text_encoder.weight"),
        ("wrong shape", "blocks.1.mlp.fc2.bias of shape (3,)"),
        ("wrong kernel", "(16, 16, 4)"),
        ("scale per layer", "alibi_scale (4, 1, 4, 1, 1)"),
        ("scale of other heads", "alibi_scale (1, 1, 5, 1, 1)"),
    ],
)
def test_small_differences_are_named(
    original: emotion2vec.Emotion2vec, tmp_path: Path, change: str, named: str
) -> None:
    torch.save({"model": damaged(change, tensors(original))}, tmp_path / "model.pt")
    error = refused(original, tmp_path)
    assert "another architecture" in error.what
    assert named in str(error.got)


@pytest.mark.parametrize(
    "settings",
    [
        {"layer_norm_first": True},
        {"extractor_mode": "default"},
        {"num_heads": 8},
        {"feature_encoder_spec": "[(16, 10, 5)] * 3"},
    ],
)
def test_settings_that_change_the_arithmetic_are_not_ignored(
    original: emotion2vec.Emotion2vec, tmp_path: Path, settings: dict[str, object]
) -> None:
    torch.save({"model": tensors(original), "cfg": {"model": settings}}, tmp_path / "model.pt")
    refused(original, tmp_path)


def test_strides_come_from_the_settings_and_are_held_against_the_card(
    original: emotion2vec.Emotion2vec, tmp_path: Path
) -> None:
    settings = {"feature_encoder_spec": SPEC.replace("(16, 10, 5)", "(16, 10, 4)")}
    torch.save({"model": tensors(original), "cfg": {"model": settings}}, tmp_path / "model.pt")
    error = refused(original, tmp_path)
    assert "hop_samples 256, min_samples 322" in str(error.got)
    assert error.wanted == "hop_samples 320, min_samples 400"


def test_the_card_s_sizes_are_held_against_the_file(
    original: emotion2vec.Emotion2vec, tmp_path: Path
) -> None:
    torch.save({"model": tensors(original)}, tmp_path / "model.pt")
    with pytest.raises(WeightsError) as caught:
        emotion2vec.load(card_named("emotion2vec_plus_large"), emotion2vec.Config(), tmp_path)
    assert "the card emotion2vec_plus_large describes" in caught.value.what
    assert "dim 32, hidden states 5" in str(caught.value.got)
    assert caught.value.wanted == "dim 1024, hidden states 13"


def test_missing_files_and_folders(original: emotion2vec.Emotion2vec, tmp_path: Path) -> None:
    assert "not there" in refused(original, tmp_path / "nowhere" / "model.pt").what
    assert "no .pt, no .safetensors" in str(refused(original, tmp_path).got)


def test_a_broken_configuration_beside_the_file(original: emotion2vec.Emotion2vec, tmp_path: Path) -> None:
    torch.save({"model": tensors(original)}, tmp_path / "model.pt")
    (tmp_path / "config.yaml").write_text("model_conf: [", encoding="utf-8")
    assert "config.yaml" in str(refused(original, tmp_path).got)


def test_a_head_needs_names_and_a_classifier_a_head(
    original: emotion2vec.Emotion2vec, classifier: emotion2vec.Emotion2vec, tmp_path: Path
) -> None:
    with pytest.raises(WeightsError, match="no classification head"):
        original.classify(WAVE, LENGTH)
    torch.save({"model": tensors(classifier)}, tmp_path / "model.pt")
    nameless = loaded(classifier, tmp_path)
    with pytest.raises(WeightsError, match=r"tokens\.txt"):
        nameless.classify(WAVE, LENGTH)
    named = emotion2vec.load(classifier.card, emotion2vec.Config(labels=("a", "unuse_1", "c")), tmp_path)
    assert named.classify(WAVE, LENGTH).labels == ("a", "c")
    (tmp_path / "tokens.txt").write_text("x\ny\nz\n", encoding="utf-8")
    assert loaded(classifier, tmp_path).classify(WAVE, LENGTH).labels == ("x", "y", "z")


@pytest.fixture
def offline_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's own cache folder, with the hub itself out of reach."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def test_the_pinned_revision_is_taken_from_the_hub(
    classifier: emotion2vec.Emotion2vec, offline_hub: Path
) -> None:
    commit = card_named("emotion2vec_plus_large").revision
    repository = offline_hub / "models--someone--something"
    (repository / "snapshots" / commit).mkdir(parents=True)
    torch.save({"model": tensors(classifier)}, repository / "snapshots" / commit / "model.pt")
    card = Card(**{**vars(classifier.card), "hub_id": "someone/something", "revision": commit})
    assert same_features(emotion2vec.load(card, emotion2vec.Config(), None), classifier)


@pytest.mark.parametrize("name", ["emotion2vec_plus_large", "emotion2vec_base", "data2vec2_base"])
def test_without_hub_and_files_the_way_out_is_named(offline_hub: Path, name: str) -> None:
    with pytest.raises(WeightsError) as caught:
        emotion2vec.load(card_named(name), emotion2vec.Config(), None)
    message = str(caught.value)
    assert "upstream.path=" in message
    assert "EMOHARNESS_WEIGHTS" in message
    assert "http" in message


RELEASED = {
    "emotion2vec_base": "keys_emotion2vec_base",
    "emotion2vec_plus_seed": "keys_emotion2vec_plus_base_or_seed_or_base_finetuned",
    "emotion2vec_plus_base": "keys_emotion2vec_plus_base_or_seed_or_base_finetuned",
    "emotion2vec_plus_large": "keys_emotion2vec_plus_large",
    "data2vec2_base": "keys_data2vec2_base_libri",
}


@pytest.mark.parametrize("name", RELEASED)
def test_names_shapes_and_size_of_the_released_networks(shared: Path, name: str) -> None:
    listing = json.loads(
        (shared / "reference" / "checkpoint_keys" / f"{RELEASED[name]}.json").read_text(encoding="utf-8")
    )["keys"]
    wanted = {
        key.removeprefix("d2v_model."): shape for key, shape in listing.items() if ".decoder." not in key
    }
    card, large = card_named(name), name.endswith("large")
    labels = build(emotion2vec.Config, card.options, where=name).labels
    sizes = Sizes(
        dim=card.dim,
        heads=16 if large else 12,
        alibi_scales=16 if large else 12,
        mlp_dim=4 * card.dim,
        extra_tokens=0 if name == "data2vec2_base" else 10,
        classes=len(labels),
    )
    with torch.device("meta"):
        net = Emotion2vecNet(sizes)
    assert {key: list(tensor.shape) for key, tensor in net.state_dict().items()} == wanted
    assert sum(weight.numel() for weight in net.parameters()) == card.parameters
    assert sizes.prenet + sizes.depth + 1 == card.layers
