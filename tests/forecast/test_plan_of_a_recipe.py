"""Plans of real recipes: what they count against what a run then does, and that they leave nothing behind."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from harness.cells import cells_folder
from harness.cli import main
from harness.config import compose
from harness.extract import requested
from harness.features import Features
from harness.forecast import forecast, text_of
from harness.forecast._extraction_stage import place_of
from harness.forecast._made_up import IN_MEMORY_BYTES, part_of, table_of
from harness.forecast._training import lesson_of
from harness.forecast._training_stage import view_shape
from harness.forecast._work import Work, work_of
from harness.run import extract_only, run
from harness.study import Study, plan

QUICK = ("track=false", "resamples=20", "scale.threads=1", "scale.workers=1")


@pytest.fixture
def own_cache(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No features of other tests; made-up audio is shared with them."""
    folder = tmp_path / "cache"
    if (cache / "corpora").is_dir():
        shutil.copytree(cache / "corpora", folder / "corpora")
    monkeypatch.setenv("EMOHARNESS_CACHE", str(folder))
    return folder


def _words(tmp_path: Path, *more: str) -> list[str]:
    return [*QUICK, f"results={tmp_path / 'results'}", *more]


def _work(tmp_path: Path, *more: str, recipe: str = "synthetic_5fold") -> Work:
    return work_of(plan(compose(recipe, _words(tmp_path, *more))))


def test_cells_are_those_that_a_run_makes(tmp_path: Path, own_cache: Path) -> None:
    """Shards in the store, trainings among the results, bytes on disk; and nothing is left afterwards."""
    words = _words(tmp_path, "upstream=mfcc", "seeds=[0,1]")
    before = _work(tmp_path, "upstream=mfcc", "seeds=[0,1]")
    (extraction,) = before.left
    assert (before.todo, before.cells, before.done) == (10, 10, 0)
    run(compose("synthetic_5fold", words))
    study = before.study
    (request,) = Features(study).requests()
    assert request.store is not None
    shards = [path for path in (request.store.path / "shards").iterdir() if path.is_dir()]
    assert len(shards) == len(extraction.cells)
    assert len(list(cells_folder(study).glob("*.json"))) == before.todo
    arrays = [path.stat().st_size for path in request.store.path.rglob("*.npy")]
    assert sum(arrays) - 128 * len(arrays) == extraction.bytes  # 128: the header of an .npy file
    after = work_of(study)
    assert after.recorded
    assert (after.todo, after.left) == (0, ())
    assert "recorded already" in text_of(forecast(study.config))
    _half_finished(study, tmp_path, own_cache)


def _half_finished(study: Study, tmp_path: Path, own_cache: Path) -> None:
    """Trainings and a shard that are lost are what is left, and nothing else."""
    shutil.rmtree(tmp_path / "results" / "records")
    for path in sorted(cells_folder(study).glob("*.json"))[:2]:
        path.unlink()
    assert work_of(study).todo == 2
    assert work_of(study).left == ()
    shard = next(iter(sorted((own_cache / "features").glob("*/shards/*"))))
    ids = json.loads((shard / "index.json").read_text(encoding="utf-8"))["ids"]
    shutil.rmtree(shard)
    (extraction,) = work_of(study).left
    assert sorted(source.id for source in extraction.missing) == sorted(ids)
    durations = {source.id: source.duration_s for source in extraction.sources}
    assert extraction.missing_s == pytest.approx(sum(durations[name] for name in ids))
    assert extraction.done_s == pytest.approx(sum(durations.values()) - extraction.missing_s)


@pytest.mark.usefixtures("own_cache")
def test_frames_beside_stored_means(tmp_path: Path) -> None:
    """Means that are there are not counted again when a head asks for frames."""
    extract_only(compose("synthetic_5fold", _words(tmp_path, "upstream=mfcc")))
    (means,) = _work(tmp_path, "upstream=mfcc").extractions
    assert means.lacking == {}
    (frames,) = _work(tmp_path, "upstream=mfcc", "head=e2v_linear").left
    counted = sum(frames.cost.frames(source.duration_s) for source in frames.sources)
    assert frames.bytes == pytest.approx(counted * frames.cost.dim * 4)


