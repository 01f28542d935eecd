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
    path = folder / NAME
    if not path.is_file():
        return None
    state = _read(path)
    if state.get("fingerprint") != fingerprint:
        raise HarnessError(
            "the folder holds the state of another run",
            got=f"{path}, made with other settings or other audio",
            wanted="the state of the run that is to go on",
            next_step="give this run another name=..., or delete the folder",
        )
    return state


def _read(path: Path) -> dict[str, Any]:
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict):
            raise ValueError(f"holds a {type(state).__name__}")
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as fault:
        raise HarnessError(
            "the state of the run cannot be read",
            got=f"{path}: {(str(fault).splitlines() or [''])[0][:160]}",
            wanted="a state that this program wrote",
            next_step=f"delete {path}; the run begins anew",
        ) from fault
    return state


def drop_state(folder: Path) -> None:
    """Forget where a run stands, because it is done or is to begin anew."""
    (folder / NAME).unlink(missing_ok=True)
