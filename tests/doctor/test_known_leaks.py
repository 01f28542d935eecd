"""Leaks that are known of published folds and corpora, found again."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile

from harness.contracts import Example, Fold
from harness.corpora import emodb, load_corpus, ravdess_speech, read_names
from harness.doctor import Diagnosis, Kind, Overlap, diagnose
from harness.manifest import Manifest
from harness.sketch import sketch_manifest
from harness.splits import superb_er
from harness.tasks import emotion

Listing = Callable[[str], list[dict[str, Any]]]


def told(manifest: Manifest) -> tuple[tuple[Example, ...], tuple[str, ...]]:
    """Examples of every label, and the classes."""
    found = emotion.examples(manifest.table, emotion.Config())
    return found.examples, found.classes


def per_fold(diagnosis: Diagnosis, kind: Kind, known: str = "train", tested: str = "test") -> list[Overlap]:
    return [
        one
        for fold in diagnosis.folds
        for one in fold.overlaps
        if (one.kind, one.known, one.tested) == (kind, known, tested)
    ]


@pytest.fixture(scope="module")
def emobox(shared: Path) -> Callable[[int, str], tuple[str, ...]]:
    """Number of a fold and part -> the ids in EmoBox's own file."""

    def ids(number: int, part: str) -> tuple[str, ...]:
        folder = shared / "reference" / "formats" / "emobox" / "emodb" / f"fold_{number}"
        keys = json.loads((folder / f"emodb_{part}_fold_{number}.json").read_text())
        return tuple(key.removeprefix("emodb-") for key in keys)

    return ids


def test_emobox_shares_every_speaker_of_emodb_and_92_twins(
    listing: Listing, listing_trees: ModuleType, emobox: Any, cut: Any, tmp_path: Path
) -> None:
    """10 of 10 speakers in each of five folds; 92 of 535 test clips have a twin in training."""
    root = listing_trees.lay_out("emodb", listing("emodb"), tmp_path / "emodb")
    manifest = read_names(emodb, root)
    examples, classes = told(manifest)
    folds = [Fold(f"fold_{k}", emobox(k, "train"), (), emobox(k, "test")) for k in range(1, 6)]
    diagnosis = diagnose(manifest, examples, cut(examples, *folds), classes, None)
    speakers, twins = (per_fold(diagnosis, kind) for kind in (Kind.SPEAKER, Kind.TWIN))
    assert [(one.groups_shared, one.groups_tested) for one in speakers] == [(10, 10)] * 5
    assert [one.touched for one in speakers] == [one.examples for one in speakers]
    assert (sum(one.touched for one in twins), sum(one.examples for one in twins)) == (92, 535)
    assert diagnosis.grade.letter == "E"


def test_the_importer_gives_the_same_answer_whatever_trains_or_selects(
    shared: Path, listing: Listing, listing_trees: ModuleType, tmp_path: Path
) -> None:
    """The dev part is taken out of train; what is learnt from stays the same."""
    from harness import registry
    from harness.splits import cut_folds

    emobox: Any = registry.load("splits", "emobox")
    manifest = read_names(emodb, listing_trees.lay_out("emodb", listing("emodb"), tmp_path / "emodb"))
    examples, classes = told(manifest)
    for select in ("dev", "last"):
        config = emobox.Config(folder=str(shared / "reference/formats/emobox/emodb"), select=select)
        diagnosis = diagnose(manifest, examples, cut_folds(emobox, examples, config), classes, None)
        together = {one.kind: one for one in diagnosis.together}
        assert (together[Kind.TWIN].touched, together[Kind.TWIN].examples) == (92, 535)


