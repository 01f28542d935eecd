"""Tiny checkpoints for the tests of s3prl's hub."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(
    str(Path(__file__).parent)
)  # the tests are no package; several of them import s3prl_checkpoints


@pytest.fixture(scope="module")
def wav2vec2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from s3prl_checkpoints import save_folder, transformers_model

    return save_folder(transformers_model("Wav2Vec2"), tmp_path_factory.mktemp("wav2vec2"), True)


@pytest.fixture(scope="module")
def hubert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from s3prl_checkpoints import save_folder, transformers_model

    return save_folder(transformers_model("Hubert"), tmp_path_factory.mktemp("hubert"), False)
