"""Checkpoints in the layout of the Hugging Face hub: found, read and held against the card before they are used.

Nothing is filled in silently: a tensor that the network needs and the file lacks is an error, because
`from_pretrained` would start it at random and only log a warning.
"""

from __future__ import annotations

import json
import logging
import pickle
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from harness.contracts import Card
from harness.errors import WeightsError

logger = logging.getLogger(__name__)

_TENSOR_FILES = ("model.safetensors", "pytorch_model.bin")


class Checkpoint(NamedTuple):
    """Two files that belong together."""

    config: dict[str, Any]
    """What `config.json` says."""
    tensors: Path


def find(card: Card, weights: Path | None) -> Checkpoint:
    """The card's checkpoint: from a local folder (or a tensor file in one), else from the hub.

    Raises:
        WeightsError: a file is missing or `config.json` is unreadable, or the hub cannot be reached.
    """
    if weights is None:
        config, tensors = _from_hub(card)
    else:
        config, tensors = _from_folder(card, weights)
    return Checkpoint(_read_config(config), tensors)


def _from_folder(card: Card, weights: Path) -> tuple[Path, Path]:
    folder, wanted = (weights.parent, (weights.name,)) if weights.is_file() else (weights, _TENSOR_FILES)
    config, tensors = folder / "config.json", [folder / name for name in wanted if (folder / name).is_file()]
    if not config.is_file() or not tensors:
        found = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else None
        raise WeightsError(
            f"there is no checkpoint of {card.name} in {folder}",
            got="no such folder" if found is None else ", ".join(found) or "an empty folder",
            wanted=f"config.json and {' or '.join(_TENSOR_FILES)}",
            next_step=f"point upstream.path at a copy of {card.hub_id or 'the checkpoint'}",
        )
    return config, tensors[0]


def _from_hub(card: Card) -> tuple[Path, Path]:
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    if not card.revision:
        logger.warning("%s is not pinned to a revision: whatever %s holds today", card.name, card.hub_id)
    config = _cached(card, "config.json") or _download(card, "config.json")
    tensors = next((path for name in _TENSOR_FILES if (path := _cached(card, name))), None)
    if tensors is not None:
        return config, tensors
    try:
        return config, _download(card, _TENSOR_FILES[0])
    except WeightsError as fault:
        cause = fault.__cause__
        if isinstance(cause, LocalEntryNotFoundError) or not isinstance(cause, EntryNotFoundError):
            raise
    return config, _download(card, _TENSOR_FILES[1])


def _cached(card: Card, name: str) -> Path | None:
    """A file of the pinned revision that the hub's client has fetched before."""
    import huggingface_hub

    if not (card.hub_id and card.revision):
        return None
    found = huggingface_hub.try_to_load_from_cache(card.hub_id, name, revision=card.revision)
    return Path(found) if isinstance(found, str) else None


def _download(card: Card, name: str) -> Path:
    import huggingface_hub
    from huggingface_hub.errors import HFValidationError

    try:
        _require_reachable()
        return Path(huggingface_hub.hf_hub_download(card.hub_id, name, revision=card.revision or None))
    except (OSError, HFValidationError) as fault:
        raise WeightsError(
            f"{name} of {card.name} cannot be had from the hub",
            got=f"{type(fault).__name__}: {_first_line(fault)}",
            wanted=f"{card.hub_id or 'a hub_id on the card'} at revision {card.revision or '(unpinned)'}",
            next_step="upstream.path=DIR, or EMOHARNESS_WEIGHTS=DIR with a sub-folder named like the card",
        ) from fault


