"""`score` and `leaderboard`: numbers from what is stored, without a model."""

from __future__ import annotations

from pathlib import Path

from harness.cli._verb import Verb, say, settings


def _score(words: list[str]) -> None:
    from harness.score import score_files

    paths = [Path(word) for word in words if "=" not in word]
    given = settings(
        [word for word in words if "=" in word], ("metrics", "resamples", "results", "recipe"), "score"
    )
    say(score_files(paths, **given))


def _leaderboard(words: list[str]) -> None:
    from harness.board import write_board

    given = settings(words, ("results",), "leaderboard")
    say(write_board(Path(str(given.get("results", "results")))))


SCORE = Verb(
    "score stored predictions again, without the model",
    """python -m harness score [FILE.parquet ...] [recipe=NAME] [metrics=[wa,ua]] [resamples=N] [results=DIR]

Without a file: every predictions file under results/, or those of one recipe.

examples
  python -m harness score recipe=synthetic_5fold
  python -m harness score results/predictions/NAME.parquet metrics=[ua] resamples=10000""",
    _score,
)
LEADERBOARD = Verb(
    "all records as Markdown, CSV and LaTeX, the published numbers beside ours",
    """python -m harness leaderboard [results=DIR]

example
  python -m harness leaderboard""",
    _leaderboard,
)
