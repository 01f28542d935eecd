"""From the command line to a checkpoint that `run` takes at once; the real objective on a very small network."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from harness import parts
from harness.pretrain import _publish, compose
from harness.pretrain._watch import Watch

Harness = Callable[..., tuple[int, str, str]]
SMALL = (
    *("objective.network.dim=32", "objective.network.heads=2", "objective.network.mlp_dim=32"),
    *("objective.network.depth=1", "objective.network.channels=8", "objective.network.tokens=2"),
    *("objective.network.decoder.dim=16", "objective.loss.clones=2", "objective.loss.target.top_k=1"),
    *("optimiser.warmup_updates=1", "batch.max_samples=40000", "batch.longest=40000", "batch.per_update=1"),
    *("log_every=1", "save_every=2", "seed=5"),
)
"""Changes to `emotion2vec_tiny`: 26,000 parameters."""


def words(audio: Path, *more: str, updates: int = 4) -> list[str]:
    return [
        *("pretrain", "recipe=emotion2vec_tiny", f"audio=[{audio}]", f"optimiser.updates={updates}"),
        *("name=voices", *SMALL, *more),
    ]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_from_a_corpus_to_a_run_and_its_mark(harness: Harness, results: Path, voices: Path) -> None:
    """Card, checkpoint, record, history and picture are there; `run` takes it and knows what it was trained on."""
    chosen = [word for word in words(Path(), updates=3) if not word.startswith("audio=")]
    code, out, err = harness(*chosen, "corpora=[synthetic]", f"roots.synthetic={voices}")
    assert code == 0, err
    assert "trained on: synthetic" in out
    assert "synthetic: 240 utterances" in err
    assert "the utterance target is zero for every utterance" in err
    folder = results / "pretrained" / "voices"
    assert sorted(path.name for path in folder.iterdir()) == [
        *("card.yaml", "checkpoint.pt", "checkpoint_ema.pt", "config.json", "history.csv", "loss.png"),
        *("model.safetensors", "record.json"),
    ]
    assert [float(row["update"]) for row in table(folder / "history.csv")] == [1, 2, 3]
    code, out, err = harness(
        *("run", "recipe=synthetic_5fold", f"corpus.root={voices}", "upstream=voices"),
        *("head=lda", "view=last", "seeds=[0]"),
    )
    assert code == 0, err
    assert "voices was itself trained on synthetic" in out + err
    code, out, _ = harness("list", "upstream", "pretrain", "objective")
    assert "voices" in out
    assert "emotion2vec_tapt" in out


def test_the_record_explains_the_model_and_names_no_place(
    harness: Harness, results: Path, audio: Path
) -> None:
    code, _, err = harness(*words(audio, "trained_on=[cremad]"))
    assert code == 0, err
    folder = results / "pretrained" / "voices"
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    assert record["trained_on"] == ["cremad"]
    assert record["updates"] == 4
    assert record["utterances"] == 10
    assert record["sources"][0]["left_out"] == {"too short": 2}
    assert record["sources"][0]["hours"] == pytest.approx(record["hours"])
    assert record["environment"]["packages"]["torch"] == torch.__version__
    assert record["last"]["update"] == 4
    assert record["audio_heard_h"] > 0
    for name in ("record.json", "card.yaml", "config.json"):
        assert str(audio) not in (folder / name).read_text(encoding="utf-8")
        assert str(results) not in (folder / name).read_text(encoding="utf-8")
    card = yaml.safe_load((folder / "card.yaml").read_text(encoding="utf-8"))
    assert card["trained_on"] == ["cremad"]
    assert card["path"] is None
    registered = parts.read_part("upstream", "voices")
    assert {**registered, "path": None} == card
    assert Path(registered["path"]) == folder / "model.safetensors"


def test_a_folder_whose_corpora_nobody_knows_is_told(harness: Harness, results: Path, audio: Path) -> None:
    code, _, err = harness(*words(audio))
    assert code == 0, err
    assert "trained_on=[...] says it" in err
    assert "10 utterances, 0.00 h; left out: 2 shorter than 0.5 s" in err
    record = json.loads((results / "pretrained" / "voices" / "record.json").read_text(encoding="utf-8"))
    assert record["trained_on"] == [f"folder {audio.name}"]


def test_files_of_a_corpus_are_known_by_content(
    shared: Path, harness: Harness, results: Path, tmp_path: Path
) -> None:
    """Under other names, in a plain folder, EmoDB is still EmoDB."""
    (tmp_path / "sounds").mkdir()
    for place, path in enumerate(sorted((shared / "corpora" / "emodb" / "wav").glob("*.wav"))[:5]):
        (tmp_path / "sounds" / f"{place}.wav").symlink_to(path)
    code, out, err = harness(*words(tmp_path / "sounds", updates=1))
    assert code == 0, err
    assert "trained on: emodb" in out


def test_the_checkpoint_is_what_fairseq_s_loaders_look_for(
    harness: Harness, results: Path, audio: Path
) -> None:
    """The student's tensors under their names, the teacher nested, the configuration apart from the task."""
    code, _, err = harness(*words(audio, updates=1))
    assert code == 0, err
    folder = results / "pretrained" / "voices"
    plain = torch.load(folder / "checkpoint.pt", weights_only=True)
    both = torch.load(folder / "checkpoint_ema.pt", weights_only=True)
    student = load_file(folder / "model.safetensors")
    assert plain["model"].keys() == student.keys()
    assert all(torch.equal(plain["model"][name], weight) for name, weight in student.items())
    assert both["model"].keys() == {*student, "_ema"}
    assert both["model"]["_ema"].keys() < student.keys()
    assert plain["cfg"]["task"]["normalize"] is True
    assert plain["cfg"]["model"]["modalities"]["audio"]["prenet_depth"] == 1
    assert {"args", "optimizer_history", "task_state", "extra_state", "last_optimizer_state"} < plain.keys()
    history = plain["optimizer_history"][-1]
    assert history["num_updates"] == 1
    assert history.keys() == {"criterion_name", "optimizer_name", "lr_scheduler_state", "num_updates"}


