"""Made-up conversations: in their design the order of the turns says what comes next, and nothing else does."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score

from harness.corpora import check_corpus, corpus_root, load_corpus, synthetic_conversation
from harness.corpora._script import FILLERS, FOLLOWS, LINES, script
from harness.manifest import Manifest

MOODS = sorted(FOLLOWS)


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return load_corpus(synthetic_conversation)


def test_it_is_the_promised_design(manifest: Manifest) -> None:
    table = manifest.table
    assert manifest.faults == ()
    assert len(table) == synthetic_conversation.FACTS.utterances
    assert table.groupby("session")["speaker"].nunique().tolist() == [2] * 5
    assert table.groupby("session")["dialogue"].nunique().tolist() == [6] * 5
    assert set(table["label"]) == {*MOODS, "undecided"}
    assert set(table["text"]) == {*FILLERS, *(line for lines in LINES.values() for line in lines)}
    assert table["content"].nunique() == len(table)
    assert check_corpus(synthetic_conversation).ok


def test_the_rows_are_not_in_the_order_of_time(manifest: Manifest) -> None:
    for _, dialogue in manifest.table.groupby("dialogue"):
        turns = dialogue["turn"].tolist()
        assert turns != sorted(turns)
        assert sorted(turns) == list(range(len(turns)))


def test_it_says_synthetic_wherever_it_appears(manifest: Manifest) -> None:
    assert synthetic_conversation.FACTS.synthetic
    for column in ("id", "path", "speaker", "dialogue"):
        assert manifest.table[column].str.contains("SYNTHETIC").all()
    assert "NOT RECORDINGS" in (manifest.root / "README.txt").read_text(encoding="utf-8")
    assert corpus_root(synthetic_conversation, None) == manifest.root


def test_the_script_is_always_the_same() -> None:
    assert script() == script()


def test_only_the_order_of_the_turns_says_what_comes_next() -> None:
    """A forest that sees who said which moods how often guesses; one that sees the order knows nine of ten."""
    ordered, counted, targets, sessions = [], [], [], []
    for name, lines in groupby(script(), key=lambda said: said.dialogue):
        timely = sorted(lines, key=lambda said: said.turn)
        turns = [list(run) for _, run in groupby(timely, key=lambda said: said.spec.speaker.name)]
        assert len(turns) == 26
        moods = [turn[0].spec.emotion for turn in turns]
        assert [turn[0].label == "undecided" for turn in turns] == [True] * 6 + [False] * 20
        for place in range(6, len(turns)):
            before = moods[place - 6 : place]
            ordered.append([mood == one for mood in before for one in MOODS])
            counts = [Counter(before[side::2]) for side in (0, 1)]
            counted.append([count[mood] for count in counts for mood in MOODS])
            targets.append(moods[place])
            sessions.append(name)
    assert Counter(targets).most_common()[0][1] < 0.36 * len(targets)
    test = np.array([session.startswith("SYNTHETIC_S1") for session in sessions])
    scores = []
    for seen in (ordered, counted):
        values, truth = np.array(seen), np.array(targets)
        forest = RandomForestClassifier(100, min_samples_leaf=5, random_state=0).fit(
            values[~test], truth[~test]
        )
        scores.append(balanced_accuracy_score(truth[test], forest.predict(values[test])))
    assert scores[0] > 0.8
    assert scores[1] < 0.43  # 120 targets: chance is 1/3 with a deviation of 0.043
