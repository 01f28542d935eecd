"""The command line answers at once, helps, and leaves heavy libraries alone until they are needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.cli import VERBS, main

HEAVY = {
    "torch",
    "transformers",
    "pandas",
    "numpy",
    "sklearn",
    "mlflow",
    "hydra",
    "matplotlib",
    "s3prl",
    "opensmile",
}
LISTING = """
import sys
from harness.cli import main
code = main(["list"])
sys.stderr.write(" ".join(sorted({name.split(".")[0] for name in sys.modules})))
sys.exit(code)
"""


def test_list_imports_nothing_heavy() -> None:
    """That is what keeps it under a second; a clock in a test would measure the machine."""
    done = subprocess.run([sys.executable, "-c", LISTING], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not HEAVY & set(done.stderr.split())
    for kind in ("recipe", "upstream", "family", "head", "corpus", "task", "protocol", "metric"):
        assert f"\n{kind} (" in f"\n{done.stdout}"


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    text = capsys.readouterr().out
    assert "example" in text
    assert f"python -m harness {verb}" in text


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    text = capsys.readouterr().out
    assert all(f"  {verb} " in text for verb in VERBS)
    assert "python -m harness run recipe=synthetic_5fold" in text
