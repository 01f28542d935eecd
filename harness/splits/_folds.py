"""From a protocol to folds that may be used: run it, check what it gives, and name the result by a hash."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.contracts import Example, Fold, Splitter
from harness.errors import PluginError
from harness.splits._classes import check_train_classes, class_warnings
from harness.splits._config import SplitConfig, check_config
from harness.splits._dialogues import check_dialogues, dev_warnings, dialogue_overlap
from harness.splits._parts_check import check_coverage, check_examples, check_parts, check_readable
from harness.splits._speakers import check_dev_speakers, check_speakers, dev_overlap, speaker_overlap


@dataclass(frozen=True, kw_only=True)
class Folds:
    """Folds, and what a reader of the number has to know about them.

    `make_folds` gives those that passed every check, `cut_folds` those that are to be looked at.
    """

    folds: tuple[Fold, ...]
    fingerprint: str
    """`folds-v1:` and a SHA-256 of the ids per part, the targets and the selection rule."""
    select: str
    """`dev`, `test` or `last`: what selects the model."""
    shares_speakers_as: str
    """The published protocol that puts speakers on both sides; empty where none is."""
    shared_speakers: tuple[str, ...]
    """Speakers on both sides of a fold: tested, and in its train or dev part. Empty ids are unknown ones."""
    dev_shares_speakers: bool
    """Whether a dev part holds speakers of its own train part."""
    warnings: tuple[str, ...]
    """What does not forbid the split but belongs into the record."""
    shares_dialogues_as: str = ""
    """The published protocol that has dialogues on both sides; empty where none is."""
    shared_dialogues: tuple[str, ...] = ()
    """Dialogues on both sides of a fold, where examples read conversations."""

    @property
    def saw_test(self) -> bool:
        """Whether the test part selects the model; such a number is never ranked."""
        return self.select == "test"


def make_folds(module: Splitter, examples: Sequence[Example], config: object) -> Folds:
    """Run a protocol and check its folds.

    Args:
        module: a module of this folder (or anything with `Config` and `split`).
        examples: all examples of the task, in manifest order.
        config: an instance of the module's `Config`.

    Raises:
        SplitError: a part is empty, an id is in two parts or tested twice (or never, in cross-validation), a
            class has no training example, a speaker (or, where examples read them, a dialogue) is on both sides
            without a published protocol that does so, or such a protocol is named and no speaker is.
        ConfigError: a setting is not one of those known.
        PluginError: the module's `Config` does not derive from `SplitConfig`.
    """
    folds, by_id = _cut(module, examples, config)
    rules = _rules(config)
    check_parts(folds, by_id, rules)
    check_coverage(folds, by_id, rules)
    check_train_classes(folds, by_id)
    overlap = speaker_overlap(folds, by_id, sides_are_apart=rules.sides_are_apart)
    check_speakers(overlap, len(by_id), rules)
    check_dev_speakers(folds, by_id, rules)
    check_dialogues(dialogue_overlap(folds, by_id), rules)
    return _describe(module, folds, by_id, rules)


def cut_folds(module: Splitter, examples: Sequence[Example], config: object) -> Folds:
    """Run a protocol and describe its folds without judging them: for a diagnosis, never for a run.

    Speakers on both sides, an id in two parts or in two test parts, and classes without training examples are
    let through, because they are what a diagnosis has to tell.

    Args:
        module: as for `make_folds`.
        examples: all examples of the task, in manifest order.
        config: an instance of the module's `Config`.

    Raises:
        SplitError: there are no folds, two of one name, an unknown id, or nothing to train on or to test.
        ConfigError: a setting is not one of those known.
        PluginError: the module's `Config` does not derive from `SplitConfig`.
    """
    folds, by_id = _cut(module, examples, config)
    check_readable(folds, by_id)
    return _describe(module, folds, by_id, _rules(config))


def _cut(
    module: Splitter, examples: Sequence[Example], config: object
) -> tuple[tuple[Fold, ...], dict[str, Example]]:
    """The folds as the protocol gives them, and the examples by id."""
    rules = _rules(config)
    check_config(rules)
    by_id = check_examples(examples)
    return tuple(module.split(list(examples), rules)), by_id


def _rules(config: object) -> SplitConfig:
    if not isinstance(config, SplitConfig):
        raise PluginError(
            "a protocol's Config has to derive from SplitConfig",
            got=type(config).__name__,
            next_step="write `class Config(SplitConfig)` in the protocol's module",
        )
    return config


def _describe(
    module: Splitter, folds: tuple[Fold, ...], by_id: Mapping[str, Example], config: SplitConfig
) -> Folds:
    shared = speaker_overlap(folds, by_id, sides_are_apart=config.sides_are_apart)
    dialogues = dialogue_overlap(folds, by_id)
    return Folds(
        folds=folds,
        fingerprint=fingerprint(folds, by_id, config.select),
        select=config.select,
        shares_speakers_as=config.shares_speakers_as if shared else "",
        shared_speakers=tuple(sorted({speaker for both in shared.values() for speaker in both})),
        dev_shares_speakers=bool(dev_overlap(folds, by_id)),
        warnings=(
            *_remarks(module, by_id, config),
            *class_warnings(folds, by_id),
            *dev_warnings(folds, by_id),
        ),
        shares_dialogues_as=config.shares_dialogues_as if dialogues else "",
        shared_dialogues=tuple(sorted({name for both in dialogues.values() for name in both})),
    )


def _remarks(module: Splitter, by_id: Mapping[str, Example], config: SplitConfig) -> Iterable[str]:
    """What the protocol itself has to say, where it has a `remarks`."""
    remarks = getattr(module, "remarks", None)
    return () if remarks is None else remarks(list(by_id.values()), config)


def fingerprint(folds: Iterable[Fold], by_id: Mapping[str, Example], select: str) -> str:
    """A name for the protocol as it came out, the same on every machine.

    It hashes, fold by fold, the sorted ids of each part with their targets (and their values where a target is a
    number or shared between classes), and the selection rule. The
    order inside a part, the fold's name and settings without effect do not count. Ids are taken in Unicode
    normal form C, because file systems differ in it.
    """
    parts = [[_pairs(part, by_id) for part in (fold.train, fold.dev, fold.test)] for fold in folds]
    text = json.dumps({"select": select, "folds": parts}, ensure_ascii=True, separators=(",", ":"))
    return f"folds-v1:{hashlib.sha256(text.encode('ascii')).hexdigest()}"


def _pairs(ids: Iterable[str], by_id: Mapping[str, Example]) -> list[tuple[str | float, ...]]:
    return sorted((unicodedata.normalize("NFC", i), by_id[i].target, *by_id[i].values) for i in ids)
