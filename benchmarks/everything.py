"""Start-up: what a command costs that has nothing left to do."""

from __future__ import annotations

from benchmarks._cell import Cell, Measured, Scope
from benchmarks._figure import Figure, seconds
from benchmarks._measure import failure, median, ratios, spread

TITLE = "Everything: commands with nothing left to do"
ABOUT = (
    "Wall seconds of whole commands, from the start of the interpreter to its end, beside what Python and "
    "`import torch` cost here. `run` is `recipe=synthetic_5fold`: once with its record there, once with "
    "all features stored and everything trained again (`force=true`)."
)
SYNTHETIC = "SYNTHETIC voices: the corpus that the program makes itself."
PYTHON, TORCH = "python -c pass", "python -c 'import torch'"
_RUN = ["-m", "harness", "run", "recipe=synthetic_5fold", "track=false"]
EXPECTED = {"--help": "VERB", "list": "upstream", "run, recorded": "recorded already"}
"""What a command says that did what its name promises."""
AIMS = {"run, recorded": "under 5 s", "list": "under 1 s"}


def preparations(scope: Scope) -> list[Cell]:
    """One run that fills the cache and the results."""
    return [_cell("run", [*_RUN, f"results={scope.folder / 'results'}"])]


def cells(scope: Scope) -> list[Cell]:
    """Interpreters and commands in turn."""
    results = f"results={scope.folder / 'results'}"
    commands = {
        PYTHON: ["-c", "pass"],
        TORCH: ["-c", "import torch"],
        "--help": ["-m", "harness", "--help"],
        "list": ["-m", "harness", "list"],
        "run, recorded": [*_RUN, results],
        "run, features stored": [*_RUN, results, "force=true"],
    }
    return [_cell(name, words) for name, words in commands.items()]


def _cell(name: str, words: list[str]) -> Cell:
    settings = {"words": words, "expects": EXPECTED.get(name, "")}
    return Cell(name=name, target="benchmarks._commands:command", settings=settings)


def figures(measured: Measured) -> list[Figure]:
    """Each command beside importing torch."""
    return [_figure(measured, name) for name in measured if name not in (PYTHON, TORCH)]


def _figure(measured: Measured, name: str) -> Figure:
    reason = failure(measured, name) or failure(measured, TORCH) or failure(measured, PYTHON)
    if reason:
        return Figure(name, reason, TORCH, "-")
    took = {one: median(measured, one, lambda v: float(v["wall_s"])) for one in (name, PYTHON, TORCH)}
    beside = f"`{TORCH}` {seconds(took[TORCH])}, `{PYTHON}` {seconds(took[PYTHON])}"
    share = spread(ratios(measured, name, TORCH, lambda v: float(v["wall_s"])))
    return Figure(f"`{name}`", seconds(took[name]), beside, share, AIMS.get(name, ""), headline=True)
