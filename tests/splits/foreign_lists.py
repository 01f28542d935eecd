"""Writes folds of a made-up corpus in the formats of other projects, as their own files look."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.contracts import Example


def by_session(examples: Sequence[Example]) -> dict[str, list[Example]]:
    """Session -> its examples, in the order of the sessions."""
    sessions = sorted({example.session for example in examples})
    return {session: [e for e in examples if e.session == session] for session in sessions}


def write_emobox(folder: Path, examples: Sequence[Example], *, valid: bool = False) -> Path:
    """One fold per session, JSON and JSON lines; with `valid`, the next session is the valid list."""
    sessions = by_session(examples)
    names = list(sessions)
    for number, name in enumerate(names, start=1):
        following = names[number % len(names)]
        parts = {"test": sessions[name]}
        if valid:
            parts["valid"] = sessions[following]
        used = {e.id for part in parts.values() for e in part}
        parts["train"] = [e for e in examples if e.id not in used]
        for part, rows in parts.items():
            write_emobox_list(folder / f"fold_{number}" / f"crowd_{part}_fold_{number}", rows)
    return folder


def write_emobox_list(stem: Path, examples: Sequence[Example]) -> None:
    """One list in both forms."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "key": f"crowd-{e.id}",
            "dataset": "crowd",
            "wav": f"downloads/crowd/{e.path}",
            "emo": e.target.upper(),
        }
        for e in examples
    ]
    plain = {row["key"]: {k: v for k, v in row.items() if k != "key"} for row in rows}
    Path(f"{stem}.json").write_text(json.dumps(plain, indent=4), encoding="utf-8")
    Path(f"{stem}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_emo_superb(folder: Path, examples: Sequence[Example]) -> Path:
    """One table per session: it is the test set, the next one the development set."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {"train": "Train", "dev": "Development", "test": "Test"}
    (folder / "config.json").write_text(json.dumps({"data_split_type": parts}), encoding="utf-8")
    names = list(by_session(examples))
    for number, name in enumerate(names, start=1):
        parts_of = {name: "Test", names[number % len(names)]: "Development"}
        with (folder / f"labels_consensus_{number}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["FileName", "joy", "SpkrID", "Gender", "Split_Set"])
            for e in examples:
                part = parts_of.get(e.session, "Train")
                writer.writerow([Path(e.path).name, "0.95", e.speaker, "Female", part])
    return folder


def write_superb(folder: Path, examples: Sequence[Example]) -> Path:
    """A folder per session with SUPERB's two lists."""
    for name, tested in by_session(examples).items():
        session = folder / f"Session{name}"
        session.mkdir(parents=True, exist_ok=True)
        rest = [e for e in examples if e.session != name]
        for part, rows in (("train", rest), ("test", tested)):
            meta = [{"path": e.path, "label": e.target[:3], "speaker": e.speaker} for e in rows]
            text = json.dumps({"labels": {}, "meta_data": meta})
            (session / f"{part}_meta_data.json").write_text(text, encoding="utf-8")
    return folder


def write_hear(folder: Path, examples: Sequence[Example], **changes: Any) -> Path:
    """Folds dealt out file by file, as HEAR does it."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"fold{number:02d}" for number in range(4)]
    task = {
        "embedding_type": "scene",
        "prediction_type": "multiclass",
        "split_mode": "new_split_kfold",
        "splits": names,
    }
    (folder / "task_metadata.json").write_text(json.dumps(task | changes), encoding="utf-8")
    labels = sorted({e.target for e in examples})
    table = "idx,label\n" + "".join(f"{i},{label}\n" for i, label in enumerate(labels))
    (folder / "labelvocabulary.csv").write_text(table, encoding="utf-8")
    for number, name in enumerate((task | changes)["splits"]):
        rows = {Path(e.path).name: [e.target] for e in examples[number :: len((task | changes)["splits"])]}
        (folder / f"{name}.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder


WRITERS = {
    "emobox": write_emobox,
    "emo_superb": write_emo_superb,
    "superb_files": write_superb,
    "hear": write_hear,
}