def test_goes_on_from_its_own_checkpoint(harness: Harness, results: Path, audio: Path) -> None:
    """`init.path` takes what a run left; the new card inherits what the old one was trained on."""
    assert harness(*words(audio, "trained_on=[cremad]"))[0] == 0
    left = results / "pretrained" / "voices" / "checkpoint_ema.pt"
    changed = [word for word in words(audio, "trained_on=[savee]") if not word.startswith("name=")]
    code, out, err = harness(*changed, "name=onward", f"init.path={left}")
    assert code == 0, err
    assert "trained on: cremad, savee" in out
    first, second = (
        load_file(results / "pretrained" / name / "model.safetensors") for name in ("voices", "onward")
    )
    assert first.keys() == second.keys()


def test_a_finished_run_is_not_trained_again(harness: Harness, results: Path, audio: Path) -> None:
    assert harness(*words(audio))[0] == 0
    weights = results / "pretrained" / "voices" / "model.safetensors"
    before = weights.stat().st_mtime_ns
    code, out, err = harness(*words(audio))
    assert code == 0
    assert "trained already" in err
    assert "voices: 0.0" in out
    assert weights.stat().st_mtime_ns == before
    code, _, err = harness(*words(audio, "force=true"))
    assert code == 0, err
    assert weights.stat().st_mtime_ns != before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["seed=6"], "another run is called so"),
        (["name=wavlm_base"], "another upstream is called so"),
        (["name=wavlm_base", "force=true"], "another upstream is called so"),
        (["name=a/b"], "cannot be the name of a file"),
        (["corpora=[emodbb]"], "did you mean emodb"),
        (["roots.emodb=/data"], "a root is given for a corpus that is not trained on"),
        (["objective.loss.clonez=3"], "did you mean clones"),
        (["optimizer.lr=3"], "did you mean optimiser"),
        (["batch.shortest=100"], "greater than or equal to 1600"),
        (["objective=emotion3vec"], "did you mean emotion2vec"),
        (["preset=as_relased"], "did you mean as_released"),
        (["precision=fp16", "device=cpu"], "half precision needs a GPU"),
        (["init.card=data2vec2_base"], "the checkpoint to start from is not here"),
        (["init.path=/no/such/file.pt"], "the checkpoint to start from is not here"),
        (["batch.max_samples=9000"], "one utterance alone exceeds the budget"),
        (["optimiser.updates=1", "optimiser.warmup_updates=2"], "warm-up is longer"),
    ],
)
def test_bad_input_gets_one_message(
    harness: Harness, audio: Path, results: Path, change: list[str], said: str
) -> None:
    if change == ["seed=6"]:
        assert harness(*words(audio, updates=1))[0] == 0
    code, _, err = harness(*words(audio, *change, updates=1))
    assert code == 2
    assert said in err
    assert err.count("harness: ") == 1
    assert "Traceback" not in err


