"""The shapes that travel between the rooms of the house: what every plug-in gives and takes.

Nothing here computes. Plug-ins (`upstreams/`, `downstreams/`, `harness/corpora/`) import this room and
`harness.errors`, and nothing else of the harness.
"""

from harness.contracts._conversations import ROLES, Contexts, LabelledContexts
from harness.contracts._corpora import Corpus, CorpusFacts, Download, Utterance
from harness.contracts._examples import Example, Fold, Kind, Splitter
from harness.contracts._heads import (
    EmbeddingHead,
    FitReport,
    Head,
    HeadModule,
    Labelled,
    Means,
    PackedFrames,
    Rows,
    Runs,
    Shape,
    SharingHeadModule,
)
from harness.contracts._pretraining import Loss, Objective, ObjectiveModule
from harness.contracts._texts import TextCard, TextEncoder, TextFamily
from harness.contracts._upstreams import (
    CalibratedUpstream,
    Card,
    HiddenStates,
    Traceable,
    Upstream,
    UpstreamFamily,
)

__all__ = [
    "ROLES",
    "CalibratedUpstream",
    "Card",
    "Contexts",
    "Corpus",
    "CorpusFacts",
    "Download",
    "EmbeddingHead",
    "Example",
    "FitReport",
    "Fold",
    "Head",
    "HeadModule",
    "HiddenStates",
    "Kind",
    "Labelled",
    "LabelledContexts",
    "Loss",
    "Means",
    "Objective",
    "ObjectiveModule",
    "PackedFrames",
    "Rows",
    "Runs",
    "Shape",
    "SharingHeadModule",
    "Splitter",
    "TextCard",
    "TextEncoder",
    "TextFamily",
    "Traceable",
    "Upstream",
    "UpstreamFamily",
    "Utterance",
]
