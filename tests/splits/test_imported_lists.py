"""Folds read from other projects' own files: as published, and refused where they do not fit."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.contracts import Example, Fold
from harness.errors import ConfigError, SplitError
from harness.splits import cut_folds, emo_superb, emobox, hear, make_folds, superb_er, superb_files

Rows = Callable[[str], list[dict[str, Any]]]
PUBLISHED = "somebody's own folds"


@pytest.fixture(scope="module")
def formats(shared: Path) -> Path:
    return shared / "reference" / "formats"


@pytest.fixture(scope="module")
def corpus(listing: Rows) -> Callable[..., list[Example]]:
    def examples(name: str, label: str = "label") -> list[Example]:
        return [
            Example(r["utt"], (r["utt"],), r[label], r["speaker"], str(r.get("session", "")), path=r["path"])
            for r in listing(name)
            if r.get(label)
        ]

    return examples


def sizes(folds: tuple[Fold, ...]) -> list[tuple[int, int, int]]:
    return [(len(fold.train), len(fold.dev), len(fold.test)) for fold in folds]


def test_emobox_folds_of_emodb_are_those_of_the_listing(formats: Path, corpus: Any, listing: Rows) -> None:
    config = emobox.Config(folder=str(formats / "emobox" / "emodb"), shares_speakers_as=PUBLISHED)
    result = make_folds(emobox, corpus("emodb"), config)
    assert sizes(result.folds) == [(342, 86, 107)] * 5
    assert len(result.shared_speakers) == 10
    tested = {i: fold.name for fold in result.folds for i in fold.test}
    assert tested == {row["utt"]: f"fold_{row['emobox_test_fold']}" for row in listing("emodb")}
    assert result.warnings == ("EmoBox's label_map.json does not know its own label neutral",)


def test_emobox_fold_of_urdu(formats: Path, corpus: Any, listing: Rows) -> None:
    config = emobox.Config(folder=str(formats / "emobox" / "urdu"), shares_speakers_as=PUBLISHED)
    (fold,) = make_folds(emobox, corpus("urdu"), config).folds
    assert sizes((fold,)) == [(240, 60, 100)]
    assert set(fold.test) == {row["utt"] for row in listing("urdu") if row.get("emobox_test_fold")}


def test_speakers_on_both_sides_of_emobox_need_its_name(formats: Path, corpus: Any) -> None:
    with pytest.raises(SplitError, match="on both sides"):
        make_folds(emobox, corpus("urdu"), emobox.Config(folder=str(formats / "emobox" / "urdu")))


def test_emo_superb_partitions_keep_speakers_apart_three_ways(formats: Path, corpus: Any) -> None:
    config = emo_superb.Config(folder=str(formats / "emo_superb" / "CREMA-D" / "Primary"))
    result = make_folds(emo_superb, corpus("cremad"), config)
    assert sizes(result.folds) == [(4509, 1470, 1463), (4496, 1476, 1470)]
    assert not result.dev_shares_speakers
    assert not result.shared_speakers


def test_emo_superb_partition_of_iemocap_has_whole_sessions(formats: Path, corpus: Any) -> None:
    config = emo_superb.Config(folder=str(formats / "emo_superb" / "IEMOCAP" / "Secondary"), missing="skip")
    result = make_folds(emo_superb, corpus("iemocap", "label_4class"), config)
    (fold,) = result.folds
    assert {i[:5] for i in fold.test} == {"Ses04"}
    assert {i[:5] for i in fold.dev} == {"Ses05"}
    assert sum(sizes((fold,))[0]) == 5531
    assert any("4508 listed files have no example here" in line for line in result.warnings)


def test_superb_fold_is_the_published_one(formats: Path, corpus: Any, shared: Path) -> None:
    examples = corpus("iemocap", "label_4class")
    (fold,) = make_folds(superb_files, examples, superb_files.Config(folder=str(formats / "superb"))).folds
    published = json.loads((shared / "reference" / "superb_er_splits.json").read_text())["folds"]
    lists = next(iter(published.values()))
    first = make_folds(superb_er, examples, superb_er.Config()).folds[0]
    for part in ("train", "dev", "test"):
        assert set(getattr(fold, part)) == set(lists[part]) == set(getattr(first, part))


Crowd = Callable[..., list[Example]]


@pytest.fixture
def crowd(make_crowd: Crowd) -> list[Example]:
    return make_crowd()


def test_emobox_valid_list_is_used_where_there_is_one(
    crowd: list[Example], foreign_lists: ModuleType, tmp_path: Path
) -> None:
    foreign_lists.write_emobox(tmp_path, crowd, valid=True)
    folds = make_folds(emobox, crowd, emobox.Config(folder=str(tmp_path))).folds
    sessions = {e.id: e.session for e in crowd}
    for number, fold in enumerate(folds, start=1):
        assert {sessions[i] for i in fold.test} == {str(number)}
        assert {sessions[i] for i in fold.dev} == {str(number % 5 + 1)}
    for fold in make_folds(emobox, crowd, emobox.Config(folder=str(tmp_path), select="last")).folds:
        assert len(fold.train) == len(crowd) - len(fold.test)


def test_emobox_share_of_train_where_there_is_no_valid_list(
    crowd: list[Example], foreign_lists: ModuleType, tmp_path: Path
) -> None:
    foreign_lists.write_emobox(tmp_path, crowd)
    made = [
        make_folds(emobox, crowd, emobox.Config(folder=str(tmp_path), seed=seed)).folds for seed in (0, 0, 1)
    ]
    assert made[0] == made[1] != made[2]
    assert sizes(made[0]) == [(76, 20, 24)] * 5


@pytest.mark.parametrize("keep", [".json", ".jsonl"])
def test_either_form_of_a_list_is_enough(
    keep: str, crowd: list[Example], foreign_lists: ModuleType, tmp_path: Path
) -> None:
    foreign_lists.write_emobox(tmp_path, crowd)
    both = make_folds(emobox, crowd, emobox.Config(folder=str(tmp_path))).folds
    for path in tmp_path.rglob("*.json*"):
        if path.suffix != keep:
            path.unlink()
    assert make_folds(emobox, crowd, emobox.Config(folder=str(tmp_path))).folds == both


def test_both_spellings_of_a_fold_are_read_and_have_to_agree(
    crowd: list[Example], foreign_lists: ModuleType, tmp_path: Path
) -> None:
    foreign_lists.write_emobox(tmp_path, crowd)
    one = tmp_path / "fold_1"
    for path in list(one.iterdir()):
        shutil.copy(path, one / path.name.replace("fold_1", "fold1"))
    config = emobox.Config(folder=str(tmp_path))
    assert len(make_folds(emobox, crowd, config).folds) == 5
    spelt = one / "crowd_test_fold1.json"
    spelt.write_text(json.dumps(dict(list(json.loads(spelt.read_text()).items())[1:])), encoding="utf-8")
    with pytest.raises(SplitError, match=r"(?s)differ.*crowd_test_fold.*1 keys in one"):
        make_folds(emobox, crowd, config)


def test_what_the_lists_leave_out_is_refused_or_told(
    crowd: list[Example], foreign_lists: ModuleType, tmp_path: Path
) -> None:
    foreign_lists.write_emobox(tmp_path, crowd[1:])
    with pytest.raises(SplitError, match=r"(?s)none of the lists.*1 of 120 examples: s1a_000.*unlisted=skip"):
        make_folds(emobox, crowd, emobox.Config(folder=str(tmp_path)))
    result = make_folds(emobox, crowd, emobox.Config(folder=str(tmp_path), unlisted="skip"))
    assert "1 of 120 examples are in no list: s1a_000" in result.warnings
    assert all("s1a_000" not in fold.train + fold.dev + fold.test for fold in result.folds)


def test_what_the_copy_lacks_is_refused_or_told(
    crowd: list[Example], foreign_lists: ModuleType, tmp_path: Path
) -> None:
    foreign_lists.write_emobox(tmp_path, crowd)
    config = emobox.Config(folder=str(tmp_path))
    with pytest.raises(SplitError, match=r"(?s)no example here.*4 of 120.*s1a_000, s1a_001, s1a_002, \.\.\."):
        make_folds(emobox, crowd[4:], config)
    result = make_folds(emobox, crowd[4:], emobox.Config(folder=str(tmp_path), missing="skip"))
    assert result.warnings[0].startswith("4 listed files have no example here")


def test_lists_of_another_corpus_are_refused_whatever_may_be_missing(
    crowd: list[Example], foreign_lists: ModuleType, tmp_path: Path
) -> None:
    foreign_lists.write_emobox(tmp_path, crowd)
    other = [Example(f"other{n}", (f"other{n}",), "joy", "anna") for n in range(5)]
    with pytest.raises(SplitError, match="120 of 120 listed files"):
        make_folds(emobox, other, emobox.Config(folder=str(tmp_path), missing="skip", unlisted="skip"))


def test_other_labels_are_told(crowd: list[Example], foreign_lists: ModuleType, tmp_path: Path) -> None:
    foreign_lists.write_emobox(tmp_path, crowd)
    for number in range(1, 6):
        for path in (tmp_path / f"fold_{number}").iterdir():
            text = path.read_text(encoding="utf-8")
            path.write_text(_relabelled(text, path.suffix), encoding="utf-8")
    result = make_folds(emobox, crowd, emobox.Config(folder=str(tmp_path)))
    assert "1 of 120 listed labels differ from those here: s1a_001" in result.warnings


def _relabelled(text: str, suffix: str) -> str:
    """The lists with one row, `s1a_001`, called by another emotion."""
    if suffix == ".jsonl":
        rows = [json.loads(line) for line in text.splitlines()]
        return "".join(json.dumps(_other(row, row["key"])) + "\n" for row in rows)
    return json.dumps({key: _other(row, key) for key, row in json.loads(text).items()})


def _other(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {**row, "emo": "ANGER"} if key == "crowd-s1a_001" else row


def test_a_file_on_both_sides_is_refused_and_shown_to_a_diagnosis(
    crowd: list[Example], foreign_lists: ModuleType, tmp_path: Path
) -> None:
    foreign_lists.write_emobox(tmp_path, crowd)
    sessions = foreign_lists.by_session(crowd)
    both = [*sessions["1"], crowd[-1]]
    foreign_lists.write_emobox_list(tmp_path / "fold_1" / "crowd_test_fold_1", both)
    config = emobox.Config(folder=str(tmp_path), shares_speakers_as=PUBLISHED, select="last")
    with pytest.raises(SplitError, match="more than once"):
        make_folds(emobox, crowd, config)
    fold = cut_folds(emobox, crowd, config).folds[0]
    assert crowd[-1].id in fold.test
    assert crowd[-1].id in fold.train


IMPORTERS = [emobox, emo_superb, superb_files, hear]


@pytest.mark.parametrize("module", IMPORTERS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_folder_that_is_not_theirs_is_refused(module: Any, crowd: list[Example], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"split\.folder is not set"):
        make_folds(module, crowd, module.Config())
    with pytest.raises(ConfigError, match=r"split\.folder is no folder"):
        make_folds(module, crowd, module.Config(folder=str(tmp_path / "nowhere")))
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(SplitError, match=r"(?s)(notes\.txt|task_metadata\.json)"):
        make_folds(module, crowd, module.Config(folder=str(tmp_path)))


DAMAGE = [
    (emobox, "fold_2/crowd_train_fold_2.json", "{", "JSON"),
    (emobox, "fold_2/crowd_train_fold_2.json", "[]", "outermost"),
    (emobox, "fold_2/crowd_test_fold_2.jsonl", "[1]\n", "one JSON object per line"),
    (emobox, "fold_2/crowd_test_fold_2.jsonl", '{"wav": "x.wav"}\n', "a row without 'key'"),
    (emo_superb, "labels_consensus_2.csv", "FileName,Gender\na.wav,Male\n", "no column Split_Set"),
    (emo_superb, "labels_consensus_2.csv", "FileName,Split_Set\na.wav\n", "line 2 is too short"),
    (emo_superb, "labels_consensus_2.csv", "FileName,Split_Set\na.wav,Test9\n", "Test9"),
    (emo_superb, "config.json", "{}", "three parts"),
    (
        superb_files,
        "Session3/test_meta_data.json",
        '{"meta_data": [{"label": "joy"}]}',
        "a row without 'path'",
    ),
    (superb_files, "Session3/train_meta_data.json", None, "train_meta_data.json cannot be read"),
    (hear, "labelvocabulary.csv", "idx,label\n0,calm\n", "no label of the vocabulary"),
    (hear, "fold02.json", '{"a.wav": ["joy", "anger"]}', "no label of the vocabulary"),
    (hear, "fold02.json", None, "fold02.json cannot be read"),
]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: f"{damage[1]}: {damage[3]}")
def test_damaged_files_are_named(
    damage: tuple[Any, str, str | None, str],
    crowd: list[Example],
    foreign_lists: ModuleType,
    tmp_path: Path,
) -> None:
    module, name, text, message = damage
    foreign_lists.WRITERS[module.__name__.rpartition(".")[2]](tmp_path, crowd)
    path = tmp_path / name
    path.unlink() if text is None else path.write_text(text, encoding="utf-8")
    with pytest.raises(SplitError, match=message):
        make_folds(module, crowd, module.Config(folder=str(tmp_path), shares_speakers_as=PUBLISHED))


def test_a_missing_list_of_emobox_is_named(
    crowd: list[Example], foreign_lists: ModuleType, tmp_path: Path
) -> None:
    foreign_lists.write_emobox(tmp_path, crowd)
    for path in (tmp_path / "fold_3").glob("*train*"):
        path.unlink()
    with pytest.raises(SplitError, match=r"(?s)train list of fold 3 is missing.*crowd_test_fold_3\.json"):
        make_folds(emobox, crowd, emobox.Config(folder=str(tmp_path)))


def test_tables_of_emo_superb_that_repeat_themselves_are_refused_until_some_are_chosen(
    crowd: list[Example], foreign_lists: ModuleType, tmp_path: Path
) -> None:
    foreign_lists.write_emo_superb(tmp_path, crowd)
    shutil.copy(tmp_path / "labels_consensus_1.csv", tmp_path / "labels_consensus_6.csv")
    with pytest.raises(SplitError, match=r"(?s)fold_1 and fold_6 test the same.*split\.tables"):
        make_folds(emo_superb, crowd, emo_superb.Config(folder=str(tmp_path)))
    config = emo_superb.Config(folder=str(tmp_path), tables=[1, 2, 3, 4, 5])
    assert [fold.name for fold in make_folds(emo_superb, crowd, config).folds] == [
        f"fold_{n}" for n in range(1, 6)
    ]
    with pytest.raises(SplitError, match="not there"):
        make_folds(emo_superb, crowd, emo_superb.Config(folder=str(tmp_path), tables=[7]))


def test_hear_tests_a_fold_and_watches_the_next(
    crowd: list[Example], foreign_lists: ModuleType, tmp_path: Path
) -> None:
    foreign_lists.write_hear(tmp_path, crowd)
    folds = make_folds(hear, crowd, hear.Config(folder=str(tmp_path), shares_speakers_as=PUBLISHED)).folds
    assert [fold.name for fold in folds] == ["fold00", "fold01", "fold02", "fold03"]
    for fold, following in zip(folds, [*folds[1:], folds[0]], strict=True):
        assert fold.dev == following.test
    assert Counter(i for fold in folds for i in fold.test) == Counter(e.id for e in crowd)


def test_hear_with_three_parts(crowd: list[Example], foreign_lists: ModuleType, tmp_path: Path) -> None:
    names = ["train", "valid", "test"]
    mixed = sorted(crowd, key=lambda e: e.id[::-1])
    foreign_lists.write_hear(tmp_path, mixed, split_mode="trainvaltest", splits=names)
    config = hear.Config(folder=str(tmp_path), shares_speakers_as=PUBLISHED)
    (fold,) = make_folds(hear, crowd, config).folds
    assert sizes((fold,)) == [(40, 40, 40)]


def test_hear_files_under_other_names_are_found_by_a_table(
    crowd: list[Example], foreign_lists: ModuleType, tmp_path: Path
) -> None:
    foreign_lists.write_hear(tmp_path / "task", crowd)
    table = ["file,utterance"]
    for number, path in enumerate(sorted((tmp_path / "task").glob("fold*.json"))):
        files = json.loads(path.read_text())
        renamed = {f"tfds_id_{number}_{i}.wav": labels for i, labels in enumerate(files.values())}
        table += [f"{new},{old}" for new, old in zip(renamed, files, strict=True)]
        path.write_text(json.dumps(renamed))
    config = hear.Config(folder=str(tmp_path / "task"), shares_speakers_as=PUBLISHED)
    with pytest.raises(SplitError, match="tfds_id"):
        make_folds(hear, crowd, config)
    (tmp_path / "names.csv").write_text("\n".join(table) + "\n")
    config.names = str(tmp_path / "names.csv")
    assert len(make_folds(hear, crowd, config).folds) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"embedding_type": "event"}, "one label"),
        ({"prediction_type": "multilabel"}, "one label"),
        ({"split_mode": "other"}, "no way of splitting"),
        ({"splits": ["fold00", "fold01"]}, "too few folds"),
    ],
)
def test_other_tasks_of_hear_are_refused(
    changes: dict[str, Any], message: str, crowd: list[Example], foreign_lists: ModuleType, tmp_path: Path
) -> None:
    foreign_lists.write_hear(tmp_path, crowd, **changes)
    with pytest.raises(SplitError, match=message):
        make_folds(hear, crowd, hear.Config(folder=str(tmp_path), shares_speakers_as=PUBLISHED))