def _require_reachable() -> None:
    """Without a network the hub's client retries for 24 s before it says so; this says it at once."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return
    request = urllib.request.Request(constants.ENDPOINT, method="HEAD")  # noqa: S310 - the client's own address
    try:
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
    except urllib.error.HTTPError:
        return
    except urllib.error.URLError as fault:
        if not isinstance(fault.reason, ssl.SSLError):
            raise


def _first_line(fault: BaseException) -> str:
    return next(iter(str(fault).strip().splitlines()), "")


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        config = f"{type(fault).__name__}: {_first_line(fault)}"
    if isinstance(config, dict):
        return config
    raise WeightsError(
        f"{path} cannot be read",
        got=config,
        wanted="a JSON object",
        next_step="copy the checkpoint's config.json again",
    )


def require(card: Card, facts: Mapping[str, tuple[object, object]]) -> None:
    """Hold a checkpoint's architecture against its card before any tensor is read.

    Args:
        card: named in the message.
        facts: what is compared -> (got, wanted).

    Raises:
        WeightsError: names everything that differs.
    """
    wrong = {name: pair for name, pair in facts.items() if pair[0] != pair[1]}
    if wrong:
        raise WeightsError(
            f"the checkpoint is not of the architecture on the card of {card.name}",
            got=", ".join(f"{name} {got!r}" for name, (got, _) in wrong.items()),
            wanted=", ".join(f"{name} {wanted!r}" for name, (_, wanted) in wrong.items()),
            next_step=f"point upstream.path at {card.hub_id or 'the right folder'}, or choose the card that fits",
        )


def transformers_config(card: Card, kind: Any, values: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """The library's own config object, which knows the defaults that `config.json` leaves out.

    Raises:
        WeightsError: another `model_type`, or values the library refuses.
    """
    from huggingface_hub.errors import StrictDataclassError

    require(card, {"model_type": (values.get("model_type"), kind.model_type)})
    try:
        return kind.from_dict(dict(values))
    except (StrictDataclassError, TypeError, ValueError) as fault:
        raise WeightsError(
            f"config.json of {card.name} is not one that transformers can use",
            got=str(fault).strip(),
            wanted=f"the settings of a {kind.model_type} model",
            next_step="copy the checkpoint's config.json again",
        ) from fault


def fill(
    card: Card,
    network: torch.nn.Module,
    tensors: Path,
    rename: Callable[[str], str],
    unused: tuple[str, ...] = (),
) -> None:
    """Load the tensors of a file into a network that may lie on the meta device.

    Args:
        card: named in messages.
        network: its state dict says which tensors are needed, and their shapes.
        tensors: `*.safetensors`, or a pickle that is read with `weights_only`.
        rename: a name in the file -> the network's own name; heads keep names that the network does not have.
        unused: tensors that inference never reads; zeros where the file lacks them.

    Raises:
        WeightsError: the file is damaged, or lacks tensors, or they have other shapes, or it has more blocks.
    """
    needed = network.state_dict()
    parts = {name.split(".")[0] for name in needed}
    found = _read_tensors(tensors, lambda name: rename(name) if rename(name).split(".")[0] in parts else None)
    for name in unused:
        if name in needed:
            found.setdefault(name, torch.zeros(needed[name].shape))
    shapes = {name: tuple(value.shape) for name, value in found.items()}
    wanted = {name: tuple(value.shape) for name, value in needed.items()}
    _require_same(card, tensors, shapes, wanted)
    network.load_state_dict(found, assign=True)
    network.requires_grad_(False)


def _require_same(
    card: Card, file: Path, found: dict[str, tuple[int, ...]], wanted: dict[str, tuple[int, ...]]
) -> None:
    faults = {
        "missing": sorted(wanted.keys() - found.keys()),
        "of no use": sorted(found.keys() - wanted.keys()),
        "of another shape": sorted(n for n in wanted.keys() & found.keys() if wanted[n] != found[n]),
    }
    if any(faults.values()):
        lists = [
            f"{len(names)} {what} ({', '.join(names[:3])} ...)" for what, names in faults.items() if names
        ]
        raise WeightsError(
            f"the tensors in {file} are not those of {card.name}",
            got="; ".join(lists),
            wanted=f"exactly the {len(wanted)} tensors that config.json beside it describes",
            next_step=f"copy config.json and the tensors of {card.hub_id or 'the checkpoint'} together again",
        )


def _read_tensors(path: Path, rename: Callable[[str], str | None]) -> dict[str, Tensor]:
    """The tensors that are wanted, as float32."""
    from safetensors import SafetensorError

    try:
        read = _read_safetensors if path.suffix == ".safetensors" else _read_pickle
        found = read(path, rename)
    except (SafetensorError, OSError, RuntimeError, EOFError, pickle.UnpicklingError, TypeError) as fault:
        raise WeightsError(
            f"{path} is truncated or damaged",
            got=f"{path.stat().st_size} bytes; {type(fault).__name__}: {_first_line(fault)}",
            wanted="a complete file of tensors (no other objects are read from it)",
            next_step="copy or download it again",
        ) from fault
    return {name: value.to(torch.float32) for name, value in found.items()}


def _read_safetensors(path: Path, rename: Callable[[str], str | None]) -> dict[str, Tensor]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        names = {name: rename(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        return {ours: file.get_tensor(theirs) for theirs, ours in names.items() if ours is not None}


def _read_pickle(path: Path, rename: Callable[[str], str | None]) -> dict[str, Tensor]:
    state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise TypeError("something else than a dictionary of tensors")
    names = {name: rename(name) for name in state}
    return {ours: state[theirs] for theirs, ours in names.items() if ours is not None}