def test_shows_everything_that_can_be_set(harness: Harness) -> None:
    """Hydra prints it, our word for a nested setting included."""
    code, out, _ = harness("pretrain", "recipe=emotion2vec_tiny", "objective.loss.clones=7", "--cfg", "job")
    shown = yaml.safe_load(out)
    assert code == 0
    assert shown["objective"]["loss"]["clones"] == 7
    assert shown["optimiser"]["updates"] == 2000


def test_hydra_sweeps_and_a_bad_job_does_not_stop_the_others(
    harness: Harness, results: Path, audio: Path
) -> None:
    changed = [word for word in words(audio, updates=1) if not word.startswith(("name=", "seed="))]
    code, _, err = harness(*changed, "seed=-1,3", "name='voices_${seed}'", "--multirun")
    assert code == 2
    assert "1 job(s) of the sweep were not run" in err
    assert [path.name for path in (results / "pretrained").iterdir()] == ["voices_3"]


def test_nothing_to_train_on_and_no_recipe_are_told(harness: Harness) -> None:
    code, _, err = harness("pretrain", "recipe=emotion2vec_tiny")
    assert (code, "nothing to pre-train on" in err) == (2, True)
    code, _, err = harness("pretrain", "corpora=[emodb]")
    assert (code, "pretrain needs one recipe" in err) == (2, True)
    code, _, err = harness("pretrain", "recipe=emotion2vec_tyni", "corpora=[emodb]")
    assert (code, "did you mean emotion2vec_tiny" in err) == (2, True)


def _killed(audio: Path, results: Path, project_root: Path, rows: int) -> None:
    """Train in a process of its own, and kill it when so many rows are on disk."""
    environment = os.environ | {"PYTHONPATH": str(project_root), "OMP_NUM_THREADS": "1"}
    chosen = [*words(audio, updates=24), f"results={results}", "track=false"]
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *chosen], env=environment, stderr=subprocess.DEVNULL
    )
    lines = results / "pretrained" / "voices" / "history.jsonl"
    while process.poll() is None and not (lines.exists() and lines.read_text().count("\n") >= rows):
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL


