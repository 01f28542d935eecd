"""The record: one JSON file that explains one number.

Recipe and overrides, what the corpus held and what was dropped, the protocol's fingerprint, what selected the
model, versions, checksums, timings and scores. Places on a machine (`corpus.root`, `roots`, `upstream.path`,
`results`, `split.folder`, `task.folder`) are left out: contents are named by their hashes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness import __version__
from harness.errors import HarnessError
from harness.paths import write_text

SCHEMA = 2
"""2: `shortcuts` came; a record of schema 1 is read with none, and gets them when its run is asked for again."""
PACKAGES = (
    "torch", "transformers", "s3prl", "numpy", "pandas", "scikit-learn", "hydra-core", "mlflow", "soundfile",
    "soxr", "opensmile",
)  # fmt: skip
PLACES = (
    "corpus.root", "upstream.path", "results", "split.folder", "split.names", "task.folder", "store",
    "scale.address",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Record:
    """Everything behind one row of the board."""

    key: str
    """Hash of all that shapes the numbers; the same key means the same run."""
    recipe: str
    about: str
    recipe_version: int
    overrides: list[str]
    corpus: dict[str, Any]
    task: dict[str, Any]
    protocol: dict[str, Any]
    upstream: dict[str, Any]
    view: dict[str, Any]
    head: dict[str, Any]
    seeds: list[int]
    selected: list[dict[str, Any]]
    """One row per fold and seed: fold, seed, what was selected and by what."""
    scores: dict[str, Any]
    timings: dict[str, Any]
    """phase -> wall_s and peak_rss_mib."""
    extraction: dict[str, Any]
    expected: dict[str, Any] | None
    ranked: bool
    """False where the test part selected anything: such a run is shown and never ranked."""
    notes: list[str]
    """What every output has to say aloud: synthetic audio, shared speakers, selection on test."""
    environment: dict[str, Any]
    created: str
    shortcuts: dict[str, Any] = field(default_factory=dict)
    """What the same folds and metrics give without a model: see `harness.baselines.shortcut_scores`."""
    adapted: dict[str, Any] = field(default_factory=dict)
    """Speaker normalisation and label-prior correction, and what they came to; empty where both were off."""
    schema: int = SCHEMA

    @property
    def stem(self) -> str:
        """File name without ending: recipe, upstream, head and the start of the key."""
        return f"{self.recipe}--{self.upstream['name']}--{self.head['name']}--{self.key[:8]}"


def run_key(parts: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of everything that shapes a number."""
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


def canonical_json(parts: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no spaces, so that equal contents give equal text."""
    return json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)


def public_overrides(overrides: list[str]) -> list[str]:
    """The overrides without places on this machine."""
    keys = [text.lstrip("+").partition("=")[0] for text in overrides]
    return [
        text
        for text, key in zip(overrides, keys, strict=True)
        if key not in PLACES and not key.startswith("roots")
    ]


def environment(project: Path) -> dict[str, Any]:
    """Package versions, platform, and the git revision of the harness where it runs from a checkout."""
    return {
        "harness": __version__,
        "git_revision": git_revision(project),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def git_revision(project: Path) -> str:
    """The commit of the checkout, with `+changes` where the working tree differs from it; empty without git."""
    if not (project / ".git").exists():
        return ""
    try:
        head = _git(project, "rev-parse", "HEAD")
        changed = _git(project, "status", "--porcelain", "--untracked-files=no", "--", "*.py", "*.yaml")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head + ("+changes" if changed else "")


def _git(project: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(project), *words], capture_output=True, text=True, check=True)  # noqa: S603, S607
    return done.stdout.strip()


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def record_path(results: Path, record: Record) -> Path:
    """Where a record is kept."""
    return results / "records" / f"{record.stem}.json"


def save(results: Path, record: Record) -> Path:
    """Write a record, whole or not at all."""
    path = record_path(results, record)
    write_text(path, json.dumps(dataclasses.asdict(record), indent=1) + "\n")
    return path


def load(path: Path) -> Record:
    """Read a record, older schemas included; fields that came later take their defaults.

    Raises:
        HarnessError: the file is no record, or comes from a newer harness.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["schema"] > SCHEMA:
            raise HarnessError(
                f"{path.name} was written by a newer harness",
                got=f"schema {values['schema']}",
                wanted=f"schema {SCHEMA} or older",
                next_step="update emoharness",
            )
        return Record(**values)
    except (ValueError, KeyError, TypeError) as fault:
        raise HarnessError(
            f"{path.name} is not a record",
            got=f"{type(fault).__name__}: {fault}",
            wanted="a JSON file written by `python -m harness run`",
            next_step="remove it and run again",
        ) from fault


def load_all(results: Path) -> list[Record]:
    """Every record under a results folder, by file name."""
    return [load(path) for path in sorted((results / "records").glob("*.json"))]


def find(results: Path, key: str) -> Record | None:
    """The record with this key, if the run is already recorded."""
    for path in (results / "records").glob(f"*--{key[:8]}.json"):
        record = load(path)
        if record.key == key:
            return record
    return None
