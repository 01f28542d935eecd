"""Which recipes are protocols for a corpus, and how each is set up so that only the protocol differs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from harness import config, parts, registry
from harness.config import RunConfig
from harness.errors import ConfigError, HarnessError

ANY = "any"
"""Stands for the corpus of a recipe that takes every corpus."""
FOLDERS = ("emobox", "emo_superb", "superb_files", "hear")
"""Protocols that are read from files of other projects: `emobox=DIR` says where those lie."""
REFERENCE = "synthetic_5fold"
"""Recipe in which head and view are composed once for the whole table."""
FIXED = ("head=lda", "view=weighted")
"""The head unless another is named: shrunken LDA on stored time means. It needs no training loop, and the part
that a protocol selects with chooses the layer, so that selecting on test shows. Recipes of the smaller corpora use
the same, so that their records serve both."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be translated."""

    corpus: str
    upstream: str
    settings: tuple[str, ...] = ()
    """Overrides that hold for every protocol: `corpus.root=DIR`, `upstream.path=DIR`, `results=DIR`."""
    head: tuple[str, ...] = ()
    """`head=NAME`, `head.layer=2`, `view=NAME` and so on; what is left out is `FIXED`."""
    own_heads: bool = False
    """Each recipe keeps its own head and view; then rows differ in more than the protocol."""
    folders: Mapping[str, str] = field(default_factory=dict)
    """Protocol in `FOLDERS` -> folder with its files."""


class Candidate(NamedTuple):
    """A recipe, ready to be planned, or the reason why it is not."""

    recipe: str
    config: RunConfig | None
    reason: str


def candidates(request: Request) -> list[Candidate]:
    """Every recipe for the corpus, its own ones first, then those that take any corpus.

    Raises:
        UnknownNameError: no such corpus or upstream, head or view.
        ConfigError: no recipe for this corpus, or settings of the head that cannot be used.
    """
    parts.require("corpus part", request.corpus, parts.part_names("corpus"))
    parts.require("upstream part", request.upstream, parts.part_names("upstream"))
    recipes = recipes_for(request.corpus)
    if not recipes:
        raise ConfigError(
            f"there is no protocol for {request.corpus}",
            got="no recipe with this corpus, and none that takes any",
            wanted="a YAML file in recipes/",
            next_step="python -m harness list recipe",
        )
    fixed = None if request.own_heads else _fixed(request)
    return [_candidate(name, request, fixed) for name in recipes]


def recipes_for(corpus: str) -> list[str]:
    """Names of the recipes whose corpus this is, then of those that take any; none that trains on others."""
    every = {name: _written(name) for name in parts.recipe_names()}
    written = {name: values for name, values in every.items() if not values.get("train")}
    anyone = [name for name, values in written.items() if values.get("any_corpus")]
    own = [name for name, values in written.items() if name not in anyone and _corpus_of(values) == corpus]
    return [*own, *anyone]


def _written(recipe: str) -> dict[str, Any]:
    """A recipe as its YAML has it, without composing it."""
    return parts.read_yaml(
        next(path for folder in parts.folders() if (path := folder / f"{recipe}.yaml").is_file())
    )


def _corpus_of(values: Mapping[str, Any]) -> str:
    chosen = [entry for entry in values.get("defaults", []) if isinstance(entry, dict)]
    return str(next((entry["corpus"] for entry in chosen if "corpus" in entry), ""))


def _fixed(request: Request) -> RunConfig:
    """Head and view for the whole table, checked once."""
    return config.compose(REFERENCE, _head_words(request))


def _head_words(request: Request) -> list[str]:
    given = {word.partition("=")[0] for word in request.head}
    return [*(word for word in FIXED if word.partition("=")[0] not in given), *request.head]


def _candidate(recipe: str, request: Request, fixed: RunConfig | None) -> Candidate:
    words = [f"corpus={request.corpus}"] if _written(recipe).get("any_corpus") else []
    words += [f"upstream={request.upstream}", *request.settings]
    try:
        composed = config.compose(recipe, words)
    except HarnessError as fault:
        return Candidate(recipe, None, reason_of(fault))
    if _reads_files(composed) and not composed.split.settings.get("folder"):
        protocol = composed.split.name
        if protocol not in request.folders:
            return Candidate(recipe, None, f"needs the files of its authors: {protocol}=DIR")
        composed.split.settings["folder"] = request.folders[protocol]
    if fixed is None:
        return Candidate(recipe, composed, "")
    overrides = [*composed.overrides, *_head_words(request)]
    return Candidate(recipe, replace(composed, head=fixed.head, view=fixed.view, overrides=overrides), "")


def _reads_files(composed: RunConfig) -> bool:
    """Whether a protocol is read from a folder that its user names."""
    settings = registry.load("splits", composed.split.name).Config
    return "folder" in {item.name for item in dataclasses.fields(settings)}


def reason_of(fault: HarnessError) -> str:
    """A fault in one line: what, and what was got."""
    got = "" if fault.got is None else f" ({fault.got})"
    return " ".join(f"{fault.what}{got}".split())
