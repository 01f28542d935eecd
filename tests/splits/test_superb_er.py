"""SUPERB's folds, id by id and in order, where the published lists are at hand; the rule itself everywhere."""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.contracts import Example
from harness.errors import SplitError
from harness.splits import make_folds, superb_er
from harness.splits._superb_facts import DIALOGUES, DIGESTS

SIZES = [(3556, 890, 1085), (3606, 902, 1023), (3504, 876, 1151), (3600, 900, 1031), (3432, 858, 1241)]


@pytest.fixture(scope="module")
def published(shared: Path) -> dict[str, Any]:
    text = (shared / "reference" / "superb_er_splits.json").read_text()
    return dict(json.loads(text)["folds"])


@pytest.fixture(scope="module")
def examples(shared: Path) -> list[Example]:
    with gzip.open(shared / "reference" / "listings" / "iemocap.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Example(row["utt"], (row["utt"],), row["label_4class"], row["speaker"], str(row["session"]))
        for row in rows
        if row.get("label_4class")
    ]


def test_every_list_is_the_published_one_in_its_order(
    published: dict[str, Any], examples: list[Example]
) -> None:
    folds = make_folds(superb_er, examples, superb_er.Config()).folds
    assert [(len(f.train), len(f.dev), len(f.test)) for f in folds] == SIZES
    for fold, name in zip(folds, published, strict=True):
        for part in ("train", "dev", "test"):
            assert list(getattr(fold, part)) == published[name][part], (name, part)


def test_the_committed_digests_are_those_of_the_published_lists(published: dict[str, Any]) -> None:
    for digest, lists in zip(DIGESTS, published.values(), strict=True):
        assert digest == tuple(superb_er.digest_of(lists[part]) for part in ("train", "dev", "test"))


def test_the_order_is_that_of_superbs_own_file(shared: Path, examples: list[Example]) -> None:
    path = shared / "reference" / "formats" / "superb" / "Session1" / "train_meta_data.json"
    theirs = [Path(row["path"]).stem for row in json.loads(path.read_text())["meta_data"]]
    sessions = superb_er.superb_order(example.id for example in examples)
    assert list(itertools.chain(*sessions[1:])) == theirs


@pytest.mark.parametrize("select", ["test", "last"])
def test_without_dev_everything_else_trains(
    published: dict[str, Any], examples: list[Example], select: Any
) -> None:
    folds = make_folds(superb_er, examples, superb_er.Config(select=select)).folds
    for fold, lists in zip(folds, published.values(), strict=True):
        assert fold.dev == ()
        assert set(fold.train) == {*lists["train"], *lists["dev"]}
        assert list(fold.test) == lists["test"]


def test_an_incomplete_corpus_is_refused(examples: list[Example]) -> None:
    with pytest.raises(SplitError, match=r"(?s)5,531.*session 1.*leave_session_out"):
        make_folds(superb_er, examples[1:], superb_er.Config())


def test_another_id_is_refused(examples: list[Example]) -> None:
    renamed = dataclasses.replace(examples[-1], id=examples[-1].id[:-3] + "999")
    with pytest.raises(SplitError, match="session 5"):
        make_folds(superb_er, [*examples[:-1], renamed], superb_er.Config())


def test_another_permutation_is_refused(examples: list[Example], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(superb_er, "SEED", 1)
    with pytest.raises(SplitError, match="torch"):
        make_folds(superb_er, examples, superb_er.Config())


def test_another_corpus_is_refused() -> None:
    with pytest.raises(SplitError, match=r"(?s)03a01Fa.*leave_session_out"):
        make_folds(superb_er, [Example("03a01Fa", ("03a01Fa",), "joy", "03")], superb_er.Config())


def test_parts_are_those_of_random_split_and_global_state_is_kept() -> None:
    ids = [f"id{n}" for n in range(4446)]
    before = torch.get_rng_state()
    train, dev = superb_er.random_parts(ids)
    assert torch.equal(before, torch.get_rng_state())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, second = torch.utils.data.random_split(ids, [int(0.8 * 4446), 890])  # type: ignore[arg-type]
    assert (train, dev) == (tuple(first), tuple(second))


def test_order_goes_by_dialogue_and_then_by_id() -> None:
    ids = ["Ses02M_impro04_M001", "Ses01F_impro07_F002", "Ses01F_script02_2_M000", "Ses01F_script02_2_F009"]
    expected = [
        ["Ses01F_script02_2_F009", "Ses01F_script02_2_M000", "Ses01F_impro07_F002"],
        [ids[0]],
        [],
        [],
        [],
    ]
    assert superb_er.superb_order(ids) == expected


def test_all_151_dialogues_are_named_once() -> None:
    assert [len(names.split()) for names in DIALOGUES] == [28, 30, 32, 30, 31]
    assert all(len(set(names.split())) == len(names.split()) for names in DIALOGUES)
