"""Several corpora as one manifest: ids, speakers and dialogues named apart, every corpus with its own store still.

An id of a joint manifest is `corpus:id`. A speaker's name means the same person only within a corpus, or within
corpora whose facts name the same `voices`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.errors import ConfigError, SplitError
from harness.manifest import Manifest

if TYPE_CHECKING:
    import pandas as pd

APART = ("session", "dialogue", "sentence")
"""Names that the owners chose without knowing of other corpora; an empty one stays empty."""


class Source(NamedTuple):
    """One corpus of a manifest."""

    prefix: str
    """Of its ids in the joint manifest; empty where it is the only corpus."""
    manifest: Manifest

    def own(self, ids: Sequence[str]) -> list[str]:
        """Those of the ids that belong to this corpus, as its own manifest has them."""
        return [name.removeprefix(self.prefix) for name in ids if name.startswith(self.prefix)]


@dataclass(frozen=True, kw_only=True)
class JointManifest(Manifest):
    """A manifest of several corpora; its facts are those of the last one, the tested one, but for the title."""

    sources: tuple[Source, ...] = ()


def joined(manifests: Sequence[Manifest]) -> JointManifest:
    """Several corpora as one table, the tested one last.

    Raises:
        ConfigError: a corpus is named twice.
    """
    import pandas as pd

    names = [manifest.facts.name for manifest in manifests]
    if len(set(names)) < len(names):
        raise ConfigError(
            "a corpus is named twice",
            got=", ".join(names),
            wanted="each corpus once: as one that trains or as the one that is tested",
            next_step="for training and testing within one corpus take one of its own recipes",
        )
    root = _common_root([manifest.root for manifest in manifests])
    tested = manifests[-1].facts
    return JointManifest(
        facts=replace(
            tested,
            title=" + ".join(manifest.facts.title for manifest in manifests[:-1]) + f" -> {tested.title}",
            synthetic=any(manifest.facts.synthetic for manifest in manifests),
        ),
        root=root,
        table=pd.concat([_renamed(manifest, root) for manifest in manifests], ignore_index=True),
        faults=tuple(fault for manifest in manifests for fault in manifest.faults),
        dropped=_added([manifest.dropped for manifest in manifests]),
        sources=tuple(Source(_prefix(manifest), manifest) for manifest in manifests),
    )


def sources_of(manifest: Manifest) -> tuple[Source, ...]:
    """The corpora of a manifest, in order; itself where it is one corpus."""
    return manifest.sources if isinstance(manifest, JointManifest) else (Source("", manifest),)


def corpus_of(utterance: str) -> str:
    """The corpus in an id of a joint manifest.

    >>> corpus_of("emodb:03a01Fa")
    'emodb'
    """
    return utterance.partition(":")[0]


def check_recordings(manifest: Manifest, published: str) -> None:
    """Refuse corpora that hold the same recordings, unless a publication that does so is named.

    Raises:
        SplitError: they do, and none is.
    """
    twice = _recordings_on_both_sides(manifest)
    if twice and not published:
        raise SplitError(
            "the tested corpus holds recordings that train",
            got=f"{len(twice)} utterances with the same samples, first {twice[0]}",
            wanted="corpora without a recording in common",
            next_step="test on another corpus, or name the publication: split.shares_speakers_as='<paper, table>'",
        )


def _recordings_on_both_sides(manifest: Manifest) -> list[str]:
    """Tested utterances whose file is in a corpus that trains, too."""
    *training, tested = (source.manifest.table for source in sources_of(manifest))
    known = {content for table in training for content in table["content"]} - {""}
    return [name for name, content in zip(tested["id"], tested["content"], strict=True) if content in known]


def left_out(manifest: Manifest, used: Sequence[str]) -> dict[str, dict[str, int]]:
    """Corpus -> canonical label -> utterances that no example reads; every corpus is there."""
    table = manifest.table[~manifest.table["id"].isin(set(used))]
    return {
        source.manifest.facts.name: dict(
            sorted(Counter(table.loc[table["corpus"] == source.manifest.facts.name, "label"]).items())
        )
        for source in sources_of(manifest)
    }


def label_notes(manifest: Manifest, classes: Sequence[str], used: Sequence[str]) -> Iterator[str]:
    """What several corpora have in common, and what is left out of each; nothing about a single corpus."""
    if not isinstance(manifest, JointManifest):
        return
    yield f"{len(classes)} shared labels: {', '.join(classes)}"
    for corpus, counts in left_out(manifest, used).items():
        told = ", ".join(f"{label or 'unknown'} {count}" for label, count in counts.items())
        if counts:
            yield f"left out of {corpus}: {sum(counts.values())} utterances ({told})"
    twice = _recordings_on_both_sides(manifest)
    if twice:
        yield f"{len(twice)} tested recordings are in training too"


def _prefix(manifest: Manifest) -> str:
    return f"{manifest.facts.name}:"


def _common_root(roots: Sequence[Path]) -> Path:
    """A folder that all roots lie in; an empty path, below which all paths are whole, where drives differ."""
    try:
        return Path(os.path.commonpath([root.absolute() for root in roots]))
    except ValueError:
        return Path()


def _below(root: Path, path: Path) -> str:
    return (path.relative_to(root) if root.parts else path).as_posix()


def _renamed(manifest: Manifest, root: Path) -> pd.DataFrame:
    """The rows of one corpus as the joint manifest has them."""
    facts, table = manifest.facts, manifest.table.copy()
    here = manifest.root.absolute()
    table["path"] = [_below(root, here / path) for path in table["path"]]
    table["id"] = _prefix(manifest) + table["id"].astype(str)
    table["speaker"] = _apart(table["speaker"], facts.voices or facts.name)
    for column in APART:
        table[column] = _apart(table[column], facts.name)
    return table


def _apart(names: pd.Series, owner: str) -> list[str]:
    return [f"{owner}:{name}" if isinstance(name, str) and name else "" for name in names]


def _added(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(total)
