from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).with_name("toy_extraction.py")


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    """The module `toy_extraction.py`."""
    spec = importlib.util.spec_from_file_location("toy_extraction", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["toy_extraction"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def start_toy(project_root: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts an extraction in a process of its own."""

    def start(
        corpus: Path, root: Path | str, delay_s: float, *layers: int, partners: int = 1, **further: str
    ) -> subprocess.Popen[str]:
        words = [sys.executable, str(SCRIPT), str(corpus), str(root), str(delay_s), *map(str, layers)]
        environment = {"PYTHONPATH": str(project_root), "OMP_NUM_THREADS": "1", "PARTNERS": str(partners)}
        environment |= further
        return subprocess.Popen(
            words, cwd=project_root, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return start
