"""The command line: a verb, then `key=value` settings. Bad input gets one message and exit code 2.

A single run composes its recipe here; `--multirun` and Hydra's own flags (`--cfg job`, `--info`) go through
Hydra's `main`, so that its sweepers and launchers do the sweeping.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Mapping, Sequence

from harness import __version__
from harness.cli._verb import Verb, say
from harness.cli.audit import AUDIT
from harness.cli.check import CHECK, LIST
from harness.cli.compare import COMPARE
from harness.cli.corpus import CORPUS
from harness.cli.cross import CROSS
from harness.cli.figure import FIGURE
from harness.cli.plan import PLAN
from harness.cli.pretrain import PRETRAIN
from harness.cli.run import EXTRACT, RUN
from harness.cli.score import LEADERBOARD, SCORE
from harness.cli.sweep import SWEEP
from harness.cli.table import TABLE
from harness.cli.translate import TRANSLATE
from harness.errors import HarnessError, UnknownNameError, did_you_mean

VERBS: Mapping[str, Verb] = {
    "run": RUN,
    "plan": PLAN,
    "extract": EXTRACT,
    "score": SCORE,
    "compare": COMPARE,
    "leaderboard": LEADERBOARD,
    "table": TABLE,
    "figure": FIGURE,
    "audit": AUDIT,
    "translate": TRANSLATE,
    "cross": CROSS,
    "pretrain": PRETRAIN,
    "sweep": SWEEP,
    "corpus": CORPUS,
    "check": CHECK,
    "list": LIST,
}


def main(arguments: Sequence[str]) -> int:
    """Carry out one command; returns the exit code (0 done, 2 bad input, 130 interrupted).

    Threads of a tiny step that wait by spinning cost twenty times the step itself where another program uses the
    cores (measured: a GRU's step 22 s spinning, 1 s passive, on two cores with a load of three).
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr, force=True)
    for client in ("botocore", "aiobotocore"):  # they tell at every start where they found credentials
        logging.getLogger(client).setLevel(logging.WARNING)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        _dispatch(list(arguments))
    except HarnessError as fault:
        return _tell(str(fault), fault.exit_code)
    except OSError as fault:
        if fault.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS):
            raise
        return _tell(str(_disk_fault(fault)), HarnessError.exit_code)
    except KeyboardInterrupt:
        return _tell(
            "stopped; what is extracted and trained is kept, the same command goes on from there", 130
        )
    except BrokenPipeError:
        return 0
    return 0


def _tell(message: str, code: int) -> int:
    sys.stderr.write(f"harness: {message}\n")
    return code


def _disk_fault(fault: OSError) -> HarnessError:
    return HarnessError(
        "a file cannot be written or read",
        got=f"{fault.strerror}: {fault.filename or 'while writing'}",
        wanted="free space and the right to write in the results and cache folders",
        next_step="make room, or set results=DIR and EMOHARNESS_CACHE=DIR; finished parts are kept",
    )


def _dispatch(words: list[str]) -> None:
    if not words or words[0] in ("-h", "--help", "help"):
        say(_overview())
    elif words[0] == "--version":
        say(f"emoharness {__version__}")
    elif words[0] not in VERBS:
        raise UnknownNameError(
            f"there is no command {words[0]}",
            got=words[0],
            wanted=did_you_mean(words[0], VERBS),
            next_step="python -m harness --help",
        )
    elif {"-h", "--help"} & set(words[1:]):
        verb = VERBS[words[0]]
        say(f"{words[0]}: {verb.about}\n\n{verb.usage}")
    else:
        VERBS[words[0]].act(words[1:])


def _overview() -> str:
    width = max(map(len, VERBS))
    rows = [f"  {name:<{width}}  {verb.about}" for name, verb in VERBS.items()]
    return "\n".join(
        [
            "python -m harness VERB [key=value ...]     (VERB --help: more, with examples)",
            "",
            *rows,
            "",
            "first run, no corpus and no download needed:",
            "  python -m harness run recipe=synthetic_5fold",
        ]
    )
