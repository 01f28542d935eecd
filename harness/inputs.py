"""What a recipe gives a head of every utterance (speech, text or both): named, described and checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

from harness import config as configs
from harness import models, registry, weights
from harness.config import RunConfig
from harness.contracts import Card, Example, TextCard
from harness.errors import ConfigError, CorpusError

TEXT_DIM = 378
"""Text features are reduced to this width: Shi, Li and Toda 2023, as emotion2vec (arXiv 2312.15185) repeats it."""

_SPEECH_FACTS = ("name", "family", "sample_rate_hz", "layers", "dim", "options")
_TEXT_FACTS = ("name", "family", "dim", "options")

AnyCard: TypeAlias = Card | TextCard


def reads_speech(config: RunConfig) -> bool:
    """Whether the head is given features of the sound."""
    return config.modality != "text"


def text_card(config: RunConfig) -> TextCard | None:
    """The encoder of texts, where the head is given features of them."""
    return config.text if config.modality != "speech" else None


def cards(config: RunConfig) -> tuple[AnyCard, ...]:
    """Everything that a head is given features of, in the order of their columns."""
    speech = (config.upstream, *(configs.card_named(name) for name in config.beside))
    text = text_card(config)
    return (*(speech if reads_speech(config) else ()), *([text] if text else ()))


def identity(config: RunConfig, texts: Iterable[str]) -> dict[str, Any]:
    """What shapes the features: facts, weights and code of every model, but for where the weights lie.

    Args:
        config: of the run.
        texts: of all utterances, in an order that the corpus decides; read only where the recipe uses them.
    """
    known = [_identity_of(card) | _precision(card, config) for card in cards(config)]
    if len(known) == 1 and reads_speech(config):
        return known[0]
    joint = {"name": "+".join(one["name"] for one in known), "modality": config.modality, "inputs": known}
    read = {"texts": _digest(texts), "text_dim": TEXT_DIM} if text_card(config) else {}
    return {**known[0], **joint, **read}


def facts(config: RunConfig) -> dict[str, Any]:
    """What the cards say for the record: about, licence, and the corpora in the models' own training."""
    read = cards(config)
    trained_on = list(dict.fromkeys(name for card in read for name in card.trained_on))
    about, licence = (
        " + ".join(dict.fromkeys(getattr(card, what) for card in read)) for what in ("about", "licence")
    )
    return {"about": about, "licence": licence, "trained_on": trained_on}


def check(config: RunConfig, needs: str, examples: Sequence[Example], texts: Iterable[str]) -> None:
    """Refuse a recipe whose task, head, modality and view do not go together.

    Args:
        config: of the run.
        needs: what the head reads: `means`, `frames` or `contexts`.
        examples: of the task.
        texts: of all utterances.

    Raises:
        ConfigError: the head cannot read such examples, or a setting would do nothing, or one is missing.
        CorpusError: texts are to be read, and the corpus has none.
    """
    if needs == "contexts":
        _check_contexts(config, examples)
    else:
        _check_single(config, examples)
    if config.precision != "fp32" and not reads_speech(config):
        raise ConfigError(
            "precision does nothing without speech",
            got=f"precision={config.precision}, modality={config.modality}",
            wanted="encoders of texts always compute in fp32",
            next_step="precision=fp32, or modality=speech+text",
        )
    if config.modality != "speech" and config.text is None:
        raise ConfigError(
            f"modality={config.modality} needs an encoder of texts",
            got="no text part in the recipe",
            wanted="the name of an encoder",
            next_step="+text=minilm_l6   (python -m harness list text)",
        )
    if text_card(config) and not any(text.strip() for text in texts):
        raise CorpusError(
            "the corpus comes without texts",
            got=f"no words in any utterance of {config.corpus.name}",
            wanted=f"transcripts, for modality={config.modality}",
            next_step="modality=speech, or put the owners' transcripts where they belong",
        )


