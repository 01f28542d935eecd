"""From YAML and command line to typed objects, once, at the door.

Hydra composes a recipe from its parts and the overrides; `build` turns each part into the dataclass that owns
it, so that a misspelt key or a wrong type fails here, by name, and all faults of a recipe are told at once.
Inside the harness only typed objects travel.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar, get_args, get_type_hints

from harness import parts
from harness.contracts import Card, Kind, TextCard
from harness.errors import ConfigError, did_you_mean

HEADLINE_METRICS: Mapping[Kind, tuple[str, ...]] = {
    "classes": ("wa", "ua", "wf1", "macro_f1"),
    "scales": ("ccc", "pearson", "rmse"),
    "shares": ("votes_f1", "jsd", "cross_entropy", "cosine", "ua"),
}
"""What is scored unless a recipe or a command says otherwise, by the kind of target, in this order."""

T = TypeVar("T")


@dataclass(kw_only=True)
class CorpusConfig:
    """Which corpus, where, and what to do about damaged files."""

    name: str
    root: str | None = None
    on_fault: Literal["stop", "skip", "repair"] = "stop"


@dataclass(kw_only=True)
class Expected:
    """The published number that a recipe reproduces, never shown as ours."""

    metric: str
    value: float | None = None
    upstream: str = ""
    """The card that it was measured with; a recipe runs with any."""
    source: str = ""
    tolerance: str = ""
    unsaid: str = ""


@dataclass(kw_only=True)
class Part:
    """A plug-in by name, and the settings that its own `Config` takes."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class ScaleConfig:
    """Where the independent cells of a stage are worked on, and with what."""

    name: str = "processes"
    """A module of `harness/scale/`."""
    workers: int | None = None
    """Cells at a time; None: as many as the cores, the memory and the cluster allow."""
    threads: int | None = None
    """Cores of a cell; None: one, or more where a stage has fewer cells than this machine has cores."""
    address: str | None = None
    """Of a running cluster (`auto` finds Ray's own); None starts a local one."""
    retries: int = 3
    """How often a cell is given to another worker after its own was lost."""
    gpus: float | None = None
    """Of a cell; None: one for an extraction on `device=cuda`, none otherwise."""
    memory_gib: float | None = None
    """Of a cell; None: as the upstream's card says."""


@dataclass(kw_only=True)
class RunConfig:
    """One run, fully described."""

    recipe: str
    about: str
    version: int
    corpus: CorpusConfig
    task: Part
    split: Part
    upstream: Card
    view: dict[str, Any]
    head: Part
    seeds: list[int]
    modality: Literal["speech", "text", "speech+text"] = "speech"
    """What a head that reads conversations is given of every utterance; all other heads read speech."""
    text: TextCard | None = None
    """The encoder of texts; loaded only where `modality` asks for it."""
    beside: list[str] = field(default_factory=list)
    """Cards of further upstreams, whose last layers' time means stand beside the first one's view."""
    expected: Expected | None = None
    metrics: list[str] | None = None
    """Null: those of `HEADLINE_METRICS` that the task's kind of target has."""
    resamples: int = 2000
    """Bootstrap draws behind every interval."""
    batch_seconds: float | None = None
    """Padded audio in one extraction batch; None: one utterance on a CPU, a minute on a GPU."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    engine: Literal["auto", "torch", "onnx"] = "auto"
    """What computes a frozen network; `auto` is the fastest that gives the same numbers."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Of a frozen network; bf16 only where the hardware computes it, and its deviation is recorded."""
    store: str | None = None
    """Where features are kept: a folder or an fsspec address; None: in the cache."""
    scale: ScaleConfig = field(default_factory=ScaleConfig)
    results: str = "results"
    force: bool = False
    track: bool = True
    any_corpus: bool = False
    """The corpus is an example: the recipe is a protocol for every corpus, chosen by `corpus=NAME`."""
    train: list[str] = field(default_factory=list)
    """Other corpora that train, while all of `corpus` is tested; empty: `corpus` does both."""
    roots: dict[str, str] = field(default_factory=dict)
    """Corpus -> where it lies, for those in `train`, and for `corpus` unless `corpus.root` says it."""
    speakers: Literal["none", "zscore"] = "none"
    """`zscore`: every speaker's features are standardised with all of that speaker's own utterances."""
    prior: Literal["none", "uniform", "estimated"] = "none"
    """Class shares that predictions are corrected to: equal ones, or those that fit the tested outputs best."""
    overrides: list[str] = field(default_factory=list)


def compose(recipe: str, overrides: Sequence[str]) -> RunConfig:
    """Compose a recipe with Hydra overrides and check every part of it.

    Raises:
        UnknownNameError: the recipe, or a part chosen by an override, does not exist.
        ConfigError: an override cannot be read, or a value is misspelt, missing or of the wrong type.
    """
    check_names(recipe, overrides)
    composed = hydra_compose(recipe, open_keys(overrides), command=f"run recipe={recipe}")
    return from_mapping(recipe, composed, overrides)


def check_names(recipe: str, overrides: Sequence[str]) -> None:
    """Refuse an unknown recipe or part by name, before Hydra answers with a list of search paths."""
    parts.require("recipe", recipe, parts.recipe_names())
    for part, name in chosen_parts(overrides):
        parts.require(f"{part} part", name, parts.part_names(part))


def open_keys(overrides: Sequence[str]) -> list[str]:
    """Overrides as Hydra takes them: `roots.NAME=DIR` names a key that no recipe has."""
    return [f"++{word}" if word.startswith("roots.") else word for word in overrides]


