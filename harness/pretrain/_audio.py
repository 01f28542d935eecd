"""What a plan trains on: the utterances of its corpora, of its folders, and of a fold's training part."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from harness import parts, registry
from harness.contracts import Corpus
from harness.corpora import corpora_of_content, load_corpus
from harness.errors import ConfigError
from harness.pretrain._clips import RATE_HZ, Clip, clips_of_folder, clips_of_manifest, usable
from harness.pretrain._config import BatchRule, Plan
from harness.pretrain._fold import FoldPart, fold_part, refuse_test_audio
from harness.progress import progress

_LOG = logging.getLogger("harness")
UNKNOWN = "folder "
"""What stands before the name of a folder of which nobody knows the corpora."""


class Source(NamedTuple):
    """Where some of the audio comes from, as the record says it."""

    name: str
    corpora: tuple[str, ...]
    """Corpora that it belongs to, by our names where we know them."""
    licence: str
    utterances: int
    hours: float
    left_out: dict[str, int]
    content: str
    """Hash of what is heard."""


class Audio(NamedTuple):
    """Everything that is trained on."""

    clips: list[Clip]
    sources: list[Source]
    fold: dict[str, Any] | None
    """Which fold's training part it is, and that none of its test audio is in it."""

    @property
    def content(self) -> str:
        """Hash of all that is heard, in its order, which shapes the micro-batches."""
        return _content(self.clips)

    @property
    def hours(self) -> float:
        """Of all utterances."""
        return _hours(self.clips)

    @property
    def trained_on(self) -> list[str]:
        """For a card."""
        return list(dict.fromkeys(name for source in self.sources for name in source.corpora))


def gather(plan: Plan) -> Audio:
    """Read the plan's audio, corpus by corpus and folder by folder; labels are not looked at.

    Raises:
        ConfigError: there is none, a root belongs to no corpus, or test audio of the fold is among it.
        CorpusError: a corpus is damaged, or nothing of it can be used.
    """
    _check(plan)
    part = fold_part(plan) if plan.fold_of else None
    clips: list[Clip] = []
    sources: list[Source] = []
    for name, corpora, licence, found in _found(plan, part):
        kept, left_out = usable(found, plan.batch)
        source = Source(name, corpora, licence, len(kept), round(_hours(kept), 4), left_out, _content(kept))
        _tell(source, plan.batch)
        clips += kept
        sources.append(source)
    if part is not None:
        refuse_test_audio(part, clips)
    return Audio(clips, sources, part.facts if part else None)


Found = tuple[str, tuple[str, ...], str, list[Clip]]


def _found(plan: Plan, part: FoldPart | None) -> Iterator[Found]:
    if part is not None:
        yield part.title, (part.corpus.name,), part.corpus.licence, part.clips
    for name in plan.corpora:
        module = cast(Corpus, registry.load("corpora", name))
        with progress(f"checking {name}") as advance:
            manifest = load_corpus(module, plan.roots.get(name), plan.on_fault, advance)
        yield name, (name,), module.FACTS.licence, clips_of_manifest(manifest)
    for folder in map(Path, plan.audio):
        clips = clips_of_folder(folder.expanduser())
        yield folder.name, _corpora_in(folder, clips, plan), "unknown", clips


def _corpora_in(folder: Path, clips: Sequence[Clip], plan: Plan) -> tuple[str, ...]:
    """The corpora that a plain folder holds: those the user names, and those whose files we know by content."""
    known = corpora_of_content(clip.content for clip in clips)
    named = tuple(dict.fromkeys([*plan.trained_on, *known]))
    if known:
        _LOG.info("%s holds files of %s", folder.name, ", ".join(known))
    if not named:
        _LOG.warning(
            "nobody can tell which corpora %s holds; trained_on=[...] says it, so that evaluations on them are "
            "marked",
            folder.name,
        )
    return named or (f"{UNKNOWN}{folder.name}",)


def _tell(source: Source, rule: BatchRule) -> None:
    shortest = f"shorter than {rule.shortest / RATE_HZ:g} s"
    reasons = {"too short": shortest}
    left_out = ", ".join(f"{count} {reasons.get(why, why)}" for why, count in source.left_out.items())
    _LOG.info(
        "%s: %d utterances, %.2f h%s",
        source.name,
        source.utterances,
        source.hours,
        f"; left out: {left_out}" if left_out else "",
    )


def _check(plan: Plan) -> None:
    """Refuse a plan without audio, and roots of corpora that it does not name."""
    if not (plan.corpora or plan.audio or plan.fold_of):
        raise ConfigError(
            "there is nothing to pre-train on",
            got="no corpora, no audio",
            wanted="corpora=[NAME,...] with roots.NAME=DIR, or audio=DIR",
            next_step="python -m harness pretrain --help",
        )
    for name in plan.corpora:
        parts.require("corpus", name, registry.names("corpora"))
    twice = {name for name in plan.corpora if plan.corpora.count(name) > 1}
    strange = set(plan.roots) - {*plan.corpora, *_fold_corpora(plan)}
    if twice or strange:
        raise ConfigError(
            "a corpus is named twice" if twice else "a root is given for a corpus that is not trained on",
            got=", ".join(sorted(twice or strange)),
            wanted=f"each once: corpora=[{','.join(plan.corpora)}]",
            next_step="mend corpora=[...] and roots.NAME=DIR",
        )


def _fold_corpora(plan: Plan) -> Iterable[str]:
    """Any root may be meant for the fold's recipe, which names its own corpus."""
    return registry.names("corpora") if plan.fold_of else ()


def _hours(clips: Sequence[Clip]) -> float:
    return sum(clip.samples for clip in clips) / RATE_HZ / 3600


def _content(clips: Sequence[Clip]) -> str:
    digest = hashlib.sha256()
    for clip in clips:
        digest.update(f"{clip.content}\t{clip.start_s}\t{clip.end_s}\t{clip.samples}\n".encode())
    return digest.hexdigest()
