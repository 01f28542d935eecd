"""`plan`: what a run, or a whole suite of corpora, will do and cost, before anything runs."""

from __future__ import annotations

from typing import Any

from harness.cli._recipes import each_run
from harness.cli._verb import Verb, say, settings
from harness.errors import ConfigError

_OWN = ("measure", "rate_tflops")
"""Settings of the plan of a recipe; all others are the run's."""
_SUITE = ("suite", "upstream", "scale", "scale.", "device", "gpu", "precision", "share", "rate_tflops")


def _plan(words: list[str]) -> None:
    if any(word.startswith("suite=") for word in words):
        _plan_suite(words)
        return
    own = [word for word in words if word.partition("=")[0] in _OWN]
    given = settings(own, _OWN, "plan")
    measure, rate_tflops = _truth(given.get("measure", True)), _rate(given.get("rate_tflops"))

    def work(config: Any) -> None:  # noqa: ANN401  config.RunConfig, imported late
        from harness.forecast import forecast, text_of

        say(text_of(forecast(config, measure=measure, rate_tflops=rate_tflops)))

    each_run([word for word in words if word not in own], "plan", work)


def _plan_suite(words: list[str]) -> None:
    from harness.config import card_named
    from harness.forecast import read_suite, request_of, suite_forecast, suite_text

    request = request_of(settings(words, _SUITE, "plan"))
    names = request.upstream or read_suite(request.suite).upstreams
    found = suite_forecast(request, {name: card_named(name) for name in names})
    say(suite_text(found, f"plan {' '.join(words)}"))


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ConfigError("measure is true or false", got=value, wanted="measure=true or measure=false")


def _rate(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return float(value)
    raise ConfigError(
        "rate_tflops is a number above 0",
        got=value,
        wanted="what one worker computes, in 10^12 floating-point operations per second",
        next_step="rate_tflops=0.14 for two cores, rate_tflops=20 for a GPU",
    )


PLAN = Verb(
    "cells, hours of audio, time, memory and disk of a run, before anything runs",
    """python -m harness plan recipe=NAME [key=value ...]
python -m harness plan suite=NAME [upstream=A,B,...] [key=value ...]

recipe=NAME takes what `run` takes, and prints what that run would do: what is missing in the store and which cells
are not recorded, the expected wall time of every stage with its arithmetic, memory and disk. Some seconds are
measured: the model over a few of the corpus' own utterances, the head over made-up features of the true shape, in
as many processes as the run would use. Nothing is stored, nothing is written to the results; what a run keeps in
the cache beside features (checked audio, an exported network) is kept.

  measure=false              no measurement: by the card's arithmetic and a rate
  rate_tflops=X              with measure=false: what one worker computes, in 10^12 operations per second

suite=NAME plans many corpora by their known sizes, without their audio; see recipes/suite.

  upstream=A,B,...           else those of the suite
  scale.workers=N            8: GPUs (or, with device=cpu, processes)
  scale.threads=N            8: cores of each
  gpu=NAME precision=NAME    h100 fp32: whose published peak is taken; a100, h200; bf16
  share=X                    0.4: of that peak
  rate_tflops=X              your own measured rate of one worker instead

examples
  python -m harness plan recipe=synthetic_5fold
  python -m harness plan recipe=emodb_loso upstream=wav2vec2_base head=superb_linear view=weighted \\
      corpus.root=/data/emodb scale.workers=2
  python -m harness plan recipe=emodb_loso upstream=wavlm_large corpus.root=/data/emodb measure=false \\
      rate_tflops=0.14
  python -m harness plan suite=emobox scale=ray scale.workers=8 device=cuda""",
    _plan,
)