def chosen_parts(overrides: Sequence[str]) -> list[tuple[str, str]]:
    """Parts that overrides choose: `upstream=egemaps,fbank` gives two."""
    pairs = [override.partition("=") for override in overrides]
    return [
        (key, name.strip())
        for key, _, value in pairs
        if key in parts.PARTS and value
        for name in value.split(",")
    ]


def _register_bare_parts(overrides: Sequence[str]) -> None:
    """Tell Hydra about plug-ins that have no YAML of their own; families only if chosen, for they are imported."""
    from hydra.core.config_store import ConfigStore

    chosen = chosen_parts(overrides)
    for part in parts.PLUGINS:
        for name in parts.bare_plugins(part):
            if part != "upstream" or (part, name) in chosen:
                ConfigStore.instance().store(group=part, name=name, node=parts.bare_part(part, name))


def prepare_hydra(overrides: Sequence[str]) -> None:
    """Show Hydra the recipe folders that are not ours, and the plug-ins that have no YAML of their own."""
    from hydra.core.config_search_path import ConfigSearchPath
    from hydra.core.plugins import Plugins
    from hydra.plugins.search_path_plugin import SearchPathPlugin

    class PluginRecipes(SearchPathPlugin):
        """Appends the folders, so that a plug-in's recipe can be the primary one."""

        def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
            for folder in parts.folders()[1:]:
                search_path.append(provider="emoharness plug-in", path=f"file://{folder}")

    Plugins.instance().register(PluginRecipes)
    _register_bare_parts(overrides)


def hydra_compose(recipe: str, overrides: Sequence[str], *, command: str) -> dict[str, Any]:
    """A recipe and its overrides as plain data.

    Args:
        recipe: path of its YAML below the recipes, without ending.
        overrides: in Hydra's grammar.
        command: verb and words that composed it, for the message.

    Raises:
        ConfigError: it cannot be composed, or a value is missing.
    """
    from hydra import compose as compose_here
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    GlobalHydra.instance().clear()
    prepare_hydra(overrides)
    try:
        with initialize_config_dir(config_dir=str(parts.RECIPES), version_base="1.3"):
            composed = compose_here(config_name=recipe, overrides=list(overrides))
        plain = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
    except (HydraException, OmegaConfBaseException) as fault:
        raise ConfigError(
            "the recipe cannot be composed",
            got=" ".join(overrides) or recipe,
            wanted=str(fault).split("\n")[0],
            next_step=f"python -m harness {command} --cfg job   shows what can be set",
        ) from fault
    return {str(key): value for key, value in plain.items()} if isinstance(plain, dict) else {}


def from_mapping(recipe: str, composed: Mapping[str, Any], overrides: Sequence[str] = ()) -> RunConfig:
    """Typed objects from a composed recipe."""
    plain = dict(composed)
    for part in ("task", "split", "head"):
        settings = dict(plain[part])
        plain[part] = {"name": settings.pop("name"), "settings": settings}
    plain |= {"recipe": recipe, "overrides": list(overrides)}
    built = build(RunConfig, plain, where=recipe)
    return replace(built, recipe=direction(built.train, built.corpus.name)) if built.train else built


def direction(train: Sequence[str], test: str) -> str:
    """Names a run from corpora to another corpus.

    >>> direction(["emodb", "cafe"], "urdu")
    'emodb_and_cafe_to_urdu'
    """
    return f"{'_and_'.join(train)}_to_{test}"


def build(kind: type[T], values: Mapping[str, Any], *, where: str) -> T:
    """Make a dataclass from plain data, refusing unknown keys and wrong types, all faults at once.

    Raises:
        ConfigError: names every wrong field by its path below `where`.
    """
    from pydantic import TypeAdapter, ValidationError

    faults = _unknown_keys(kind, values, where)
    if not faults:
        try:
            return TypeAdapter(kind).validate_python(dict(values))
        except ValidationError as fault:
            for detail in fault.errors():
                path = ".".join(str(step) for step in detail["loc"])
                faults.append(f"{where}.{path}: {detail['msg']}, got {detail['input']!r}")
    raise ConfigError(
        f"{len(faults)} setting{'s' if len(faults) > 1 else ''} of {where} cannot be used",
        got="; ".join(faults),
        wanted=f"the fields of {kind.__module__}.{kind.__qualname__}",
        next_step="mend the YAML or the override",
    )


def _unknown_keys(kind: type, values: Mapping[str, Any], where: str) -> list[str]:
    """Keys that no field has, in nested dataclasses too, which pydantic would pass over."""
    known = get_type_hints(kind)
    faults = []
    for key, value in values.items():
        inner = _dataclass_in(known.get(str(key)))
        if key not in known:
            faults.append(f"{where}.{key}: no such setting, {did_you_mean(str(key), known)}")
        elif inner is not None and isinstance(value, Mapping):
            faults += _unknown_keys(inner, value, f"{where}.{key}")
    return faults


def _dataclass_in(hint: object) -> type | None:
    """The dataclass of a field, also of `X | None`; None where it is something else."""
    candidates = [hint, *get_args(hint)]
    found = (one for one in candidates if isinstance(one, type) and dataclasses.is_dataclass(one))
    return next(found, None)


def card_named(name: str, changes: Mapping[str, Any] | None = None) -> Card:
    """The card of that name, with changes (dotted keys reach into `options`)."""
    values = parts.read_part("upstream", name)
    for key, value in (changes or {}).items():
        place, leaf = values, key
        if key.startswith("options."):
            values["options"] = dict(values.get("options") or {})
            place, leaf = values["options"], key.removeprefix("options.")
        place[leaf] = value
    return build(Card, values, where=f"upstream {name}")
