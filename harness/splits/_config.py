"""What every protocol lets its user choose, with the safe choice as the default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.errors import ConfigError

SELECTIONS = ("dev", "test", "last")


@dataclass(kw_only=True)
class SplitConfig:
    """Settings that all protocols share; the `Config` of a protocol derives from it.

    The class variables are no settings: they are what a protocol promises about itself, and a new protocol
    states them only where it departs from the strict default.
    """

    select: Literal["dev", "test", "last"] = "dev"
    """Which part selects the model.

    `dev`: a dev part is taken out and selects. `test`: no dev part, everything that is not test trains and
    the test part selects (the starred rows of the papers; never ranked). `last`: no dev part, everything
    that is not test trains and nothing selects. Settings that shape the dev part are read with `dev` only.
    """

    shares_speakers_as: str = ""
    """The published protocol, with its source, that has speakers on both sides; empty means none may be."""

    tests_everything: ClassVar[bool] = True
    """Every example is in exactly one test part (cross-validation); False: in one at most."""

    dev_shares_speakers: ClassVar[bool] = False
    """The dev part may hold speakers that are in train as well."""

    names_publication: ClassVar[bool] = False
    """The folds are somebody's own lists, whose name may be given even where they keep speakers apart."""

    @property
    def shares_dialogues_as(self) -> str:
        """The published protocol that has dialogues on both sides of tasks that read them; empty: none may be."""
        return ""

    sides_are_apart: ClassVar[bool] = False
    """Speakers whom nobody names cannot be on both sides: the sides are corpora without a voice in common."""

    @property
    def wants_dev(self) -> bool:
        """Whether a dev part is to be taken out."""
        return self.select == "dev"


def check_config(config: SplitConfig) -> None:
    """Refuse a selection rule nobody knows and a name that names nothing.

    Raises:
        ConfigError: with the setting, what it is and what it may be.
    """
    if config.select not in SELECTIONS:
        raise ConfigError(
            "split.select names no selection rule",
            got=repr(config.select),
            wanted=f"one of {', '.join(SELECTIONS)}",
            next_step="set split.select=dev, or see `python -m harness run --help`",
        )
    if config.shares_speakers_as and not config.shares_speakers_as.strip():
        raise ConfigError(
            "split.shares_speakers_as holds only blanks",
            wanted="the published protocol and its source, or nothing",
            next_step="name the paper and the table, or remove the setting",
        )


def check_share(share: float, name: str = "dev_share") -> None:
    """Refuse a share that leaves one of the two parts empty by its own value.

    Raises:
        ConfigError: the share is not strictly between 0 and 1.
    """
    if not 0.0 < share < 1.0:
        raise ConfigError(
            f"split.{name} is no share",
            got=share,
            wanted="a number between 0 and 1, both excluded",
            next_step=f"set split.{name}=0.2"
            + (", or split.select=last for no dev part" if name == "dev_share" else ""),
        )
