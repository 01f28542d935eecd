"""A sweep from the command line to the paper's table: real pre-trainings and evaluations of a tiny network."""

from __future__ import annotations

import csv
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hydra.core.plugins import Plugins

from harness.errors import HarnessError
from harness.pretrain import compose
from harness.sweep._processes import pretrain_in_processes

Harness = Callable[..., tuple[int, str, str]]
NETWORK = (
    *("objective.network.dim=32", "objective.network.heads=2", "objective.network.mlp_dim=32"),
    *("objective.network.depth=1", "objective.network.channels=8", "objective.network.decoder.dim=16"),
    *("objective.loss.clones=2", "objective.loss.target.top_k=1"),
)
TRAINING = (
    *("optimiser.warmup_updates=1", "batch.max_samples=40000", "batch.longest=40000"),
    *("batch.per_update=1", "log_every=1", "save_every=1"),
)
LAUNCHER = '''
"""A launcher as others are: every job in a process of its own, which gets all it needs pickled."""

from hydra.core.config_store import ConfigStore
from hydra.core.singleton import Singleton
from hydra.core.utils import run_job, setup_globals
from hydra.plugins.launcher import Launcher
from joblib.externals.loky import get_reusable_executor


class ElsewhereLauncher(Launcher):
    def setup(self, *, hydra_context, task_function, config):
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(self, job_overrides, initial_job_idx):
        workers = get_reusable_executor(max_workers=1)
        state = Singleton.get_state()
        jobs = [
            workers.submit(job, self.hydra_context, self.task_function, self.config, list(words), number, state)
            for number, words in enumerate(job_overrides, start=initial_job_idx)
        ]
        done = [waiting.result() for waiting in jobs]
        workers.shutdown()
        return done


def job(hydra_context, task_function, config, words, number, state):
    setup_globals()
    Singleton.set_state(state)
    config = hydra_context.config_loader.load_sweep_config(config, words)
    config.hydra.job.id = config.hydra.job.num = number
    return run_job(
        hydra_context=hydra_context, task_function=task_function, config=config,
        job_dir_key="hydra.sweep.dir", job_subdir_key="hydra.sweep.subdir",
    )


ConfigStore.instance().store(
    group="hydra/launcher", name="elsewhere", node={"_target_": f"{__name__}.ElsewhereLauncher"}
)
'''


def words(table: str, voices: Path, results: Path, *more: str, updates: int = 3) -> list[str]:
    small = [f"pretrain.{word}" for word in (*NETWORK, *TRAINING, f"optimiser.updates={updates}")]
    return [
        *("sweep", f"recipe=ablation/{table}", "size=tiny", f"results={results}", "track=false"),
        *(f"roots.synthetic={voices}", "evaluate.resamples=50", *small, *more),
    ]


def files(*folders: Path) -> dict[str, int]:
    """When every file was written last; locks are no results."""
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {str(path): path.stat().st_mtime_ns for path in paths if path.suffix != ".lock"}


