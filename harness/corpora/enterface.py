"""eNTERFACE'05: 44 subjects react to stories in English, six emotions, 1,293 videos.

Reads the owners' own layout, `subject 19/anger/sentence 4/s19_an_4.avi`: subject, emotion and sentence are
those of the folders. Names cannot be trusted: the files of subject 11 are called `s12_...` like those of
subject 12, some of subject 3 `s_3_...`, one is `s16_su_3avi.avi`, and subject 2 has two names swapped. A copy
without the folders is therefore refused. Subject 6 has one recording per emotion with all five sentences;
subject 23 lacks three.

Sound taken out of the videos (`.wav` at the same places) is read as well. The sentences are numbered within
each emotion.

Reference: O. Martin, I. Kotsia, B. Macq, I. Pitas, "The eNTERFACE'05 Audio-Visual Emotion Database", ICDE
Workshops 2006.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from harness.contracts import CorpusFacts, Download, Utterance
from harness.corpora._names import Design, Named, designed_files

LABELS = {"an": "anger", "di": "disgust", "fe": "fear", "ha": "happiness", "sa": "sadness", "su": "surprise"}
SUBJECTS = range(1, 45)
SENTENCES = range(1, 6)
NOT_PUBLISHED = frozenset({(23, "ha", 1), (23, "ha", 2), (23, "ha", 3)})

FACTS = CorpusFacts(
    name="enterface",
    title="eNTERFACE'05",
    languages=("en",),
    licence="free for research, no redistribution",
    access="open: http://www.enterface.net/results/ (project2_database.zip)",
    citation="Martin et al., The eNTERFACE'05 Audio-Visual Emotion Database, ICDE Workshops 2006",
    doi="10.1109/ICDEW.2006.145",
    labels=LABELS,
    utterances=1293,
    speakers=44,
    sample_rate_hz=48_000,
    channels=(1, 2),
    downloads=(
        Download(url="http://www.enterface.net/enterface05/docs/results/databases/project2_database.zip"),
    ),
    note="Videos (.avi): ffmpeg is needed. Ids made of bare file names (EmoBox) lose the 30 clips of subject 12."
    " The names of subject 12 are inferred; whatever they are, the folders say what they hold. Genders are not"
    " given.",
)

LAYOUT = "the folders subject 1 to subject 44 with names such as subject 19/anger/sentence 4/s19_an_4.avi"


def _designed_paths() -> Iterator[str]:
    for subject, (code, folder) in product(SUBJECTS, LABELS.items()):
        if subject == 6:
            yield f"subject 6/{folder}/s6_{code}.avi"
            continue
        for sentence in SENTENCES:
            if (subject, code, sentence) not in NOT_PUBLISHED:
                yield f"subject {subject}/{folder}/sentence {sentence}/{_name(subject, code, sentence)}.avi"


def _name(subject: int, code: str, sentence: int) -> str:
    """What the owners call this recording, mistakes included."""
    if subject == 2 and code == "an" and sentence in {1, 2}:
        return f"s2_an_{3 - sentence}"
    called = f"s{12 if subject == 11 else subject}"
    if subject == 3 and (code in {"ha", "sa", "su"} or (code, sentence) == ("fe", 5)):
        called = "s_3"
    return f"{called}_{code}_{sentence}{'avi' if (subject, code, sentence) == (16, 'su', 3) else ''}"


DESIGN = Design(
    re.compile(
        rf"subject[ _]?0*(?P<subject>\d+)/(?P<folder>{'|'.join(LABELS.values())})/"
        r"(?:sentence[ _]?(?P<sentence>\d)/)?"
        rf"s_?\d+_(?P<emotion>{'|'.join(LABELS)})(?:_\d)?(?:avi)?\.(?:avi|mp4|wav)",
        re.IGNORECASE,
    ),
    tuple(_designed_paths()),
    frozenset({".avi", ".mp4", ".wav"}),
)


def read(root: Path) -> Iterator[Utterance]:
    """One row per published recording, whether its file is there or not.

    Raises:
        CorpusError: no folders like those of eNTERFACE'05, or the root is the folder of one subject.
    """
    return (_utterance(file) for file in designed_files(root, FACTS, LAYOUT, DESIGN))


def _utterance(file: Named) -> Utterance:
    return Utterance(
        id=file.own_path.rpartition(".")[0],
        path=file.path,
        label_raw=file.fields["emotion"],
        speaker=file.fields["subject"],
        sentence=file.fields["sentence"],
        language="en",
        defect=_defect(file),
    )


def _defect(file: Named) -> str:
    """What is odd about the published file, by its place and name."""
    subject, sentence = file.fields["subject"], file.fields["sentence"]
    if not sentence:
        return "one recording holds all five sentences"
    regular = f"s{subject}_{file.fields['emotion']}_{sentence}"
    return "" if file.stem == regular else f"called {file.stem} where {regular} is meant"
