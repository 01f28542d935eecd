"""The plan beside the run that it was made for: expected and real wall time, stage by stage, and their ratio.

    python benchmarks/plan.py EMODB_ROOT [--weights WHISPER_TINY_EN] [--case NAME ...] [override ...]

Each case gets a fresh cache, results of its own, its plan, and then the very same run. The cores should have no
other work. A checkpoint of wav2vec 2.0 base with random weights is made where a case needs one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECIPE = "emodb_10fold"
RANDOM = "RANDOM_WAV2VEC2_BASE"
WHISPER = "WHISPER_TINY_EN"
CASES: Mapping[str, tuple[str, ...]] = {
    "egemaps_lda": ("upstream=egemaps", "view=last", "head=lda", "split.select=last"),
    "whisper_lda": (
        "upstream=whisper_tiny_en",
        f"upstream.path={WHISPER}",
        "view=layer",
        "view.layer=2",
        "head=lda",
        "split.select=last",
    ),
    "wav2vec2_superb": (
        "upstream=wav2vec2_base",
        f"upstream.path={RANDOM}",
        "view=weighted",
        "head=superb_linear",
    ),
    "wav2vec2_e2v": ("upstream=wav2vec2_base", f"upstream.path={RANDOM}", "view=last", "head=e2v_linear"),
}
LINE = re.compile(r"^  (\w+) .* ([\d,.]+) s  (?:measured|assumed|card)$")
"""Of the plan: the stage, and its seconds in the last column but one."""
PARTS = {
    "corpus": ("corpus",),
    "extract": ("extraction",),
    "train": ("training",),
    "shortcuts": ("shortcuts",),
}
"""Phase of a record's timings -> stages of the plan."""


def parser() -> argparse.ArgumentParser:
    """All options."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("corpus", type=Path, help="EmoDB's folder")
    made.add_argument("--weights", type=Path, help="folder of whisper-tiny.en, for whisper_lda")
    made.add_argument(
        "--case", action="append", choices=CASES, help="one or several; all of them, unless some are named"
    )
    made.add_argument("overrides", nargs="*", help="settings of all runs: scale.workers=2")
    return made


def random_checkpoint(folder: Path) -> Path:
    """A wav2vec 2.0 of base size with random weights, as transformers saves it."""
    import torch

    from upstreams import _torchaudio_shim

    _torchaudio_shim.install()
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    torch.manual_seed(0)
    Wav2Vec2Model(Wav2Vec2Config()).save_pretrained(folder)
    return folder


def words_of(case: str, options: argparse.Namespace, folder: Path) -> list[str] | None:
    """Settings of a case; None where its weights were not given."""
    words = list(CASES[case])
    if any(WHISPER in word for word in words):
        if options.weights is None:
            return None
        words = [word.replace(WHISPER, str(options.weights.resolve())) for word in words]
    if any(RANDOM in word for word in words):
        checkpoint = folder.parent / "wav2vec2"
        if not checkpoint.is_dir():
            random_checkpoint(checkpoint)
        words = [word.replace(RANDOM, str(checkpoint)) for word in words]
    common = [f"recipe={RECIPE}", f"corpus.root={options.corpus.resolve()}", f"results={folder / 'results'}"]
    return [*common, *words, *options.overrides]


def command(verb: str, words: Sequence[str], folder: Path) -> tuple[str, float]:
    """What a verb prints, and its wall time."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "harness", verb, *words],
        cwd=ROOT,
        env=os.environ | {"EMOHARNESS_CACHE": str(folder / "cache")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout, time.perf_counter() - start


def expected(text: str) -> dict[str, float]:
    """Seconds per stage, out of a plan."""
    found: dict[str, float] = {}
    for match in filter(None, map(LINE.match, text.splitlines())):
        stage, seconds = match[1], float(match[2].replace(",", ""))
        found[stage] = found.get(stage, 0.0) + seconds
    return found


def compared(
    stages: Mapping[str, float], timings: Mapping[str, Mapping[str, float]], wall_s: float
) -> Iterator[str]:
    """Expected, real and ratio, per phase and in all."""
    yield f"  {'':12} {'plan s':>10} {'run s':>10} {'plan / run':>11}"
    rows = [
        (name, sum(stages.get(part, 0.0) for part in parts), timings[name]["wall_s"])
        for name, parts in PARTS.items()
    ]
    for name, planned_s, real_s in [*rows, ("together", sum(stages.values()), wall_s)]:
        yield f"  {name:12} {planned_s:10.1f} {real_s:10.1f} {planned_s / max(real_s, 0.01):11.2f}"


def one(case: str, options: argparse.Namespace, folder: Path) -> None:
    """Plan, run, compare."""
    words = words_of(case, options, folder)
    if words is None:
        print(f"{case}: left out, --weights is not given")
        return
    text, planning_s = command("plan", words, folder)
    _, wall_s = command("run", words, folder)
    record = json.loads(next((folder / "results" / "records").glob("*.json")).read_text(encoding="utf-8"))
    print(f"{case}  (planned in {planning_s:.0f} s)\n{text}")
    print("\n".join(compared(expected(text), record["timings"], wall_s)), flush=True)


def main() -> None:
    """All cases that were asked for."""
    options = parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="emoharness-benchmark-") as place:
        for case in options.case or CASES:
            folder = Path(place) / case
            folder.mkdir()
            one(case, options, folder)


if __name__ == "__main__":
    main()
