"""Turns by time, contexts of the turns before, roles seen from the target; nothing of the target is ever read."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import config, registry
from harness.contracts import Example
from harness.corpora import read_names
from harness.errors import ConfigError, CorpusError, LabelError
from harness.tasks import TaskExamples
from harness.tasks.next_turn import Config, examples, over_shared_labels

Row = tuple[str, str, str]
"""Dialogue, speaker, label; the rank in time is the place in the list."""


def table(rows: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [f"{dialogue}-{place:02d}-{speaker}" for place, (dialogue, speaker, _) in enumerate(rows)],
            "corpus": "mini",
            "label": [label for *_, label in rows],
            "label_raw": [label for *_, label in rows],
            "speaker": [speaker for _, speaker, _ in rows],
            "dialogue": [dialogue for dialogue, *_ in rows],
            "session": "1",
            "turn": range(len(rows)),
            "start_s": float("nan"),
            "split": "",
            "path": [f"{place}.wav" for place in range(len(rows))],
            "duration_s": 1.5,
            "defect": "",
        }
    )


def spoken(text: str) -> list[Row]:
    """`A:joy` per utterance, all in one dialogue."""
    return [("d", *word.split(":")) for word in text.split()]  # type: ignore[misc]


def made(text: str, **changes: Any) -> dict[str, Example]:
    done = examples(table(spoken(text)), Config(**changes))
    return {example.id: example for example in done.examples}


def test_a_turn_is_a_run_of_one_speaker_and_its_first_label_is_the_target() -> None:
    found = made("A:joy A:joy B:x B:anger B:joy A:anger B:joy", drop=["x"])
    assert list(found) == ["d-03-B", "d-05-A", "d-06-B"]
    first, second, _ = found.values()
    assert (first.target, first.utterances, first.roles) == (
        "anger",
        ("d-00-A", "d-01-A"),
        ("interlocutor",) * 2,
    )
    assert second.utterances == ("d-00-A", "d-01-A", "d-02-B", "d-03-B", "d-04-B")
    assert second.roles == ("speaker", "speaker", "interlocutor", "interlocutor", "interlocutor")
    assert (second.target, second.speaker, second.dialogue, second.session) == ("anger", "A", "d", "1")
    assert second.duration_s == 7.5
    assert second.path == "5.wav"


def test_no_more_than_six_turns_are_read_and_fewer_where_there_are_fewer() -> None:
    found = list(
        made(" ".join(f"{'AB'[turn % 2]}:{'joy' if turn % 3 else 'anger'}" for turn in range(10))).values()
    )
    assert [len(example.utterances) for example in found] == [1, 2, 3, 4, 5, 6, 6, 6, 6]
    assert found[-1].utterances == tuple(f"d-{place:02d}-{'AB'[place % 2]}" for place in range(3, 9))


def test_a_turn_without_a_label_is_context_and_no_target() -> None:
    found = made("A:joy B:x A:anger B:joy", drop=["x"])
    assert list(found) == ["d-02-A", "d-03-B"]
    assert found["d-03-B"].utterances == ("d-00-A", "d-01-B", "d-02-A")


def test_of_several_others_the_most_frequent_is_the_interlocutor() -> None:
    found = made("B:joy C:joy C:joy C:joy A:joy B:joy D:joy A:anger")
    assert found["d-07-A"].roles == ("other", *["interlocutor"] * 3, "speaker", "other", "other")


def test_of_equally_frequent_others_the_last_one_is() -> None:
    assert made("B:joy C:anger A:joy")["d-02-A"].roles == ("other", "interlocutor")


def test_a_speaker_who_is_new_has_nothing_said() -> None:
    assert set(made("B:joy C:joy B:joy A:anger")["d-03-A"].roles) == {"interlocutor", "other"}


def test_dialogues_do_not_run_into_each_other() -> None:
    rows: list[Row] = [("d", "A", "joy"), ("e", "B", "joy"), ("d", "B", "anger"), ("e", "A", "joy")]
    found = examples(table(rows), Config()).examples
    assert [(one.id, one.utterances) for one in found] == [
        ("d-02-B", ("d-00-A",)),
        ("e-03-A", ("e-01-B",)),
    ]


def test_every_row_is_an_example_or_counted() -> None:
    done = examples(table(spoken("A:joy A:anger B:x B:anger B:joy A:anger A:x C:joy")), Config(drop=["x"]))
    assert dict(done.dropped) == {"anger": 1, "joy": 2, "x": 2}
    assert len(done.examples) + sum(done.dropped.values()) == 8


@given(
    st.lists(
        st.tuples(st.sampled_from("de"), st.sampled_from("ABC"), st.sampled_from(["joy", "anger", "x"])),
        min_size=8,
    ),
    st.integers(1, 7),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60)
def test_contexts_end_before_their_target_whatever_the_order_of_the_rows(
    rows: list[Row], turns: int, chance: random.Random
) -> None:
    told = table(rows)
    mixed = told.iloc[chance.sample(range(len(rows)), len(rows))]
    settings_ = Config(turns=turns, drop=["x"])
    try:
        done = examples(told, settings_)
    except LabelError:
        return
    again = {one.id: one for one in examples(mixed, settings_).examples}
    where = {row.id: (row.dialogue, row.turn, row.speaker) for row in told.itertuples()}
    assert again == {one.id: one for one in done.examples}
    for one in done.examples:
        dialogue, turn, speaker = where[one.id]
        read = [where[name] for name in one.utterances]
        assert read
        assert all(place[0] == dialogue and place[1] < turn for place in read)
        assert [place[1] for place in read] == sorted(place[1] for place in read)
        runs = 1 + sum(before[2] != after[2] for before, after in pairwise(read))
        assert runs <= turns
        assert read[-1][2] != speaker
        assert [role == "speaker" for role in one.roles] == [place[2] == speaker for place in read]


def test_shuffled_turns_are_the_same_turns_in_another_order_for_the_same_targets() -> None:
    text = " ".join(f"{'AB'[turn // 2 % 2]}:{'joy' if turn % 3 else 'anger'}" for turn in range(60))
    timely, mixed = made(text), made(text, order="shuffled")
    assert list(timely) == list(mixed)
    moved = 0
    for name, one in timely.items():
        other = mixed[name]
        pairs = sorted(zip(other.utterances, other.roles, strict=True))
        assert pairs == sorted(zip(one.utterances, one.roles, strict=True))
        assert other.target == one.target
        moved += other.utterances != one.utterances
        starts = other.utterances[::2]
        assert all(
            int(first[2:4]) + 1 == int(second[2:4])
            for first, second in zip(starts, other.utterances[1::2], strict=True)
        )
    assert moved > len(timely) / 2
    assert mixed == made(text, order="shuffled")


@pytest.mark.parametrize("column", ["speaker", "dialogue", "turn"])
def test_utterances_outside_of_conversations_are_refused(column: str) -> None:
    told = table(spoken("A:joy B:anger A:joy"))
    told.loc[1, column] = -1 if column == "turn" else None
    with pytest.raises(CorpusError, match=f"no {column} of d-01-B"):
        examples(told, Config())


def test_a_class_that_never_comes_next_is_named() -> None:
    with pytest.raises(LabelError, match="anger is never"):
        examples(table(spoken("A:anger B:joy A:joy")), Config())


def test_no_turns_are_no_context() -> None:
    with pytest.raises(ConfigError, match=r"task\.turns"):
        examples(table(spoken("A:joy B:anger")), Config(turns=0))


def test_of_several_corpora_the_shared_labels_are_targets() -> None:
    """The rest stays in the contexts."""
    both = pd.concat(
        [
            table(spoken("A:joy B:anger A:fear B:joy")),
            table(spoken("C:joy D:anger C:joy")).assign(corpus="other"),
        ],
        ignore_index=True,
    )
    both["id"] = both["corpus"] + ":" + both["id"]
    both["dialogue"] = both["corpus"] + ":" + both["dialogue"]
    shared = over_shared_labels(both, Config(turns=2))
    assert isinstance(shared, Config)
    assert shared.turns == 2
    done = examples(both, shared)
    assert done.classes == ("anger", "joy")
    assert [one.id for one in done.examples] == ["mini:d-01-B", "mini:d-03-B", "other:d-01-D", "other:d-02-C"]
    assert done.examples[1].utterances == ("mini:d-01-B", "mini:d-02-A")


def _recipe(name: str) -> tuple[Any, Any]:
    path = Path(config.__file__).parent.parent / "recipes" / "task" / f"{name}.yaml"
    values = dict(yaml.safe_load(path.read_text(encoding="utf-8")))
    module = registry.load("tasks", values.pop("name"))
    return module, config.build(module.Config, values, where=name)


@pytest.fixture(scope="module")
def of_listing(
    listing: Callable[[str], list[dict[str, Any]]],
    listing_trees: ModuleType,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, str], tuple[pd.DataFrame, TaskExamples]]:
    """The manifest and the examples of a corpus laid out from its listing."""

    def read(corpus: str, recipe: str) -> tuple[pd.DataFrame, TaskExamples]:
        root = listing_trees.lay_out(corpus, listing(corpus), tmp_path_factory.mktemp(corpus))
        told = read_names(registry.load("corpora", corpus), root).table
        module, settings_ = _recipe(recipe)
        return told, module.examples(told, settings_)

    return read


def test_iemocap_in_time_and_by_who_really_speaks(of_listing: Callable[..., Any]) -> None:
    """The files list one actor after the other, and name the dialogue after whoever wears the markers."""
    told, done = of_listing("iemocap", "next_turn_iemocap4")
    rank = dict(zip(told["id"], told["turn"], strict=True))
    assert len(done.examples) + sum(done.dropped.values()) == 10_039
    assert len(done.examples) > 3000
    for one in done.examples:
        name, letter = one.id.rsplit("_", 1)
        assert one.speaker == f"{one.id[:5]}_{letter[0]}"
        assert all(rank[read] < rank[one.id] and read.startswith(name) for read in one.utterances)
        assert [rank[read] for read in one.utterances] == sorted(rank[read] for read in one.utterances)
        spoke = [read.rsplit("_", 1)[1][0] == letter[0] for read in one.utterances]
        assert [role == "speaker" for role in one.roles] == spoke
        assert set(one.roles) <= {"speaker", "interlocutor"}
        assert not spoke[-1]
    both = [one for one in done.examples if len(set(one.roles)) == 2]
    assert len(both) > 0.9 * len(done.examples)
    assert all(told.set_index("id").loc[[one.id for one in done.examples], "text"].str.startswith("Text of"))


@pytest.mark.parametrize("corpus", ["meld", "m3ed"])
def test_television_series_with_their_lists(corpus: str, of_listing: Callable[..., Any]) -> None:
    told, done = of_listing(corpus, "next_turn")
    assert len(done.examples) + sum(done.dropped.values()) == len(told)
    third = {"other"} if corpus == "meld" else set()  # M3ED cut its dialogues for two
    assert {role for one in done.examples for role in one.roles} == {"speaker", "interlocutor"} | third
    assert {one.split for one in done.examples} == {"train", "dev", "test"}
    assert told["text"].str.len().min() > 0
    parts = {one.dialogue: one.split for one in done.examples}
    assert all(parts[one.dialogue] == one.split for one in done.examples)