@pytest.mark.parametrize(("corpus", "table"), [("CREMA-D", "Primary"), ("IEMOCAP", "Secondary")])
def test_emo_superb_keeps_speakers_apart_three_ways(
    shared: Path, crowd: Any, cut: Any, corpus: str, table: str
) -> None:
    folder = shared / "reference" / "formats" / "emo_superb" / corpus / table
    for path in sorted(folder.glob("labels_consensus_*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        manifest, examples = crowd(*({"id": row["FileName"], "speaker": row["SpkrID"]} for row in rows))
        parts = {
            part: tuple(row["FileName"] for row in rows if row["Split_Set"] == name)
            for part, name in (("train", "Train"), ("dev", "Development"), ("test", "Test"))
        }
        folds = cut(examples, Fold(path.stem, **parts), select="dev")
        diagnosis = diagnose(manifest, examples, folds, ["joy"], None)
        for pair in (("train", "dev"), ("train", "test"), ("dev", "test")):
            (speakers,) = per_fold(diagnosis, Kind.SPEAKER, *pair)
            assert speakers.groups_tested > 0
            assert speakers.touched == 0


def test_superb_selects_on_known_speakers_and_tests_on_unknown_ones(
    listing: Listing, crowd: Any, cut: Any
) -> None:
    rows = [row for row in listing("iemocap") if row.get("label_4class")]
    manifest, examples = crowd(
        *(
            {
                "id": row["utt"],
                "speaker": row["speaker"],
                "session": row["session"],
                "dialogue": row["dialogue"],
                "label": row["label_4class"],
            }
            for row in rows
        )
    )
    assert len(examples) == 5531
    folds = cut(examples, *superb_er.split(examples, superb_er.Config()), select="dev")
    diagnosis = diagnose(manifest, examples, folds, ["joy"], None)
    assert all(one.touched == one.examples for one in per_fold(diagnosis, Kind.SPEAKER, "train", "dev"))
    for kind in (Kind.SPEAKER, Kind.SESSION, Kind.DIALOGUE):
        assert not any(one.touched for one in per_fold(diagnosis, kind, "train+dev", "test"))
    assert len(diagnosis.folds) == 5


def with_equal_samples(root: Path, paths: list[str], pairs: list[tuple[str, str]], rate_hz: int) -> None:
    """A noise of its own in every file, but for the pairs."""
    rng = np.random.default_rng(0)
    same = {second: first for first, second in pairs}
    for path in sorted(paths, key=lambda path: path in same):
        if path in same:
            (root / path).write_bytes((root / same[path]).read_bytes())
        else:
            noise = rng.integers(-9000, 9000, rate_hz // 50, dtype=np.int16)
            soundfile.write(root / path, noise, rate_hz, subtype="PCM_16")


def halves(manifest: Manifest, pairs: list[tuple[str, str]]) -> Fold:
    """The first of every pair is tested, with every fourth of the others; the rest trains."""
    path_of = dict(zip(manifest.table["id"], manifest.table["path"], strict=True))
    apart = {path: place for pair in pairs for place, path in enumerate(pair)}
    tested = {i for n, i in enumerate(path_of) if apart.get(path_of[i], 0 if n % 4 == 0 else 1) == 0}
    return Fold(
        "x", tuple(i for i in path_of if i not in tested), (), tuple(i for i in path_of if i in tested)
    )


def test_four_pairs_of_ased_and_one_of_ravdess_hold_equal_samples(
    listing: Listing, cut: Any, tmp_path: Path
) -> None:
    """ASED's pairs are those whose published blobs are equal; RAVDESS's is put where any two repetitions are."""
    rows = listing("ased")
    blobs = Counter(row["git_blob"] for row in rows)
    twice: dict[str, list[str]] = {}
    for row in rows:
        if blobs[row["git_blob"]] > 1:
            twice.setdefault(row["git_blob"], []).append(row["path"])
    assert len(twice) == 4
    from harness import registry

    ravdess = [row["path"] for row in listing("ravdess_speech")][:120]
    ased = [path for pair in twice.values() for path in pair]
    ased += [row["path"] for row in rows[::10] if row["path"] not in ased]
    cases: list[tuple[Any, list[str], list[Any], int]] = [
        (
            registry.load("corpora", "ased"),
            ased,
            [tuple(p) for p in twice.values()],
            16_000,
        ),
        (ravdess_speech, ravdess, [(ravdess[10], ravdess[11])], 48_000),
    ]
    for corpus, paths, pairs, rate_hz in cases:
        root = tmp_path / corpus.FACTS.name
        for path in paths:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
        with_equal_samples(root, paths, pairs, rate_hz)
        manifest = load_corpus(corpus, root, "repair")
        assert len(manifest) == len(paths)
        examples, classes = told(manifest)
        folds = cut(examples, halves(manifest, pairs))
        diagnosis = diagnose(manifest, examples, folds, classes, sketch_manifest(manifest))
        (exact,) = per_fold(diagnosis, Kind.EXACT_AUDIO)
        assert exact.groups_shared == exact.touched == len(pairs)
        assert exact.unknown_known == exact.unknown_tested == 0
        assert len(diagnosis.leaks["x"][Kind.EXACT_AUDIO]) == len(pairs)
