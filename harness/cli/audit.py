"""`audit`: is the split of a recipe sound, and what is a score worth without what leaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.cli._recipes import each_run
from harness.cli._verb import Verb, say, settings

OWN = ("audio", "predictions")


def _audit(words: list[str]) -> None:
    own = settings([word for word in words if word.partition("=")[0] in OWN], OWN, "audit")
    audio, named = _audio(own.get("audio", True)), own.get("predictions", [])
    files = [Path(name) for name in ([named] if isinstance(named, str) else named)]

    def work(config: Any) -> None:  # noqa: ANN401  config.RunConfig, imported late
        from harness.examine import audit

        say(audit(config, audio=audio, predictions=files))

    each_run([word for word in words if word.partition("=")[0] not in OWN], "audit", work)


def _audio(value: object) -> bool:
    if isinstance(value, bool):
        return value
    from harness.errors import ConfigError

    raise ConfigError("audio is read or it is not", got=value, wanted="audio=true or audio=false")


AUDIT = Verb(
    "is a split sound: what its parts share, a grade with reasons, score minus leak",
    """python -m harness audit recipe=NAME [key=value ...] [audio=false] [predictions=FILE.parquet]

Takes the settings of `run`, reads the corpus, and tells per fold what test and training share: speakers,
sessions, dialogues, sentences, twins, equal and nearly equal audio; classes, genders, shift, and a grade from A
to F with its reasons. Stored predictions of the recipe are scored again without what leaks. Splits that `run`
refuses are examined too. The report lies under results/audits as Markdown and JSON.

  audio=false                names and labels alone; nothing is said about the sound
  predictions=FILE.parquet   predictions on these folds from elsewhere

examples
  python -m harness audit recipe=emodb_10fold corpus.root=/data/emodb
  python -m harness audit recipe=emodb_loso corpus.root=/data/emodb split=random_10fold
  python -m harness audit recipe=synthetic_5fold audio=false""",
    _audit,
)
