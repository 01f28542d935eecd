"""Bad input gets one clear message - what was got, what was wanted, the next step -, exit code 2, no traceback."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

Call = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).resolve().parent.parent.parent
SOUND = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)


def emodb(root: Path) -> Path:
    """Twelve files under EmoDB's own names, invented sound: two speakers, three emotions, two of each."""
    (root / "wav").mkdir(parents=True)
    lines = (ROOT / "harness" / "corpora" / "index" / "emodb.tsv").read_text(encoding="utf-8").splitlines()
    names = [Path(line.split("\t")[0]).name for line in lines if line.startswith("wav/")]
    for speaker in ("03", "08"):
        for letter in "WFN":
            for name in [name for name in names if name[:2] == speaker and name[5] == letter][:2]:
                loudness = {"W": 0.9, "F": 0.5, "N": 0.1}[letter] + 0.01 * len(list(root.glob("wav/*")))
                soundfile.write(root / "wav" / name, loudness * SOUND, 16_000)
    return root


def refused(answer: tuple[int, str, str], *said: str) -> None:
    code, _, err = answer
    assert code == 2, err
    assert "Traceback" not in err
    assert err.count("harness:") == 1
    assert "got:" in err
    assert "wanted:" in err or "next:" in err
    for text in said:
        assert text in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rum",), "did you mean run"),
        (("run",), "recipe=NAME"),
        (("run", "recipe=emodb_lose"), "did you mean emodb_loso"),
        (("run", "recipe=synthetic_5fold", "upstream=egemap"), "did you mean egemaps"),
        (("run", "recipe=synthetic_5fold", "head=rigde"), "did you mean ridge"),
        (("run", "recipe=synthetic_5fold", "corpus.rot=x"), "corpus.rot"),
        (("run", "recipe=synthetic_5fold", "seeds=zero"), "seeds"),
        (("run", "recipe=synthetic_5fold", "seeds=[]"), "at least one seed"),
        (("run", "recipe=synthetic_5fold", "upstream=[egemaps"), "upstream"),
        (("run", "recipe=synthetic_5fold", "metrics=[wa,uaa]"), "did you mean ua"),
        (("run", "recipe=synthetic_5fold", "view=layer"), "view.layer"),
        (("run", "recipe=synthetic_5fold", "view.layer=3"), "view.layer"),
        (("run", "recipe=synthetic_5fold", "+head.alpha=3"), "head.alpha"),
        (("run", "recipe=synthetic_5fold", "split.dev_share=1.5"), "dev_share"),
        (("run", "recipe=emodb_loso"), "corpus.root"),
        (("run", "recipe=emodb_loso", "corpus.root=/no/such/folder"), "/no/such/folder"),
        (("run", "recipe=synthetic_5fold", "upstream=byol_s", "upstream.path=/no/weights"), "/no/weights"),
        (("check",), "upstream=NAME"),
        (("check", "upstream=wavlm_bse"), "did you mean wavlm_base"),
        (("list", "upstreems"), "did you mean upstream"),
        (("score", "/no/such/file.parquet"), "/no/such/file.parquet"),
        (("leaderboard", "results=/no/such/folder"), "no records"),
        (("corpus", "check", "emodbb"), "did you mean emodb"),
        (("corpus", "check", "emodb"), "root"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_one_clear_message(harness: Call, words: tuple[str, ...], said: str) -> None:
    refused(harness(*words), said)


def test_another_corpus_at_that_root(harness: Call, tmp_path: Path) -> None:
    root = emodb(tmp_path / "emodb")
    refused(harness("run", "recipe=urdu_loso", f"corpus.root={root}"), "URDU")
    refused(harness("run", "recipe=iemocap_5fold", f"corpus.root={root}"), "IEMOCAP")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def no_samples(path: Path) -> None:
    soundfile.write(path, SOUND[:0], 16_000)


def stereo(path: Path) -> None:
    soundfile.write(path, np.stack([SOUND, SOUND], 1), 16_000)


def other_rate(path: Path) -> None:
    soundfile.write(path, SOUND, 44_100)


def not_a_number(path: Path) -> None:
    soundfile.write(path, np.where(np.arange(len(SOUND)) == 7, np.nan, SOUND), 16_000, subtype="FLOAT")


def unreadable(path: Path) -> None:
    path.write_bytes(b"this is not sound")


@pytest.mark.parametrize(
    "damage", [truncate, empty, no_samples, stereo, other_rate, not_a_number, unreadable]
)
def test_damaged_audio_is_named(harness: Call, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    root = emodb(tmp_path / "emodb")
    damage(root / "wav" / "03a01Fa.wav")
    refused(harness("run", "recipe=emodb_loso", f"corpus.root={root}"), "03a01Fa.wav")


def settings(root: Path) -> tuple[str, ...]:
    """A run on the tiny folder; its files are not EmoDB's own, so it is told to use what can be read."""
    return (
        "recipe=emodb_10fold",
        f"corpus.root={root}",
        "corpus.on_fault=repair",
        "upstream=fbank",
        "head=lda",
    )


def test_carries_on_only_if_told_to(harness: Call, tmp_path: Path, results: Path) -> None:
    root = emodb(tmp_path / "emodb")
    unreadable(root / "wav" / "03a01Fa.wav")
    code, _, err = harness("run", *settings(root), "split.select=last", "split.folds=2")
    assert code == 0, err
    text = next((results / "records").glob("*.json")).read_text()
    assert "03a01Fa.wav" in text
    assert '"unreadable": 1' in text


def test_clip_shorter_than_a_frame(harness: Call, tmp_path: Path) -> None:
    root = emodb(tmp_path / "emodb")
    soundfile.write(root / "wav" / "03a01Fa.wav", SOUND[:100], 16_000)
    refused(harness("run", *settings(root), "split.select=last", "split.folds=2"), "03a01Fa", "100")


def test_a_fold_without_a_class(harness: Call, tmp_path: Path) -> None:
    root = emodb(tmp_path / "emodb")
    for path in (root / "wav").glob("08*F*"):
        path.unlink()
    words = ("recipe=emodb_loso", *settings(root)[1:], "split.select=last")
    refused(harness("run", *words), "happiness")


def test_a_label_that_the_task_does_not_know(harness: Call, tmp_path: Path) -> None:
    root = emodb(tmp_path / "emodb")
    refused(harness("run", *settings(root), "task.classes=[anger,neutral]"), "happiness")


@pytest.fixture
def whisper_folder(tmp_path: Path) -> Path:
    """A tiny Whisper encoder with random weights, saved as its owners would."""
    import torch

    from upstreams import _torchaudio_shim

    _torchaudio_shim.install()
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    torch.manual_seed(0)
    sizes = {"d_model": 384, "encoder_layers": 4, "encoder_attention_heads": 6, "encoder_ffn_dim": 1536}
    WhisperEncoder(WhisperConfig(**sizes)).save_pretrained(tmp_path / "whisper")
    return tmp_path / "whisper"


def run_whisper(harness: Call, folder: Path, upstream: str) -> tuple[int, str, str]:
    return harness(
        "run", "recipe=synthetic_5fold", f"upstream={upstream}", f"upstream.path={folder}", "head=lda"
    )


def test_truncated_weights(harness: Call, whisper_folder: Path) -> None:
    path = whisper_folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(run_whisper(harness, whisper_folder, "whisper_tiny_en"), "model.safetensors")


def test_missing_weights(harness: Call, whisper_folder: Path) -> None:
    (whisper_folder / "model.safetensors").unlink()
    refused(run_whisper(harness, whisper_folder, "whisper_tiny_en"), str(whisper_folder))


def test_weights_of_another_architecture(harness: Call, whisper_folder: Path) -> None:
    refused(run_whisper(harness, whisper_folder, "wavlm_base"), "whisper")


def test_weights_of_another_size(harness: Call, whisper_folder: Path) -> None:
    refused(run_whisper(harness, whisper_folder, "whisper_base"), "384")


def test_weights_from_the_shelf(
    harness: Call, whisper_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "shelf"
    shutil.copytree(whisper_folder, shelf / "whisper_tiny_en_own_length")
    monkeypatch.setenv("EMOHARNESS_WEIGHTS", str(shelf))
    code, _, err = harness("run", "recipe=synthetic_5fold", "upstream=whisper_tiny_en_own_length", "head=lda")
    assert code == 0, err


SMALL_DISK = """
import resource, signal, sys
from harness.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sys.dont_write_bytecode = True  # half a compiled module would be left, and found by whoever imports it next
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
sys.exit(main(sys.argv[1:]))
"""


def test_disk_full(harness: Call, results: Path) -> None:
    """Files that may not grow past 4 KiB stand in for a full disk: one message, nothing half-written."""
    words = [
        "run",
        "recipe=synthetic_5fold",
        "upstream=mfcc",
        "head=lda",
        f"results={results}",
        "track=false",
    ]
    code, _, err = harness("extract", *words[1:4])
    assert code == 0, err
    done = subprocess.run(
        [sys.executable, "-c", SMALL_DISK, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "room" in done.stderr
    assert not list((results / "records").glob("*.json"))
    assert not [path for path in results.rglob("*") if path.name.endswith(".tmp")]
    code, _, err = harness(*words[:4])
    assert code == 0, err
