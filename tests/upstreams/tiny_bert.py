"""A BERT of random weights with a vocabulary of its own, in a folder as the hub has them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

DIM = 16
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def write_tiny_bert(folder: Path, texts: Iterable[str], seed: int = 0) -> Path:
    """Two blocks, 16 wide; every word of `texts` is a token."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    words = sorted({word.strip(".,!?'").lower() for text in texts for word in text.split()} - {""})
    marks = [".", ",", "!", "?", "'"]
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *marks, *words])}
    described = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=DIM,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        BertModel(described).save_pretrained(folder)
    BertTokenizerFast(vocab=vocabulary, model_max_length=64).save_pretrained(folder)
    return folder
