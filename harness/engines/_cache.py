"""Graphs on disk: one folder per checkpoint, named by a hash of everything that shaped it.

    <cache>/graphs/<name>/graph.onnx, graph.onnx.data     the network and its weights
    <cache>/graphs/<name>/facts.json                      sizes, deviation from torch, checksums, what shaped it

A folder is written beside and renamed, so it is whole or absent, and its checksums are read whenever it is used.
Processes that want the same graph take turns, where the file system has locks; where it has none, or where one
holds the turn for too long, each writes its own and the first to finish wins. A graph that nobody has opened for
a month goes when another is written, and so does what a killed export left.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness import models, registry, weights
from harness.contracts import Card, Traceable
from harness.engines._export import GRAPH, exported
from harness.engines._session import PROVIDERS, OnnxUpstream
from harness.paths import cache_root, remove_unused

FORMAT = 1
FACTS = "facts.json"
PACKAGES = ("torch", "transformers", "onnx", "onnxscript", "onnxruntime")
"""Those that shape a graph or what is computed with it."""
LOADED = ("layers", "dim", "hop_samples", "min_samples", "parameters")
"""Facts of a card that loading may correct."""
TURN_TIMEOUT_S = 600.0
UNUSED_S = 30 * 24 * 3600.0
"""Without having been opened, after which a graph is in the way: each holds its network's weights again."""

_LOG = logging.getLogger("harness")


@dataclass(frozen=True)
class Place:
    """Where the graph of a card belongs, and what shapes it."""

    folder: Path
    identity: dict[str, Any]


def place_of(card: Card, device: str) -> Place | None:
    """None where nothing names the weights: there are none, or they are the hub's newest, whatever that is."""
    checksum = weights.checksum(card)
    if checksum == "no weights" or checksum.endswith("@unpinned"):
        return None
    plain = asdict(card)
    identity = {
        "format": FORMAT,
        "weights": checksum,
        "family": card.family,
        "code": registry.code_version(models.family(card)),
        "options": plain["options"],
        "card": {name: plain[name] for name in ("sample_rate_hz", *LOADED)},
        "provider": PROVIDERS[device],
        "machine": platform.machine(),
        "packages": {name: version(name) for name in PACKAGES},
    }
    text = json.dumps(identity, sort_keys=True, default=str)
    name = hashlib.sha256(text.encode()).hexdigest()[:24]
    return Place(cache_root() / "graphs" / name, identity)


def stored(place: Place, card: Card, device: str) -> OnnxUpstream | None:
    """The graph that lies there; None where there is none, or none that is whole."""
    facts = _sound_facts(place.folder)
    if facts is None:
        return None
    with suppress(OSError):
        os.utime(place.folder)
    loaded = replace(card, **{name: facts["card"][name] for name in LOADED})
    _LOG.info("loading %s as a graph, which deviates from torch by %.1e", card.name, facts["deviation"])
    return OnnxUpstream(loaded, place.folder / GRAPH, device, facts["deviation"])


def made(place: Place, upstream: Traceable, device: str) -> OnnxUpstream:
    """Export an upstream's graph to its place and open it; if another process was faster, open that one's."""
    place.folder.parent.mkdir(parents=True, exist_ok=True)
    with _turn(place):
        found = stored(place, upstream.card, device)
        if found is not None:
            return found
        if place.folder.exists():
            _LOG.warning("the graph of %s in %s is damaged", upstream.card.name, place.folder)
        remove_unused((path for path in place.folder.parent.iterdir() if path.is_dir()), UNUSED_S)
        _LOG.info("exporting %s for ONNX Runtime, once, about half a minute", upstream.card.name)
        with tempfile.TemporaryDirectory(dir=place.folder.parent, prefix=".new-") as work:
            folder = Path(work) / place.folder.name
            folder.mkdir()
            graph = exported(upstream, folder, device)
            _write_facts(folder, place, graph)
            install(folder, place.folder)
    _LOG.info("exported %s, which deviates from torch by %.1e", upstream.card.name, graph.computed.deviation)
    return graph


def install(folder: Path, target: Path) -> None:
    """Rename into place; what is damaged there is moved away first, what another process put there stays."""
    with tempfile.TemporaryDirectory(
        dir=target.parent, prefix=".old-", ignore_cleanup_errors=True
    ) as rubbish:
        if target.exists() and _sound_facts(target) is None:
            with suppress(FileNotFoundError):
                target.rename(Path(rubbish) / target.name)
        try:
            folder.rename(target)
        except OSError:
            if not target.exists():
                raise


def _write_facts(folder: Path, place: Place, graph: OnnxUpstream) -> None:
    plain = asdict(graph.card)
    facts = {
        "card": {name: plain[name] for name in LOADED},
        "deviation": graph.computed.deviation,
        "files": {path.name: _sha256(path) for path in sorted(folder.iterdir())},
        "made_of": place.identity,
    }
    (folder / FACTS).write_text(json.dumps(facts, indent=1, sort_keys=True, default=str), encoding="utf-8")


def _sound_facts(folder: Path) -> dict[str, Any] | None:
    """The facts of a graph if they can be read and every file is as it was written."""
    try:
        facts: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        whole = facts["files"] and all(
            _sha256(folder / name) == known for name, known in facts["files"].items()
        )
        complete = isinstance(facts["deviation"], float) and set(LOADED) <= set(facts["card"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return facts if whole and complete else None


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _turn(place: Place) -> Iterator[None]:
    """One process at a time; a lock that cannot be had costs work, not correctness."""
    from filelock import FileLock, Timeout

    lock = FileLock(place.folder.parent / f".{place.folder.name}.lock")
    try:
        lock.acquire(timeout=TURN_TIMEOUT_S)
    except (Timeout, OSError, NotImplementedError) as fault:
        _LOG.info("exporting without waiting for others: %s", fault)
    try:
        yield
    finally:
        lock.release()
