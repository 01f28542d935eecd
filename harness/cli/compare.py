"""`compare`: is one recorded run better than another?"""

from __future__ import annotations

from pathlib import Path

from harness.cli._verb import Verb, say, settings
from harness.errors import ConfigError


def _compare(words: list[str]) -> None:
    from harness.compare import compare_records

    named = [word for word in words if "=" not in word]
    given = settings([word for word in words if "=" in word], ("metrics", "resamples", "results"), "compare")
    if len(named) != 2:
        raise ConfigError(
            "compare takes two sides",
            got=" ".join(named) or "nothing",
            wanted="BEFORE AFTER, each a record or several with commas between",
            next_step="python -m harness compare --help",
        )
    before, after = (side.split(",") for side in named)
    metrics = given.get("metrics")
    say(
        compare_records(
            before,
            after,
            results=Path(str(given.get("results", "results"))),
            metrics=[metrics] if isinstance(metrics, str) else metrics,
            resamples=int(given.get("resamples", 2000)),
        )
    )


COMPARE = Verb(
    "whether one recorded run is better than another: their difference with a paired interval",
    """python -m harness compare BEFORE AFTER [metrics=[wa,ua]] [resamples=N] [results=DIR]

  BEFORE AFTER   names of records as `run` prints them, without .json, or the beginning of one;
                 A,B,C: several runs as one side, averaged (models trained with different seeds, say)

Both sides have to be of one recipe on one corpus. Speakers are resampled, the same ones for both sides, and the
difference is taken draw by draw; it counts as one where the interval leaves zero out.

example
  python -m harness compare emodb_loso--fbank--lda emodb_loso--egemaps--lda""",
    _compare,
)
