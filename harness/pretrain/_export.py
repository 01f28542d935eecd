"""What a run leaves behind: the student for our loaders, checkpoints in fairseq's form, and a card.

Source of the form: facebookresearch/fairseq at 3d262bb, `fairseq/trainer.py:state_dict` and
`fairseq/checkpoint_utils.py:_upgrade_state_dict` (which keys a loader looks for).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contracts import Objective
from harness.paths import write_text, written_beside
from harness.pretrain._place import Place

if TYPE_CHECKING:
    from torch import Tensor

TEACHER = "_ema."
"""What names of the teacher's tensors start with; fairseq keeps them in a dictionary of their own."""


def write_weights(place: Place, objective: Objective, updates: int) -> None:
    """`model.safetensors` with `config.json`, `checkpoint.pt`, and `checkpoint_ema.pt` where there is a teacher.

    The first two hold the student, as the released checkpoints do; the last one the teacher as well, so that a
    pre-training can start from it.
    """
    student, teacher = _tensors(objective)
    settings = dict(objective.settings())
    _write_student(place, student, settings)
    _torch_file(place.folder / "checkpoint.pt", fairseq_form(student, settings, updates))
    if teacher:
        both = {**student, "_ema": teacher}
        _torch_file(place.folder / "checkpoint_ema.pt", fairseq_form(both, settings, updates))


def write_student(place: Place, objective: Objective) -> None:
    """`model.safetensors` with `config.json`, and nothing else."""
    _write_student(place, _tensors(objective)[0], dict(objective.settings()))


def _tensors(objective: Objective) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The student's by name, and the teacher's."""
    tensors = {name: weight.detach().cpu().contiguous() for name, weight in objective.released().items()}
    student = {name: weight for name, weight in tensors.items() if not name.startswith(TEACHER)}
    return student, {name.removeprefix(TEACHER): tensors[name] for name in tensors if name not in student}


def _write_student(place: Place, student: dict[str, Tensor], settings: Mapping[str, Any]) -> None:
    from safetensors.torch import save_file

    with written_beside(place.weights) as path:
        save_file(student, path)
    write_text(place.folder / "config.json", json.dumps(settings, indent=1) + "\n")


def fairseq_form(model: Mapping[str, Any], settings: Mapping[str, Any], updates: int) -> dict[str, Any]:
    """A checkpoint as fairseq's loaders expect it.

    Args:
        model: the tensors by name, `_ema` possibly a dictionary of further ones.
        settings: of the model in fairseq's words; `normalize` belongs to its task.
        updates: that the model has seen.
    """
    model_settings = {name: value for name, value in settings.items() if name != "normalize"}
    task = {"_name": "audio_pretraining", "data": "", "sample_rate": 16_000}
    return {
        "args": None,
        "cfg": {
            "model": model_settings,
            "task": {**task, "normalize": bool(settings.get("normalize", False))},
        },
        "model": dict(model),
        "criterion": None,
        "optimizer_history": [
            {
                "criterion_name": "ModelCriterion",
                "optimizer_name": "FairseqAdam",
                "lr_scheduler_state": {"best": None},
                "num_updates": updates,
            }
        ],
        "task_state": {},
        "extra_state": {"train_iterator": {"epoch": 1, "iterations_in_epoch": 0}},
        "last_optimizer_state": None,
    }


def _torch_file(path: Path, content: Mapping[str, Tensor | Any]) -> None:
    import torch

    with written_beside(path) as temporary:
        torch.save(dict(content), temporary)


def write_card(place: Place, facts: Mapping[str, Any]) -> None:
    """The card twice: beside the weights, without a place, and where the program looks for it, with the place."""
    import yaml

    def text(path: str | None, about: str) -> str:
        body = {**facts, "path": path}
        return f"# {about}\n" + yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=110)

    command = f"python -m harness run recipe=NAME upstream={place.name}"
    write_text(place.folder / "card.yaml", text(None, f"{command} upstream.path=FOLDER/{place.weights.name}"))
    write_text(place.card, text(str(place.weights.resolve()), command))
