"""What a run is about, worked out before a model is loaded: corpus, examples, folds, names of results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from harness import inputs, registry, scale
from harness.adapt import FEWEST, Groups, adaptation_notes, check_prior, speaker_groups
from harness.adapt import VERSION as ADAPT_VERSION
from harness.config import HEADLINE_METRICS, CorpusConfig, Part, RunConfig, build
from harness.contracts import Corpus, Example, Fold, Kind, Splitter
from harness.corpora import load_corpus
from harness.errors import ConfigError
from harness.joint import JointManifest, Source, check_recordings, joined, label_notes, sources_of
from harness.manifest import Manifest
from harness.metrics import metrics_for, require_metrics
from harness.progress import progress
from harness.record import run_key
from harness.splits import Folds, make_folds
from harness.tasks import TaskExamples
from harness.views import View

HEAD_OF: Mapping[Kind, str] = {"classes": "superb_linear", "scales": "scales_mlp", "shares": "shares_mlp"}
"""A head that predicts this kind of target, for the message where another one was chosen."""


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A plug-in with its settings, ready to be called."""

    name: str
    module: ModuleType
    settings: Any

    @property
    def identity(self) -> dict[str, Any]:
        """Name, settings and code, for the keys of results."""
        return {
            "name": self.name,
            "settings": asdict(self.settings),
            "code": registry.code_version(self.module),
        }


@dataclass(frozen=True)
class Study:
    """One recipe, resolved against the corpus on disk."""

    config: RunConfig
    manifest: Manifest
    task: Plugin
    examples: TaskExamples
    split: Plugin
    folds: Folds
    head: Plugin
    view: View

    @cached_property
    def upstream_identity(self) -> dict[str, Any]:
        """What shapes the features: the card's facts, weights and code, but for where the weights lie."""
        texts = self.texts(sorted(self.utterances()))
        return inputs.identity(self.config, texts)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The corpora that are read: one, or those that train and then the one that is tested."""
        return sources_of(self.manifest)

    def speaker_groups(self, utterances: Sequence[str]) -> Groups | None:
        """Whose statistics standardise each of these utterances; None where nothing is standardised."""
        if self.config.speakers == "none":
            return None
        rows = self.manifest.table.set_index("id").loc[list(utterances)]
        return speaker_groups(rows["speaker"].fillna("").tolist(), rows["corpus"].tolist())

    def utterances(self) -> list[str]:
        """Every utterance that an example reads, each once, in the order of the examples."""
        return self.utterances_of(self.examples.examples)

    @staticmethod
    def utterances_of(examples: Iterable[Example]) -> list[str]:
        """Every utterance that these examples read, each once, in their order."""
        return list(dict.fromkeys(name for example in examples for name in example.utterances))

    def read_utterances(self) -> list[str]:
        """Every utterance that an example of any fold reads, each once."""
        return self.utterances_of(self.by_id(all_ids(self.folds.folds)))

    def texts(self, utterances: Sequence[str]) -> list[str]:
        """What is said in each of these utterances; empty where the corpus does not say it."""
        rows = self.manifest.table.set_index("id")["text"].loc[list(utterances)]
        return [str(text) for text in rows.fillna("")]

    @cached_property
    def adapted(self) -> dict[str, Any]:
        """The switches that are on, for the key and the record; empty where none is."""
        config = self.config
        on: dict[str, Any] = {}
        if config.speakers != "none":
            on |= {"speakers": config.speakers, "fewest_utterances": FEWEST}
        if config.prior != "none":
            on["prior"] = config.prior
        return on | {"version": ADAPT_VERSION} if on else {}

    @cached_property
    def cell_key(self) -> str:
        """Names the cells (one training per fold and seed): everything but the seeds and the scoring."""
        return run_key(
            ({"adapted": self.adapted} if self.adapted else {})
            | self._outputs
            | {
                "corpus": self.manifest.content_hash(),
                "protocol": self.folds.fingerprint,
                "upstream": self.upstream_identity,
                "view": asdict(self.view),
                "head": self.head.identity,
            }
            | self._contexts_identity()
        )

    def _contexts_identity(self) -> dict[str, str]:
        """Which utterances every example reads, and as what, where that is more than its own."""
        read = [(one.id, one.utterances, one.roles) for one in self.examples.examples if one.roles]
        return {"contexts": run_key({"read": sorted(read)})} if read else {}

    @property
    def _outputs(self) -> dict[str, Any]:
        """What the outputs mean where the fingerprint does not say it: it names classes, not scales."""
        kind = self.examples.kind
        return {} if kind == "classes" else {"outputs": {"kind": kind, "names": self.examples.classes}}

    @cached_property
    def key(self) -> str:
        """Names the run: its cells, its seeds, and how they are scored."""
        scoring = {"metrics": self.metrics, "resamples": self.config.resamples}
        named = {"recipe": self.config.recipe, "version": self.config.version}
        return run_key({"cells": self.cell_key, "seeds": self.config.seeds, **scoring, **named})

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics that were asked for, or those that the kind of target has."""
        asked = self.config.metrics
        return list(HEADLINE_METRICS[self.examples.kind] if asked is None else asked)

    @property
    def results(self) -> Path:
        """The results folder."""
        return Path(self.config.results)

    def _training_sizes(self) -> list[int]:
        """Utterances that training examples read, per fold."""
        return [len(self.utterances_of(self.by_id(fold.train))) for fold in self.folds.folds]

    def by_id(self, ids: Sequence[str]) -> list[Example]:
        """Examples in the order of these ids."""
        known: Mapping[str, Example] = {example.id: example for example in self.examples.examples}
        return [known[name] for name in ids]

    def notes(self) -> list[str]:
        """What every output of this study has to say aloud."""
        facts, rules = self.manifest.facts, self.split.settings
        said = []
        if facts.synthetic:
            said.append(
                f"SYNTHETIC audio: {facts.title}; the numbers show that the machinery works, nothing else"
            )
        if self.folds.shares_speakers_as:
            said.append(f"speakers are on both sides of the split, as in {self.folds.shares_speakers_as}")
        if self.folds.shares_dialogues_as:
            said.append(f"dialogues are on both sides of the split, as in {self.folds.shares_dialogues_as}")
        if rules.select == "test":
            said.append("the test part selected the model: shown for comparison, never ranked")
        read = [source.manifest.facts.name for source in self.sources]
        said += [
            f"{card.name} was itself trained on {name}"
            for card in inputs.cards(self.config)
            for name in card.trained_on
            if name in read
        ]
        said += inputs.notes(self.config, self.texts(self.utterances()), self._training_sizes())
        said += label_notes(self.manifest, self.examples.classes, self.utterances())
        said += adaptation_notes(self.speaker_groups(self.utterances()), self.config.prior)
        return said + [str(warning) for warning in self.folds.warnings]


