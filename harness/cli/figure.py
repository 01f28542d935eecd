"""`figure`: a picture of a paper, or of what is recorded."""

from __future__ import annotations

from collections.abc import Sequence

from harness.cli._verb import Verb, say, settings
from harness.errors import ConfigError


def _figure(words: list[str]) -> None:
    from harness import figures

    if not words:
        width = max(len(name) for name, _ in figures.figure_list())
        say("\n".join(f"{name:<{width}}  {about}" for name, about in figures.figure_list()))
        return
    name, rest = _named(words)
    keys = figures.keys_of(name)
    overrides = [word for word in rest if figures.has_recipe(name) and not _is_own(word, keys)]
    own = settings([word for word in rest if word not in overrides], keys, f"figure {name}")
    say(figures.draw(name, own, overrides))


def _named(words: Sequence[str]) -> tuple[str, list[str]]:
    """The figure, and its settings.

    Raises:
        ConfigError: no name, or several.
    """
    names = [word for word in words if "=" not in word]
    if len(names) != 1:
        raise ConfigError(
            "figure draws one picture",
            got=" ".join(names) or "no name",
            wanted="a name, then key=value settings",
            next_step="python -m harness figure   lists the names",
        )
    return names[0], [word for word in words if "=" in word]


def _is_own(word: str, keys: Sequence[str]) -> bool:
    key = word.partition("=")[0]
    return any(key == known or (known.endswith(".") and key.startswith(known)) for known in keys)


FIGURE = Verb(
    "a picture of a paper or of the records, with its numbers beside it",
    """python -m harness figure [NAME] [key=value ...]

Without a name: lists the figures. PNG for the screen, PDF for print, the numbers as CSV and JSON, all under
figures/ of the results folder; the same input gives the same bytes.

  figure emotion2vec/3       high against low arousal in what the first linear layer gives; emotion2vec/5: emotions
    upstreams=[A,B]          one panel each: UMAP of the test utterances; under it silhouette, k-NN accuracy, UA
    paths.A=DIR              where the weights of A lie
    corpus=NAME corpus.root=DIR   another corpus, its root
    split=NAME               another protocol; hold_out_as_published mixes speakers
    figure.fold=NAME figure.neighbours=K figure.umap_seed=N   and any setting of `run`: seeds=[1], head.epochs=50
  figure confusion record=STEM
  figure durations record=STEM [bins=6] [metric=wa]
  figure languages [metric=ua] [score=fold_mean|pooled] [protocol=P head=H view=V select=S task=T recipe=R]
  figure layers recipe=NAME upstream=[A,B] [metric=ua] [head=H corpus=C select=S]
  figure pretraining model=NAME recipe=[R,S] [metric=ua]     its milestones, evaluated by `run`

STEM is the name of a record under results/records. What is trained once is kept in the cache.

examples
  python -m harness figure emotion2vec/5 corpus=emodb upstreams=[egemaps,byol_s,whisper_tiny_en] \\
      paths.byol_s=/weights/byol_s.pth paths.whisper_tiny_en=/weights/whisper-tiny.en corpus.root=/data/emodb
  python -m harness figure emotion2vec/3 corpus=synthetic upstreams=[fbank,egemaps]
  python -m harness figure languages protocol=leave_speaker_out""",
    _figure,
)
