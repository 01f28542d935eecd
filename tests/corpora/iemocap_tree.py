"""Builds a folder in IEMOCAP's true layout with made-up sound and texts, for tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE_HZ = 16_000
GAP_S = 0.05
HEADER = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"

WORDS = {
    "ang": "Anger",
    "hap": "Happiness",
    "exc": "Excited",
    "sad": "Sadness",
    "neu": "Neutral state",
    "fru": "Frustration",
    "sur": "Surprise",
    "fea": "Fear",
    "dis": "Disgust",
    "oth": "Other",
}
"""What raters write for a label; those of a turn on which they disagree write two."""

Row = Mapping[str, Any]


def invented_rows(turns_per_speaker: int = 4) -> list[dict[str, Any]]:
    """Rows like a listing's, of invented dialogues: 5 sessions, 10 speakers, 2 dialogues each."""
    labels = ("ang", "hap", "exc", "sad", "neu", "fru", "xxx")
    rows = []
    for session in range(1, 6):
        for dialogue in (f"Ses0{session}F_impro91", f"Ses0{session}M_script91_1b"):
            for turn in range(2 * turns_per_speaker):
                letter = "FM"[turn % 2]
                utterance = f"{dialogue}_{letter}{turn // 2:03d}"
                rows.append(
                    {
                        "path": f"Session{session}/sentences/wav/{dialogue}/{utterance}.wav",
                        "utt": utterance,
                        "label_raw": labels[(turn + session) % len(labels)],
                        "session": session,
                        "dialogue": dialogue,
                        "turn": turn,
                        "speaker": f"Ses0{session}_{letter}",
                        "gender": {"F": "female", "M": "male"}[letter],
                    }
                )
    return rows


def build_iemocap_tree(
    folder: Path, rows: Iterable[Row], seconds: float | None = 0.05, seed: int = 0
) -> Path:
    """Write annotations, transcriptions and sound for listing rows; `seconds=None` takes each row's own `dur`.

    Rows need `path`, `utt`, `label_raw`, `session`, `dialogue`, `turn` (rank by time) and, for
    `seconds=None`, `dur`. The F turns come before the M turns in each file, as the owners have it.
    """
    rows = list(rows)
    generator = np.random.default_rng(seed)
    for row in rows:
        path = folder / f"Session{row['session']}/sentences/wav/{row['dialogue']}/{row['utt']}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_sound(path, row["dur"] if seconds is None else seconds, generator)
    write_annotations(folder, rows, seconds)
    return folder


def write_annotations(folder: Path, rows: Iterable[Row], seconds: float | None = 0.05) -> None:
    """Annotations and transcriptions alone; arguments as for `build_iemocap_tree`."""
    dialogues: dict[tuple[int, str], list[Row]] = defaultdict(list)
    for row in rows:
        dialogues[row["session"], row["dialogue"]].append(row)
    for turns in dialogues.values():
        _annotate_dialogue(folder, turns, seconds)


def _annotate_dialogue(folder: Path, turns: list[Row], seconds: float | None) -> None:
    session, dialogue = turns[0]["session"], turns[0]["dialogue"]
    dialog = folder / f"Session{session}" / "dialog"
    evaluation, transcriptions = dialog / "EmoEvaluation", dialog / "transcriptions"
    for place in (evaluation / "Categorical", transcriptions):
        place.mkdir(parents=True, exist_ok=True)
    times, clock = {}, 5.12
    for row in sorted(turns, key=lambda row: row["turn"]):
        length = row["dur"] if seconds is None else seconds
        times[row["utt"]] = (clock, clock + length)
        clock += length + GAP_S
    in_file_order = sorted(turns, key=lambda row: row["utt"].rsplit("_", 1)[1])
    blocks = [_block(row, *times[row["utt"]]) for row in in_file_order]
    (evaluation / f"{dialogue}.txt").write_text(HEADER + "\n".join(blocks) + "\n")
    rater = f"{turns[0]['utt']} :Happiness; ()\n"
    (evaluation / "Categorical" / f"{dialogue}_e1_cat.txt").write_text(rater)
    (transcriptions / f"{dialogue}.txt").write_text(_transcription(dialogue, turns, times))


def _block(row: Row, start_s: float, end_s: float) -> str:
    """A turn's lines; a row may bring `vad` (valence, activation, dominance) and `raters` (name -> labels)."""
    means = ", ".join(f"{value:.4f}" for value in row.get("vad", (2.5, 2.0, 3.5)))
    raters = row.get("raters", {"E2": f"{WORDS.get(row['label_raw'], 'Neutral state; Other')};"})
    votes = "".join(f"C-{name}:\t{labels}\t(made up)\n" for name, labels in raters.items())
    head = f"[{start_s:.4f} - {end_s:.4f}]\t{row['utt']}\t{row['label_raw']}\t[{means}]\n"
    return f"{head}{votes}A-E3:\tval 3; act 2; dom  ;\t()\n"


def _transcription(dialogue: str, turns: list[Row], times: Mapping[str, tuple[float, float]]) -> str:
    lines = [
        f"{row['utt']} [{times[row['utt']][0]:08.4f}-{times[row['utt']][1]:08.4f}]: Text of {row['utt']}."
        for row in sorted(turns, key=lambda row: row["turn"])
    ]
    return (
        "\n".join([*lines, f"{dialogue}_MXX0 [001.0000-001.5000]: Mm-hmm.", "M: A line without an id."])
        + "\n"
    )


def _write_sound(path: Path, seconds: float, generator: np.random.Generator) -> None:
    samples = generator.integers(-2000, 2000, round(seconds * RATE_HZ), dtype=np.int16)
    soundfile.write(path, samples, RATE_HZ, subtype="PCM_16")
