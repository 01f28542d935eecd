"""`corpus stats`: the story of a portrait, in the order in which it happens.

corpus -> manifest -> sketches of the sound -> groups, shortcuts, copies -> text, page and tables.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from harness import portrait, registry
from harness.contracts import Corpus
from harness.corpora import OnFault, load_corpus
from harness.paths import write_text
from harness.progress import progress
from harness.sketch import sketch_manifest


def corpus_stats(name: str, root: str | None, results: Path, on_fault: OnFault = "stop") -> str:
    """Describe a copy of a corpus, write the page and its tables under the results folder, and return the text.

    Args:
        name: of the corpus module.
        root: its folder; None for a corpus that makes its own audio.
        results: `corpora/NAME/stats.html`, `stats.csv` and `shortcuts.csv` are written below it.
        on_fault: as in `load_corpus`.

    Raises:
        HarnessError: no such corpus, or a copy that cannot be used.
    """
    module = cast(Corpus, registry.load("corpora", name))
    with progress(f"reading {name}") as advance:
        manifest = load_corpus(module, root, on_fault, advance)
    with progress(f"listening to {name}") as advance:
        sketches = sketch_manifest(manifest, advance)
    found = portrait.portray(manifest, sketches)
    folder = results / "corpora" / name
    write_text(folder / "stats.html", portrait.page(found))
    write_text(folder / "stats.csv", found.groups.to_csv(index=False, lineterminator="\n"))
    write_text(folder / "shortcuts.csv", found.shortcuts.to_csv(index=False, lineterminator="\n"))
    return f"{portrait.text(found)}\n\npage: corpora/{name}/stats.html and .csv under the results folder"