@pytest.mark.usefixtures("own_cache")
def test_plan_and_run_leave_no_trace_of_measuring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A measured plan: stages with their arithmetic on standard output, no results, no features."""
    words = ["plan", "recipe=synthetic_5fold", *_words(tmp_path, "upstream=mfcc")]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert not (tmp_path / "results").exists()
    assert not (tmp_path / "cache" / "features").exists()
    assert "240 utterances, 0.09 h of audio, 4 shards; stored already: 0 utterances" in text
    assert "5 cells of 5 (5 folds x 1 seed); recorded already: 0" in text
    assert re.search(
        r"extraction +315 s of audio x 0\.\d+ s per s \(this process, 1 thread\) +[\d.]+ s +measured", text
    )
    assert re.search(r"training +5 cells x [\d.]+ s", text)
    assert "memory (" in text
    assert "disk (" in text


@pytest.mark.usefixtures("own_cache")
def test_by_the_card_alone(tmp_path: Path) -> None:
    """Without a measurement the time is operations through the rate; half the rate takes twice as long."""
    config = compose("synthetic_5fold", _words(tmp_path, "upstream=wav2vec2_base", "device=cpu"))
    (extraction,) = work_of(plan(config)).left
    flop = sum(extraction.cost.flop(source.duration_s) for source in extraction.sources)
    for rate in (0.1, 0.05):
        found = forecast(config, measure=False, rate_tflops=rate)
        assert found.of_stage("extraction") == pytest.approx(flop / (rate * 1e12))
        assert "without training" in text_of(found)


def test_a_calibrated_upstream_extracts_once_per_fold(tmp_path: Path) -> None:
    """And hears the training part of each before that."""
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"never loaded")
    work = _work(tmp_path, "upstream=byol_s", f"upstream.path={weights}")
    assert len(work.left) == len(work.study.folds.folds) == 5
    for fold, extraction in zip(work.study.folds.folds, work.left, strict=True):
        assert fold.name in extraction.title
        assert {source.id for source in extraction.training} == set(fold.train)


def test_what_stays_in_this_process_has_all_of_its_cores(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A calibrated upstream does; what could be shared between workers has its part of them, as the plan says."""
    monkeypatch.setattr("harness.scale._needs.cores_here", lambda: 6)
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"never loaded")
    calibrated = ("upstream=byol_s", f"upstream.path={weights}")
    for words, threads in ((calibrated, 6), (("upstream=mfcc",), 1)):
        study = plan(compose("synthetic_5fold", [*QUICK[:2], f"results={tmp_path / 'results'}", *words]))
        (request, *_), (extraction, *_) = Features(study).requests(), work_of(study).left
        assert request.store is not None
        wanted = requested(request.waves, request.store, study.config.upstream, request.layers)
        assert Features(study)._needs(wanted).threads == threads
        assert place_of(work_of(study), extraction, "cpu").threads == threads


def test_sizes_that_are_known_after_loading(tmp_path: Path) -> None:
    """Everything counts as missing, and the plan says why."""
    work = _work(tmp_path, "upstream=s3prl_hub")
    (extraction,) = work.left
    assert len(extraction.missing) == len(extraction.sources) == 240
    assert "once it is loaded" in extraction.note


RECIPES = {
    "lda": "synthetic_5fold",
    "e2v_linear": "synthetic_5fold",
    "epc_gru": "synthetic_epc",
    "scales_mlp": "synthetic_dimensions",
}


@pytest.mark.parametrize("head", RECIPES)
def test_made_up_features_have_the_true_shape(head: str, tmp_path: Path) -> None:
    """As many utterances, frames, layers and dimensions as the fold has, with its own targets."""
    work = _work(tmp_path, "upstream=mfcc", f"head={head}", "view=last", recipe=RECIPES[head])
    study, fold = work.study, work.study.folds.folds[0]
    layers, dim = view_shape(work)
    lesson = lesson_of(study, fold, layers=layers, dim=dim, threads=1, frames=_frames(work))
    with table_of(lesson) as table:
        train = part_of(lesson, table, "train")
    assert len(train.targets) == len(fold.train)
    assert train.view.values.shape[1:] == (1, work.extractions[0].cost.dim)
    if head == "e2v_linear":
        by_id = {example.id: example.duration_s for example in study.examples.examples}
        assert len(train.view.values) == pytest.approx(
            100 * sum(by_id[name] for name in fold.train), rel=0.02
        )


def _frames(work: Work) -> dict[str, int]:
    cost = work.extractions[0].cost
    rows = work.study.manifest.table[["id", "duration_s"]].itertuples(index=False, name=None)
    return {name: int(cost.frames(duration_s)) for name, duration_s in rows}


def test_a_large_table_takes_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a limit it is an empty file, of the true shape."""
    monkeypatch.setattr("harness.forecast._made_up.IN_MEMORY_BYTES", 100_000)
    work = _work(tmp_path, "upstream=mfcc", "head=e2v_linear", "view=last")
    lesson = lesson_of(
        work.study, work.study.folds.folds[0], layers=1, dim=39, threads=1, frames=_frames(work)
    )
    with table_of(lesson) as table:
        assert table.shape == (sum(lesson.frames[name] for name in lesson.frames), 1, 39)
        assert table[:10].abs().sum() > 0
        assert table[-10:].abs().sum() == 0
    assert IN_MEMORY_BYTES > 100_000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["recipe=synthetic_5fold", "measure=perhaps"], "measure is true or false"),
        (["recipe=synthetic_5fold", "rate_tflops=fast"], "a number above 0"),
        (["recipe=synthetic_5fold", "rate_tflops=1"], "measure=false"),
        (["recipe=synthetic_5fold", "upstream=egemap"], "egemaps"),
        (["recipe=synthetic_5fold", "measure=false", "device=cuda"], "rate_tflops="),
        (["recipe=emodb_loso", "measure=false", "corpus.root=/no/such/place"], "next:"),
        (["suite=emobx"], "emobox"),
        (["suite=emobox", "upstream=hubert_bse"], "hubert_base"),
        (["suite=emobox", "folds=3"], "plan does not take this"),
        ([], "plan needs one recipe"),
    ],
)
def test_bad_input(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One message with a next step, exit code 2."""
    assert main(["plan", *words]) == 2
    assert said in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Examples for a recipe and for a suite."""
    assert main(["plan", "--help"]) == 0
    text = capsys.readouterr().out
    assert "plan recipe=synthetic_5fold" in text
    assert "plan suite=emobox" in text


def test_the_stored_plan_of_emobox_is_what_is_printed(
    project_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command that it names prints it."""
    stored = (project_root / "results" / "plans" / "emobox.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^python -m harness (plan .*)$", stored, re.M)
    assert main(command.split()) == 0
    assert capsys.readouterr().out == stored
