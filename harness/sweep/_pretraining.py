"""The pre-training behind a row; rows of any table that come to the same settings share one."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from harness import config, weights
from harness.errors import ConfigError, WeightsError
from harness.pretrain import Plan, compose, pretrain
from harness.record import run_key
from harness.store import claims
from harness.sweep._config import Cell, Form, plain_words
from harness.sweep._processes import pretrain_in_processes

POLL_S = 1.0
"""Between two looks at a model that another process makes."""
_LOG = logging.getLogger("harness")
SHAPELESS = (
    "name",
    "about",
    "roots",
    "results",
    "track",
    "force",
    "device",
    "log_every",
    "save_every",
    "overrides",
)
"""Fields of a plan that say where, how often and how loudly, and shape no weight."""


WITH_TEACHER = "checkpoint_ema.pt"
"""Of the files that a pre-training leaves, the one that others start from."""


class Pretrained(NamedTuple):
    """A model that is there."""

    folder: Path
    record: Mapping[str, Any]
    stand_in: str
    """The model that stood in for a published checkpoint at the start; empty where none did."""


def pretrained(cell: Cell) -> Pretrained:
    """Pre-train the model of a cell, go on with it, or find it done.

    Raises:
        HarnessError: what a pre-training may bring; a checkpoint to start from that is not given.
    """
    words, stand_in = _start(cell)
    plan = _plan(cell, cell.forms[_form(cell)], [*words, *cell.row.pretrain])
    return Pretrained(_folder(plan), _carry_out(plan, cell.settings.processes), stand_in)


def _form(cell: Cell) -> str:
    form = cell.row.form
    if form in cell.forms:
        return form
    raise ConfigError(
        f"the size {cell.settings.size} says nothing about the form {form} of row {cell.row_name}",
        got=", ".join(cell.forms),
        wanted=form,
        next_step="choose other rows with row=A,B, or another size",
    )


def _start(cell: Cell) -> tuple[list[str], str]:
    """Overrides that say what the row starts from; a stand-in is pre-trained first, and named."""
    start, settings = cell.row.start, cell.settings
    if start == "cold":
        return ["init.card=null", "init.path=null"], ""
    given = settings.init.get(start)
    if given is not None or start not in cell.stand_ins:
        card, path = _published(cell, given)
        return plain_words({"init": {"card": card, "path": str(path)}}), ""
    plan = _plan(cell, cell.stand_ins[start], [])
    _LOG.warning(
        "STAND-IN: no checkpoint is given for %s (init.%s=FILE), so the row starts from %s, which is pre-trained "
        "here for %s updates",
        start,
        start,
        plan.name,
        plan.optimiser.updates,
    )
    _carry_out(plan, cell.settings.processes)
    path = _folder(plan) / WITH_TEACHER
    return plain_words({"init": {"card": None, "path": str(path)}}), str(plan.name)


def _published(cell: Cell, given: str | None) -> tuple[str | None, Path]:
    """Card and place of the checkpoint that a row starts from; one of ours has its own card beside it.

    Raises:
        WeightsError: it is not there.
    """
    start, name = cell.row.start, cell.settings.init_cards[cell.row.start]
    path = weights.locate(config.card_named(name)) if given is None else Path(given).expanduser()
    if path is None or not path.exists():
        raise WeightsError(
            "the checkpoint to start from is not here",
            got=f"init.{start}={given}",
            wanted=f"the file of {name}, or a folder called so below the folder that EMOHARNESS_WEIGHTS names",
            next_step=f"set init.{start}=FILE, or choose rows that start otherwise with row=A,B",
        )
    beside = (path if path.is_dir() else path.parent) / "card.yaml"
    return (None if beside.is_file() else name), path


def _plan(cell: Cell, form: Form, words: list[str]) -> Plan:
    """A plan under a name of its own: two cells with the same settings come to the same name."""
    shared = cell.settings
    audio = {"corpora": shared.trained_corpora, "roots": _roots(cell), "audio": shared.folders}
    places = {"results": shared.results, "track": shared.track, "device": shared.device}
    further = {"trained_on": shared.trained_on, "on_fault": shared.on_fault, "seed": shared.seed}
    common = plain_words({**audio, **places, **further})
    plan = compose(form.recipe, [*form.pretrain, *plain_words(shared.pretrain), *words, *common])
    return replace(plan, name=_name(plan))


def _roots(cell: Cell) -> dict[str, str | None]:
    """Only those of corpora that are trained on: the evaluated corpus may be another."""
    return {name: root for name, root in cell.settings.roots.items() if name in cell.settings.trained_corpora}


def _name(plan: Plan) -> str:
    shape = {key: value for key, value in asdict(plan).items() if key not in SHAPELESS}
    shape["audio"] = [Path(folder).expanduser().resolve().name for folder in plan.audio]
    shape["init"] = [plan.init.card, _content(plan.init.path)]
    shape["batch"].pop("threads")
    told = "_".join([plan.recipe, *plan.corpora, *shape["audio"]])
    return f"{told}_{run_key(shape)[:8]}"


def _content(path: str | None) -> list[str]:
    """Checksums of a checkpoint's files: models that begin with other weights have other names."""
    if path is None:
        return []
    given = Path(path).expanduser()
    files = sorted(item for item in given.iterdir() if item.is_file()) if given.is_dir() else [given]
    return [_checksum(file) for file in files if file.is_file()]


def _checksum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _folder(plan: Plan) -> Path:
    return Path(plan.results) / "pretrained" / str(plan.name)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait for the sole right to make this model; nothing is locked, so that results may lie on a network disk."""
    name = hashlib.sha256(folder.name.encode()).hexdigest()[:24]
    while (claim := claims.take(folder.parent / ".claims", name)) is None:
        time.sleep(POLL_S)
    with claim:
        yield


def _carry_out(plan: Plan, processes: int) -> Mapping[str, Any]:
    """Pre-train; a job of another process that wants the same model waits, and then finds it done."""
    folder = _folder(plan)
    with _alone(folder):
        if processes > 1 and not (folder / "record.json").is_file():
            pretrain_in_processes(plan, processes)
        record = pretrain(plan)
    if record is None:
        raise RuntimeError("the only process of a pre-training leads it, and has a record")
    return record
