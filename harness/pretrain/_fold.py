"""The training part of one fold of an evaluation, for continued pre-training that never hears its test audio."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from harness import config
from harness.contracts import CorpusFacts, Fold
from harness.errors import ConfigError, did_you_mean
from harness.pretrain._clips import Clip, clips_of_manifest
from harness.pretrain._config import Plan
from harness.study import Study
from harness.study import plan as study_of

_LOG = logging.getLogger("harness")


class FoldPart(NamedTuple):
    """What may be heard of a fold, and what may not."""

    title: str
    corpus: CorpusFacts
    clips: list[Clip]
    test: Mapping[str, list[Clip]]
    """Content of a file -> the test utterances in it."""
    facts: dict[str, Any]
    """For the record."""


def fold_part(plan: Plan) -> FoldPart:
    """The parts of the plan's fold that may be trained on; utterances that share sound with the test part leave.

    Raises:
        ConfigError: there is no such recipe or fold.
        HarnessError: the recipe's corpus or folds cannot be made.
    """
    study = _study(plan)
    fold = _named(study.folds.folds, plan.fold)
    ids = _utterances(study, [name for part in plan.fold_parts for name in getattr(fold, part)])
    test = _by_content(clips_of_manifest(study.manifest, _utterances(study, fold.test)))
    found = clips_of_manifest(study.manifest, ids)
    clips = [clip for clip in found if not _touches(clip, test)]
    if len(clips) < len(found):
        _LOG.warning("%d utterances share sound with the test part and are left out", len(found) - len(clips))
    facts = {
        "recipe": study.config.recipe,
        "corpus": study.manifest.facts.name,
        "fold": fold.name,
        "parts": list(plan.fold_parts),
        "fingerprint": study.folds.fingerprint,
        "share_sound_with_test_and_left_out": len(found) - len(clips),
        "test_utterances_heard": 0,
    }
    title = f"{study.config.recipe}, fold {fold.name}, {' and '.join(plan.fold_parts)}"
    return FoldPart(title, study.manifest.facts, clips, test, facts)


def refuse_test_audio(part: FoldPart, clips: Iterable[Clip]) -> None:
    """Make sure that nothing of what is trained on is test audio of the fold.

    Raises:
        ConfigError: names what is.
    """
    heard = [clip for clip in clips if _touches(clip, part.test)]
    if heard:
        raise ConfigError(
            "test audio of the fold would be trained on",
            got=f"{len(heard)} utterances, the first: {heard[0].path.name}",
            wanted=f"only audio from outside the test part of {part.title}",
            next_step="leave corpora=[...] and audio=DIR out, which hold it",
        )


def _study(plan: Plan) -> Study:
    """The evaluation, with the corpus where the plan says that it lies."""
    chosen = [f"corpus={plan.fold_corpus}"] if plan.fold_corpus else []
    composed = config.compose(str(plan.fold_of), chosen)
    root = plan.roots.get(composed.corpus.name)
    composed.corpus = replace(composed.corpus, root=root, on_fault=plan.on_fault)
    return study_of(composed)


def _named(folds: Sequence[Fold], name: str | None) -> Fold:
    names = [fold.name for fold in folds]
    if name not in names:
        raise ConfigError(
            "there is no such fold" if name else "fold_of needs the name of a fold",
            got=name,
            wanted=did_you_mean(name or "", names),
            next_step="set fold=NAME",
        )
    return folds[names.index(name)]


def _utterances(study: Study, ids: Sequence[str]) -> list[str]:
    """The utterances behind examples, each once."""
    return list(dict.fromkeys(name for example in study.by_id(ids) for name in example.utterances))


def _by_content(clips: Iterable[Clip]) -> dict[str, list[Clip]]:
    found: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        found[clip.content].append(clip)
    return dict(found)


def _touches(clip: Clip, test: Mapping[str, Sequence[Clip]]) -> bool:
    return any(clip.shares_sound(other) for other in test.get(clip.content, ()))