def test_killed_and_asked_to_stop_it_goes_on_bit_by_bit(
    harness: Harness, results: Path, audio: Path, project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL, then SIGTERM, then to the end: the weights of an undisturbed run, and no row twice."""
    folder = results / "pretrained" / "voices"
    _killed(audio, results, project_root, rows=3)
    assert (folder / "state.pt").is_file()
    torch.set_num_threads(1)
    with monkeypatch.context() as patch:
        strike = os.getpid()
        patch.setattr(Watch, "advance", lambda _, done, __: done == 21 and os.kill(strike, signal.SIGTERM))
        code, _, err = harness(*words(audio, updates=24))
    assert code == 130, err
    assert "which is saved; the same command goes on from there" in err
    code, _, err = harness(*words(audio, updates=24))
    assert code == 0, err
    assert "going on after update" in err
    assert [float(row["update"]) for row in table(folder / "history.csv")] == list(range(1, 25))
    assert (
        harness(*[word.replace("name=voices", "name=undisturbed") for word in words(audio, updates=24)])[0]
        == 0
    )
    ours, theirs = (
        load_file(path / "model.safetensors") for path in (folder, folder.with_name("undisturbed"))
    )
    assert all(torch.equal(ours[name], weight) for name, weight in theirs.items())


def test_the_first_data2vec_goes_the_same_way(harness: Harness, results: Path, audio: Path) -> None:
    """Another objective, another family that loads it; `check` holds the checkpoint to every promise."""
    small = [
        word for word in SMALL if not any(key in word for key in ("tokens", "depth", "decoder", "clones"))
    ]
    code, _, err = harness(
        *(
            "pretrain",
            "recipe=data2vec_base",
            f"audio=[{audio}]",
            "name=first",
            "batch.shortest=8000",
            *small,
        ),
        *("objective.network.layers=2", "objective.network.position_groups=4", "optimiser.updates=2"),
        "optimiser.warmup_share=null",
    )
    assert code == 0, err
    code, out, err = harness("check", "upstream=first")
    assert code == 0, out + err
    assert "random" not in out


def test_a_run_that_dies_while_it_writes_its_results_writes_them_again(
    harness: Harness, results: Path, audio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every step of it: nothing is trained twice, no row is lost."""
    for step in ("write_weights", "training_picture", "write_card", "write_text"):
        with monkeypatch.context() as patch:
            patch.setattr(_publish, step, lambda *_: os.kill(os.getpid(), signal.SIGINT))
            assert harness(*words(audio))[0] == 130
        assert not (results / "pretrained" / "voices" / "record.json").exists()
    code, _, err = harness(*words(audio))
    assert code == 0, err
    assert "going on after update 4" in err
    assert [float(row["update"]) for row in table(results / "pretrained" / "voices" / "history.csv")] == [
        1,
        2,
        3,
        4,
    ]


def test_curves_go_to_mlflow_once(harness: Harness, results: Path, audio: Path) -> None:
    from mlflow import MlflowClient

    code, _, err = harness(*words(audio), track=True)
    assert code == 0, err
    client = MlflowClient(f"sqlite:///{(results.parent / 'mlflow.db').as_posix()}")
    (run,) = client.search_runs([client.get_experiment_by_name("pretrain").experiment_id])
    assert run.info.status == "FINISHED"
    for name in (
        "frame_loss",
        "utterance_loss",
        "target_std",
        "prediction_std",
        "lr",
        "ema_decay",
        "audio_s_per_s",
    ):
        assert [point.step for point in client.get_metric_history(run.info.run_id, name)] == [1, 2, 3, 4]
    assert run.data.params["objective.settings.network.dim"] == "32"
    assert {item.path for item in client.list_artifacts(run.info.run_id)} == {
        "record.json",
        "history.csv",
        "loss.png",
    }


def test_a_tracking_store_out_of_reach_costs_one_warning(
    harness: Harness, results: Path, audio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////dev/null/mlflow.db")
    code, _, err = harness(*words(audio, updates=2), track=True)
    assert code == 0
    assert err.count("MLflow does not take the curves") == 1


def test_a_plan_knows_its_overrides() -> None:
    assert compose("emotion2vec_tiny", ["audio=/data/x", "corpora=emodb"]).audio == ["/data/x"]
    plan = compose(
        "emotion2vec_base", ["corpora=[iemocap,meld]", "roots.iemocap=/data/x", "preset=as_published"]
    )
    assert plan.corpora == ["iemocap", "meld"]
    assert plan.roots == {"iemocap": "/data/x"}
    assert plan.objective.settings["loss"]["utterance_target"] == "raw_mean"
    assert plan.optimiser.epochs == 100
