"""`run` and `extract`: one recipe from a corpus on disk to a recorded number, or as far as its features."""

from __future__ import annotations

from typing import Any

from harness.cli._recipes import each_run
from harness.cli._verb import Verb, say


def _run(words: list[str]) -> None:
    def work(settings: Any) -> None:  # noqa: ANN401  config.RunConfig, imported late
        from harness.report import summary
        from harness.run import run

        say(summary(run(settings)))

    each_run(words, "run", work)


def _extract(words: list[str]) -> None:
    def work(settings: Any) -> None:  # noqa: ANN401  config.RunConfig, imported late
        from harness.run import extract_only

        say(extract_only(settings))

    each_run(words, "extract", work)


RUN = Verb(
    "one recipe from a corpus on disk to a recorded number",
    """python -m harness run recipe=NAME [key=value ...] [--multirun]

  recipe=NAME                what to run; see `list recipe`
  corpus.root=DIR            where your copy of the corpus lies
  upstream=NAME              another upstream; see `list upstream`
  upstream.path=DIR          its weights on disk (else EMOHARNESS_WEIGHTS/NAME, else the hub)
  head=NAME view=NAME        another head, another view of the hidden states
  corpus.on_fault=WHAT       stop | skip | repair, for damaged files
  seeds=[0,1,2]              several trainings per fold
  force=true                 train again what is already recorded
  scale=ray scale.address=A  cells on a cluster: processes | ray | dask; scale.workers=N, scale.threads=N
  store=PLACE                features in another folder, or at an fsspec address: s3://bucket/prefix
  engine=torch               no graph in ONNX Runtime; precision=bf16 where the hardware has it
  track=false                no MLflow run (else MLFLOW_TRACKING_URI, else mlflow.db beside results/)
  --multirun                 sweep comma-separated values, as Hydra does
  --cfg job                  show everything that can be set, and stop

examples
  python -m harness run recipe=synthetic_5fold
  python -m harness run recipe=emodb_loso upstream=egemaps corpus.root=/data/emodb
  python -m harness run recipe=emodb_loso upstream=whisper_tiny_en upstream.path=/weights/whisper-tiny.en \\
      view=layer view.layer=2 head=lda split.select=last corpus.root=/data/emodb
  python -m harness run recipe=emodb_loso upstream=egemaps,fbank corpus.root=/data/emodb --multirun""",
    _run,
)
EXTRACT = Verb(
    "features only: fill the store for a later run",
    """python -m harness extract recipe=NAME [key=value ...]

Takes what `run` takes, and stops after the extraction.

example
  python -m harness extract recipe=emodb_loso upstream=egemaps corpus.root=/data/emodb""",
    _extract,
)