def plan(config: RunConfig, manifest: Manifest | None = None) -> Study:
    """Read the corpus, make examples and folds, and check every setting; loads no model.

    Args:
        config: of one run.
        manifest: of its corpus, where it has been read already.

    Raises:
        HarnessError: anything that would make the run fail later, where it can be known now.
    """
    scale.check(config.scale)
    task, split, head = (
        plugin(kind, part)
        for kind, part in (("tasks", config.task), ("splits", config.split), ("downstreams", config.head))
    )
    require_metrics(config.metrics or ())
    view = build(View, config.view, where="view")
    _check_seeds(config)
    if manifest is None:
        manifest = read_manifest(config)
    task = over_shared_labels(task, manifest)
    examples = task.module.examples(manifest.table, task.settings)
    check_recordings(manifest, split.settings.shares_speakers_as)
    check_prior(config.prior, examples.kind, split.settings.select)
    _check_head(head, examples)
    inputs.check(config, head.module.NEEDS, examples.examples, manifest.table["text"].fillna(""))
    folds = make_folds(cast(Splitter, split.module), examples.examples, split.settings)
    study = Study(config, manifest, task, examples, split, folds, head, view)
    metrics_for(study.metrics, examples.kind, examples.classes)
    return study


def over_shared_labels(task: Plugin, manifest: Manifest) -> Plugin:
    """A task over the labels that all corpora of a joint manifest have, where the task can tell which those are.

    Raises:
        LabelError: they share fewer than two.
    """
    if not isinstance(manifest, JointManifest) or not hasattr(task.module, "over_shared_labels"):
        return task
    return replace(task, settings=task.module.over_shared_labels(manifest.table, task.settings))


def plugin(kind: str, part: Part) -> Plugin:
    """A part of a recipe with the settings that its module takes; `kind` is its folder in the registry.

    Raises:
        UnknownNameError: there is no such plug-in.
        ConfigError: a setting is unknown or of the wrong type.
    """
    module = registry.load(kind, part.name)
    where = {"tasks": "task", "splits": "split", "downstreams": "head"}[kind]
    return Plugin(name=part.name, module=module, settings=build(module.Config, part.settings, where=where))


def _check_head(head: Plugin, examples: TaskExamples) -> None:
    """A head predicts classes unless its module's `KINDS` says otherwise."""
    kinds = getattr(head.module, "KINDS", ("classes",))
    if examples.kind not in kinds:
        raise ConfigError(
            f"{head.name} does not predict {examples.kind}",
            got=f"a task whose targets are {examples.kind}: {', '.join(examples.classes)}",
            wanted=f"targets that are {' or '.join(kinds)}",
            next_step=f"head={HEAD_OF[examples.kind]}, or another task",
        )


def _check_seeds(config: RunConfig) -> None:
    if not config.seeds or len(set(config.seeds)) != len(config.seeds):
        raise ConfigError(
            "the seeds cannot be used",
            got=str(config.seeds),
            wanted="at least one seed, each once",
            next_step="seeds=[0] or seeds=[0,1,2]",
        )


def read_manifest(config: RunConfig) -> Manifest:
    """The manifest of the recipe's corpus, or of all its corpora as one, every file checked.

    Raises:
        CorpusError: no root, another corpus, or files that are missing or damaged.
    """
    return manifest_by(config, read_corpus)


def manifest_by(config: RunConfig, read: Callable[[CorpusConfig], Manifest]) -> Manifest:
    """The manifest that a recipe is about, each of its corpora read by `read`."""
    tested = replace(config.corpus, root=config.corpus.root or config.roots.get(config.corpus.name))
    if not config.train:
        return read(tested)
    training = [replace(tested, name=name, root=config.roots.get(name)) for name in config.train]
    return joined([read(corpus) for corpus in (*training, tested)])


def read_corpus(corpus: CorpusConfig) -> Manifest:
    """The manifest of one corpus, every file checked.

    Raises:
        CorpusError: no root, another corpus, or files that are missing or damaged.
    """
    module = cast(Corpus, registry.load("corpora", corpus.name))
    with progress(f"checking {corpus.name}") as advance:
        return load_corpus(module, corpus.root, corpus.on_fault, advance)


def all_ids(folds: Sequence[Fold]) -> list[str]:
    """Every id that any fold uses, each once, in order of appearance."""
    return list(
        dict.fromkeys(name for fold in folds for part in (fold.train, fold.dev, fold.test) for name in part)
    )
