"""Where a pre-trained model lies, and who owns its name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from harness import parts
from harness.errors import ConfigError
from harness.paths import own_recipes

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class Place(NamedTuple):
    """The folder of one pre-trained model, and its name as an upstream."""

    folder: Path
    name: str

    @property
    def record(self) -> Path:
        """What it was trained on and how; written last."""
        return self.folder / "record.json"

    @property
    def weights(self) -> Path:
        """The student, as its family loads it."""
        return self.folder / "model.safetensors"

    @property
    def card(self) -> Path:
        """Where the program looks for the card, beside those of all pre-trained models of this user."""
        return own_recipes() / "upstream" / f"{self.name}.yaml"

    def at(self, updates: int) -> Place:
        """Where the model after so many updates is kept, as an upstream of its own."""
        return Place(self.folder / "milestones" / f"{updates:07d}", f"{self.name}_at_{updates}")

    def finished(self, key: str) -> dict[str, Any] | None:
        """The record of this very run, if it is done.

        Raises:
            ConfigError: the name belongs to another upstream, or to a run with other settings or other audio.
        """
        self.refuse_taken(key)
        record = _record(self.record)
        if record is None or record["key"] != key:
            return None
        return record if self.weights.is_file() else None

    def refuse_taken(self, key: str) -> None:
        """Refuse a name that belongs to another upstream, or to another run.

        Raises:
            ConfigError: it does.
        """
        if not _NAME.fullmatch(self.name):
            raise _taken(
                self.name, "this cannot be the name of a file and of an upstream", "letters, digits and _"
            )
        ours = self.card.is_file()
        if not ours and self.name in parts.part_names("upstream"):
            raise _taken(self.name, "another upstream is called so", "a name of its own")
        holders = [
            self.record,
            *([Path(parts.read_yaml(self.card)["path"]).parent / "record.json"] if ours else []),
        ]
        for holder in holders:
            known = _record(holder)
            if known is not None and known["key"] != key:
                raise _taken(
                    self.name,
                    "another run is called so, with other settings or other audio",
                    "a name of its own",
                )


def _taken(name: str, why: str, wanted: str) -> ConfigError:
    return ConfigError(
        f"the pre-trained model cannot be called {name}",
        got=why,
        wanted=wanted,
        next_step="set name=..., or delete the folder of the other run",
    )


def _record(path: Path) -> dict[str, Any] | None:
    """A record, or None where there is none that can be read: then nobody holds the name."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and "key" in record else None


def default_name(recipe: str, told: list[str]) -> str:
    """A name of the recipe and the audio: `emotion2vec_tiny_emodb`."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", "_".join([recipe.replace("/", "_"), *told]))