def _check_contexts(config: RunConfig, examples: Sequence[Example]) -> None:
    if any(not example.roles for example in examples):
        raise ConfigError(
            f"the head {config.head.name} reads conversations",
            got=f"task {config.task.name}, whose examples are single utterances",
            wanted="a task that reads the turns before its target",
            next_step="task=next_turn, or another head",
        )
    if reads_speech(config) and config.view.get("kind") == "weighted":
        raise ConfigError(
            f"the head {config.head.name} reads one vector per utterance",
            got="view=weighted, all layers",
            wanted="a view of one layer, or of their mean",
            next_step="view=last, or view=layer view.layer=K, or view=mean_last view.layers=K",
        )
    if config.beside and not reads_speech(config):
        raise ConfigError(
            "beside does nothing without speech",
            got=f"beside={config.beside}, modality={config.modality}",
            next_step="beside=[], or modality=speech+text",
        )


def _check_single(config: RunConfig, examples: Sequence[Example]) -> None:
    if any(example.roles for example in examples):
        raise ConfigError(
            f"the head {config.head.name} reads single utterances",
            got=f"task {config.task.name}, whose examples are turns of a conversation",
            wanted="a head that reads conversations",
            next_step="head=epc_shi2023, head=epc_shi2020 or head=epc_gru",
        )
    idle = {"modality": config.modality != "speech", "beside": bool(config.beside)}
    for name, is_set in idle.items():
        if is_set:
            raise ConfigError(
                f"{name} does nothing with the head {config.head.name}",
                got=f"{name}={getattr(config, name)}",
                wanted="a head that reads conversations",
                next_step=f"leave {name} out, or task=next_turn head=epc_shi2023",
            )


def notes(config: RunConfig, texts: Sequence[str], fold_texts: Sequence[int]) -> list[str]:
    """What the outputs have to say of the inputs; nothing where speech alone is read, in the usual precision.

    Args:
        config: of the run.
        texts: of all utterances.
        fold_texts: utterances that train, per fold.
    """
    said = [] if config.precision == "fp32" else [f"the upstream computed in {config.precision}, not in fp32"]
    return said + _text_notes(config, texts, fold_texts)


def _text_notes(config: RunConfig, texts: Sequence[str], fold_texts: Sequence[int]) -> list[str]:
    card = text_card(config)
    if card is None:
        return []
    width = min(TEXT_DIM, card.dim, *(count - 1 for count in fold_texts))
    why = f": {_limit(card, fold_texts)} allow no more" if width < TEXT_DIM else ""
    wide = f"texts by {card.name} ({card.dim} wide)"
    said = f"{wide} are reduced to {width} dimensions at most, on training data only{why}"
    empty = sum(not text.strip() for text in texts)
    return [said] + ([f"{empty} of {len(texts)} utterances come without words"] if empty else [])


def _limit(card: TextCard, fold_texts: Sequence[int]) -> str:
    return (
        f"vectors of {card.dim}" if card.dim < min(fold_texts) else f"{min(fold_texts)} training utterances"
    )


def _identity_of(card: AnyCard) -> dict[str, Any]:
    """Name, options, weights and code of one model."""
    if isinstance(card, TextCard):
        plain = asdict(card)
        named = {key: plain[key] for key in _TEXT_FACTS} | {"layers": 1}
        code = registry.code_version(registry.load("texts", card.family))
    else:
        plain = asdict(models.presented(card))
        named = {key: plain[key] for key in _SPEECH_FACTS}
        code = registry.code_version(models.family(card))
    return {**named, "weights": weights.checksum(card), "code": code}


def _precision(card: AnyCard, config: RunConfig) -> dict[str, str]:
    """Precision of a network of speech, where it is not the usual one: it shapes the numbers then."""
    usual = isinstance(card, TextCard) or config.precision == "fp32"
    return {} if usual else {"precision": config.precision}


def _digest(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()
