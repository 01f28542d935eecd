"""Where a run stands, on disk: everything that the next update needs, written whole or not at all."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.paths import written_beside

NAME = "state.pt"


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Replace the folder's state by this one."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    with written_beside(folder / NAME) as path:
        torch.save(state, path)


def load_state(folder: Path, fingerprint: str) -> dict[str, Any] | None:
    """The state of this run, or None where there is none yet.

    Args:
        folder: of the run.
        fingerprint: of everything that shapes the run; a state of another run is refused.

    Raises:
        HarnessError: it cannot be read, or belongs to a run with other settings or other audio.
    """
    import torch

    path = folder / NAME
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as fault:
        raise HarnessError(
            "the state of the run cannot be read",
            got=f"{path}: {str(fault).splitlines()[0][:160]}",
            wanted="a state that this program wrote",
            next_step=f"delete {path}; the run begins anew",
        ) from fault
    if state.get("fingerprint") != fingerprint:
        raise HarnessError(
            "the folder holds the state of another run",
            got=f"{path}, made with other settings or other audio",
            wanted="the state of the run that is to go on",
            next_step="give this run another name=..., or delete the folder",
        )
    return state