def rows_of(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["row"]: row for row in csv.DictReader(stream)}


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed launcher, by name."""
    folder = tmp_path / "site" / "hydra_plugins" / "elsewhere"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(LAUNCHER, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    module = importlib.import_module("hydra_plugins.elsewhere")
    Plugins.instance().register(module.ElsewhereLauncher)
    return "elsewhere"


def kill_in_the_second_row(command: list[str], results: Path) -> None:
    """Wait until a pre-training has saved a state, then end it without a word."""
    root = Path(__file__).resolve().parent.parent.parent
    with (results.parent / "killed.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", *command],
            env={**os.environ, "PYTHONPATH": str(root)}, cwd=results.parent, stdout=log, stderr=log,
        )  # fmt: skip
        deadline = time.monotonic() + 240
        while not list((results / "pretrained").glob("*/state.pt")):
            assert process.poll() is None, (results.parent / "killed.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
        process.wait()


def test_a_killed_sweep_goes_on_and_makes_nothing_twice(
    harness: Harness, results: Path, voices: Path, elsewhere: str
) -> None:
    """One row, then both, killed in the second, gone on with, and told once more by a launcher of processes."""
    command = words("alpha", voices, results, updates=25)
    both = [*command, "row=alpha_1,alpha_01_raw_mean"]
    code, _, err = harness(*command, "row=alpha_1")
    assert code == 0, err
    done = files(results / "pretrained", results / "records")
    assert len(list(results.rglob("*record*/*.json"))) == 1
    kill_in_the_second_row(both, results)
    code, out, err = harness(*both)
    assert code == 0, err
    assert "going on after update" in err
    assert err.count("trained already") == 3  # the stand-in for both rows, the first row's model
    assert err.count("recorded already") == 1
    after = files(results / "pretrained", results / "records")
    assert {path: after[path] for path in done} == done
    assert len(list((results / "pretrained").glob("*/record.json"))) == 3
    _the_table_has_both_rows(out, results)

    code, again, err = harness(*both, f"hydra/launcher={elsewhere}")
    assert code == 0, err
    assert again == out
    assert files(results / "pretrained", results / "records") == after


def _the_table_has_both_rows(out: str, results: Path) -> None:
    """Printed and on disk, the published figures in columns of their own, and what must be said aloud."""
    assert out in (results / "ablations" / "alpha.md").read_text(encoding="utf-8")
    assert "# Table 11" in out
    assert "**NOT COMPARABLE WITH THE PUBLISHED COLUMNS: size tiny" in out
    assert "SYNTHETIC" in out
    assert "started from a stand-in" in out
    assert "WA (published)" in out
    table = rows_of(results / "ablations" / "alpha.csv")
    assert list(table)[:4] == ["alpha_0", "alpha_01", "alpha_1", "alpha_10"]
    assert (table["alpha_1"]["published WA"], table["alpha_1"]["published UA"]) == ("72.14", "72.84")
    assert table["alpha_01_raw_mean"]["published WA"] == ""
    assert table["alpha_10"]["WA"] == ""
    for name in ("alpha_1", "alpha_01_raw_mean"):
        row = table[name]
        record = json.loads((results / "records" / row["record"]).read_text(encoding="utf-8"))
        score = record["scores"]["metrics"]["wa"]
        assert float(row["WA"]) == pytest.approx(100 * score["fold_mean"], abs=0.005)
        assert float(row["WA low"]) <= float(row["WA"]) <= float(row["WA high"])
        assert record["upstream"]["name"] == row["model"]
    assert table["alpha_1"]["model"] != table["alpha_01_raw_mean"]["model"]


def test_a_row_that_fails_is_told_and_the_others_go_on(harness: Harness, results: Path, voices: Path) -> None:
    missing = ["row=data2vec2,cold", "init.data2vec2=/no/such/file.pt"]
    code, out, err = harness(*words("initialisation", voices, results, *missing))
    assert code == 2
    assert "row=data2vec2" in err
    assert "1 job(s) of the sweep were not run" in err
    assert "Traceback" not in err
    table = rows_of(results / "ablations" / "initialisation.csv")
    assert table["data2vec2"]["remark"].startswith("FAILED: the checkpoint to start from is not here")
    assert table["data2vec2"]["WA"] == ""
    assert float(table["cold"]["WA"]) > 0
    assert table["cold"]["stand-in"] == ""
    assert "FAILED" in out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["row=alpha_2"], "did you mean alpha_"),
        (["size=tyni"], "one of base, tiny"),
        (["evalute.recipe=emodb_loso"], "did you mean evaluate"),
        (["recipe=ablation/alhpa"], "did you mean alpha"),
        (["tiny"], "sweep takes key=value settings"),
    ],
)
def test_bad_input_gets_one_message(
    harness: Harness, results: Path, voices: Path, change: list[str], said: str
) -> None:
    given = [
        word for word in words("alpha", voices, results, "row=alpha_1") if not word.startswith(change[0][:5])
    ]
    code, _, err = harness(*given, *change)
    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert not (results / "pretrained").exists()


def test_torchrun_is_not_put_around_a_sweep(
    harness: Harness, results: Path, voices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    code, _, err = harness(*words("alpha", voices, results))
    assert code == 2
    assert "processes=" in err


def test_processes_of_their_own_get_the_words_of_a_pre_training(
    results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """PyTorch's launcher starts `pretrain` with them; what goes wrong there becomes a fault of the row."""
    plan = compose("emotion2vec_tiny", ["corpora=[nobody]", f"results={results}", "optimiser.updates=2"])
    with pytest.raises(HarnessError, match="exit code"):
        pretrain_in_processes(replace(plan, name="shared"), 1)
    out, err = capfd.readouterr()
    assert "there is no corpus called nobody" in err
    assert out == ""


def test_tokens_of_a_model_that_was_pre_trained_here_are_features_of_any_run(
    harness: Harness, results: Path, voices: Path
) -> None:
    """The card that a pre-training leaves can be asked for them by name, as every other of the family."""
    given = [*NETWORK, *TRAINING, "objective.network.tokens=2", "optimiser.updates=2", "name=spoken"]
    code, _, err = harness("pretrain", "recipe=emotion2vec_tiny", f"audio=[{voices}]", *given)
    assert code == 0, err
    run = [
        "run",
        "recipe=synthetic_5fold",
        f"corpus.root={voices}",
        "upstream=spoken",
        "view=last",
        "resamples=50",
    ]
    code, _, err = harness(*run, "upstream.options.features=tokens")
    assert code == 0, err
    (path,) = (results / "records").glob("*.json")
    assert json.loads(path.read_text(encoding="utf-8"))["upstream"]["options"]["features"] == "tokens"
