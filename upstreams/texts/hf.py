"""Sentence encoders and BERT-like models through transformers: what AutoModel and AutoTokenizer can read.

A text's vector is the mean over its tokens' last states, special tokens included (as sentence-transformers pools),
or the state of the first token. Every text goes through the network alone: nothing is padded, no text can change
the last bit of another's vector, and a tokenizer without a padding token will do. Utterances are short, and
encoded once.

References: J. Devlin, M.-W. Chang, K. Lee, K. Toutanova, "BERT", NAACL 2019, 4171-4186; N. Reimers, I. Gurevych,
"Sentence-BERT", EMNLP 2019, 3982-3992 (mean and CLS pooling).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from harness.contracts import TextCard
from harness.errors import ConfigError, WeightsError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


@dataclass(kw_only=True)
class Config:
    """What the cards of this family set."""

    pooling: Literal["mean", "cls"] = "mean"
    """Mean over all tokens, or the state of the first one."""
    max_tokens: int = 256
    """Longer texts are cut, special tokens included."""

    def __post_init__(self) -> None:
        if self.max_tokens < 3:
            raise ConfigError(
                "text.options.max_tokens leaves no room for a word",
                got=self.max_tokens,
                wanted="3 or more: a token between the two special ones",
                next_step="text.options.max_tokens=256",
            )


def load(card: TextCard, config: Config, weights: Path | None) -> HfText:
    """Load tokenizer and network from a local folder, or from the hub at the card's revision.

    Raises:
        WeightsError: a file is missing or damaged, a weight is missing, or the width is not the card's.
    """
    tokenizer, network = _fetched(card, weights)
    width = int(getattr(network.config, "hidden_size", 0) or getattr(network.config, "d_model", 0))
    if width != card.dim:
        raise WeightsError(
            f"the checkpoint is not the one on the card of {card.name}",
            got=f"vectors of {width}",
            wanted=f"vectors of {card.dim}",
            next_step=f"point text.path at a copy of {card.hub_id or 'the checkpoint'}, or set text.dim={width}",
        )
    return HfText(card, config, tokenizer, network)


class HfText:
    """A tokenizer and its network, ready to encode."""

    def __init__(self, card: TextCard, config: Config, tokenizer: Any, network: Any) -> None:  # noqa: ANN401
        self.card, self._config, self._tokenizer = card, config, tokenizer
        self.module: torch.nn.Module = network.eval().requires_grad_(False)
        self._longest = min(config.max_tokens, _longest(tokenizer, network))

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(texts, dim) float32. A text without a single token is a vector of zeros."""
        values = np.zeros((len(texts), self.card.dim), np.float32)
        for row, text in enumerate(texts):
            tokens = self._tokenizer(text, truncation=True, max_length=self._longest)["input_ids"]
            if tokens:
                values[row] = self._pooled(tokens)
        return values

    def _pooled(self, tokens: list[int]) -> NDArray[np.float32]:
        import torch

        ids = torch.tensor([tokens], device=next(self.module.parameters()).device)
        with torch.inference_mode():
            states = (
                self.module(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0].float()
            )
        pooled = states.mean(0) if self._config.pooling == "mean" else states[0]
        return np.asarray(pooled.cpu().numpy(), np.float32)


def _longest(tokenizer: Any, network: Any) -> int:  # noqa: ANN401
    """Tokens that both can take; some tokenizers say 10**30, and RoBERTa's positions begin after the padding's."""
    places = int(getattr(network.config, "max_position_embeddings", 0) or tokenizer.model_max_length)
    offset = 2 if network.config.model_type in ("roberta", "xlm-roberta", "camembert") else 0
    return int(min(tokenizer.model_max_length, places - offset))


def _fetched(card: TextCard, weights: Path | None) -> tuple[Any, Any]:
    """Tokenizer and network; no weight is left to chance, no code of the checkpoint is run."""
    from safetensors import SafetensorError

    from upstreams import _torchaudio_shim

    _torchaudio_shim.install()
    place, how = _place(card, weights)
    try:
        from transformers import AutoModel, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(place, **how)
        network, said = AutoModel.from_pretrained(place, output_loading_info=True, **how)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError, ImportError) as fault:
        raise WeightsError(
            f"the text encoder {card.name} cannot be loaded",
            got=f"{type(fault).__name__}: {next(iter(str(fault).strip().splitlines()), '')}",
            wanted=f"tokenizer, config.json and weights in {place}",
            next_step="text.path=DIR, or EMOHARNESS_WEIGHTS=DIR with a sub-folder named like the card",
        ) from fault
    _refuse_missing(card, sorted(name for name in said["missing_keys"] if "pooler" not in name))
    return tokenizer, network.get_encoder() if network.config.is_encoder_decoder else network


def _place(card: TextCard, weights: Path | None) -> tuple[str, dict[str, Any]]:
    """What `from_pretrained` is given; a pinned revision that was fetched before needs no network."""
    if weights is not None:
        return str(_network_folder(weights)), {"local_files_only": True, "trust_remote_code": False}
    import huggingface_hub

    revision = card.revision or None
    cached = huggingface_hub.try_to_load_from_cache(card.hub_id, "config.json", revision=revision)
    fetched = isinstance(cached, str) and revision is not None
    return card.hub_id, {"revision": revision, "local_files_only": fetched, "trust_remote_code": False}


def _network_folder(folder: Path) -> Path:
    """Older folders of sentence-transformers keep the network in a sub-folder, which `modules.json` names."""
    named = folder / "modules.json"
    if (folder / "config.json").is_file() or not named.is_file():
        return folder
    try:
        return folder / str(json.loads(named.read_text(encoding="utf-8"))[0]["path"])
    except (OSError, ValueError, LookupError, TypeError) as fault:
        raise WeightsError(
            f"{named} cannot be read",
            got=f"{type(fault).__name__}: {fault}",
            wanted="the list of modules that sentence-transformers writes",
            next_step="copy the checkpoint again",
        ) from fault


def _refuse_missing(card: TextCard, missing: Sequence[str]) -> None:
    """Transformers would start them at random and log a warning; nothing here reads the pooler."""
    if missing:
        raise WeightsError(
            f"the checkpoint of {card.name} lacks weights",
            got=f"{len(missing)} missing: {', '.join(missing[:3])}",
            wanted="every weight that config.json describes",
            next_step="copy config.json and the weights together again",
        )
