"""Continued pre-training on one fold's training part: none of its test audio is heard."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from harness import config, study
from harness.errors import ConfigError, HarnessError
from harness.pretrain import Plan, compose
from harness.pretrain._audio import gather
from harness.pretrain._clips import Clip
from harness.pretrain._team import Team
from harness.pretrain._work import work_out

RECIPE = "synthetic_5fold"


@pytest.fixture(scope="module")
def evaluation(cache: Path) -> study.Study:
    """The evaluation whose fold is trained on."""
    return study.plan(config.compose(RECIPE, []))


@pytest.fixture
def plan() -> Callable[..., Plan]:
    def make(*more: str) -> Plan:
        return compose("emotion2vec_tapt", [f"fold_of={RECIPE}", *more])

    return make


def paths(evaluation: study.Study, ids: tuple[str, ...]) -> set[Path]:
    table = evaluation.manifest.table.set_index("id")
    return {evaluation.manifest.root / table.path[name] for name in ids}


@pytest.mark.parametrize("fold_parts", [("train",), ("train", "dev")])
def test_hears_the_wanted_parts_and_nothing_else(
    evaluation: study.Study, plan: Callable[..., Plan], fold_parts: tuple[str, ...]
) -> None:
    for fold in evaluation.folds.folds[:2]:
        audio = gather(plan(f"fold={fold.name}", f"fold_parts=[{','.join(fold_parts)}]"))
        wanted = set().union(*(paths(evaluation, getattr(fold, part)) for part in fold_parts))
        heard = {clip.path for clip in audio.clips}
        assert heard == wanted
        assert not heard & paths(evaluation, fold.test)
        assert audio.trained_on == ["synthetic"]
        assert audio.fold is not None
        assert (audio.fold["fold"], audio.fold["test_utterances_heard"]) == (fold.name, 0)


def test_a_start_that_heard_the_corpus_is_told(
    plan: Callable[..., Plan], evaluation: study.Study, tmp_path: Path
) -> None:
    """Test audio is kept from this training; nobody can keep it from the one before."""
    (tmp_path / "start.pt").touch()
    for corpora, heard in (("[synthetic, emodb]", True), ("[emodb]", False)):
        (tmp_path / "card.yaml").write_text(f"trained_on: {corpora}\n", encoding="utf-8")
        fold = evaluation.folds.folds[0].name
        chosen = plan(f"fold={fold}", "init.card=null", f"init.path={tmp_path / 'start.pt'}")
        assert work_out(chosen, Team(0, 1, "cpu")).start_heard_test is heard


def test_the_corpus_itself_is_refused_beside_its_fold(
    evaluation: study.Study, plan: Callable[..., Plan]
) -> None:
    fold = evaluation.folds.folds[0]
    with pytest.raises(ConfigError, match="test audio of the fold would be trained on") as fault:
        gather(plan(f"fold={fold.name}", "corpora=[synthetic]"))
    assert f"{len(fold.test)} utterances" in str(fault.value)


def test_a_renamed_copy_of_a_test_file_is_refused(
    evaluation: study.Study, plan: Callable[..., Plan], tmp_path: Path
) -> None:
    """Known by its samples, in another container too; a training file in the same place is let in."""
    fold = evaluation.folds.folds[0]
    (test, *_), (train, *_) = (sorted(paths(evaluation, part)) for part in (fold.test, fold.train))
    shutil.copy(train, tmp_path / "harmless.wav")
    assert gather(plan(f"fold={fold.name}", f"audio=[{tmp_path}]")).clips[-1].path.name == "harmless.wav"
    samples, rate_hz = soundfile.read(test, dtype="int16")
    soundfile.write(tmp_path / "holiday.flac", samples, rate_hz)
    with pytest.raises(ConfigError, match=r"holiday\.flac"):
        gather(plan(f"fold={fold.name}", f"audio=[{tmp_path}]"))


def test_a_training_file_with_the_sound_of_a_test_file_is_left_out(
    evaluation: study.Study,
    plan: Callable[..., Plan],
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A corpus that holds a recording twice, once on either side."""
    from harness.pretrain import _fold

    fold = evaluation.folds.folds[0]
    table = evaluation.manifest.table.copy().set_index("id", drop=False)
    table.loc[fold.train[0], "content"] = table.loc[fold.test[0], "content"]
    twice = dataclasses.replace(evaluation.manifest, table=table.reset_index(drop=True))
    monkeypatch.setattr(_fold, "study_of", lambda composed: study.plan(composed, twice))
    audio = gather(plan(f"fold={fold.name}"))
    assert len(audio.clips) == len(fold.train) - 1
    assert audio.fold is not None
    assert audio.fold["share_sound_with_test_and_left_out"] == 1


def test_an_unknown_fold_or_recipe_is_told(plan: Callable[..., Plan]) -> None:
    with pytest.raises(ConfigError, match="there is no such fold"):
        gather(plan("fold=Ses99"))
    with pytest.raises(HarnessError, match="no recipe called emodb_losso"):
        gather(compose("emotion2vec_tapt", ["fold_of=emodb_losso", "fold=03"]))
    with pytest.raises(ConfigError, match="Missing mandatory value"):
        compose("emotion2vec_tapt", ["fold_of=emodb_loso"])


def test_pieces_of_one_recording_are_told_apart_by_time() -> None:
    piece = Clip(Path("a.wav"), 0.0, 2.0, 32_000, "same")
    assert piece.shares_sound(piece._replace(start_s=1.9, end_s=3.0))
    assert not piece.shares_sound(piece._replace(start_s=2.0, end_s=3.0))
    assert piece.shares_sound(piece._replace(start_s=None, end_s=None, path=Path("b.wav")))
    assert not piece.shares_sound(piece._replace(content="other"))
