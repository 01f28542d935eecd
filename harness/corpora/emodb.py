"""EmoDB, the Berlin Database of Emotional Speech: ten German actors, ten sentences, seven emotions.

Reads the owners' own layout, `wav/03a01Wa.wav`: two digits for the speaker, three characters for the
sentence, one letter for the emotion in German, one letter for the version.

Reference: F. Burkhardt, A. Paeschke, M. Rolfes, W. Sendlmeier, B. Weiss, "A Database of German Emotional
Speech", Interspeech 2005, 1517-1520; code tables: http://emodb.bilderbar.info/index-1280.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.contracts import CorpusFacts, Download, Utterance
from harness.corpora._index import FOLDER, IndexEntry, read_index
from harness.corpora._layout import require_layout

FACTS = CorpusFacts(
    name="emodb",
    title="EmoDB (Berlin)",
    languages=("de",),
    licence="free use with citation; the Zenodo card of the successor says CC BY 4.0",
    access="open: http://emodb.bilderbar.info/download/download.zip (40.5 MB)",
    citation="Burkhardt et al., A Database of German Emotional Speech, Interspeech 2005, 1517-1520",
    doi="10.21437/Interspeech.2005-446",
    labels={
        "W": "anger",  # Wut
        "L": "boredom",  # Langeweile
        "E": "disgust",  # Ekel
        "A": "fear",  # Angst
        "F": "happiness",  # Freude
        "T": "sadness",  # Trauer
        "N": "neutral",
    },
    utterances=535,
    speakers=10,
    sample_rate_hz=16_000,
    duration_tolerance_s=0.02,
    downloads=(Download(url="http://emodb.bilderbar.info/download/download.zip"),),
    note="EmoDB 2.0 (816 clips, Zenodo 17651657) is another set; its further clips are reported and not read.",
)

MALE_SPEAKERS = frozenset({"03", "10", "11", "12", "15"})

SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}

LAYOUT = "wav/03a01Wa.wav and 534 more such names directly in wav/"
_NAME = re.compile(r"(?P<speaker>\d{2})(?P<sentence>[ab]\d{2})(?P<emotion>[A-Z])[a-z]")


def read(root: Path) -> Iterator[Utterance]:
    """One row per published clip, whether its file is there or not.

    Raises:
        CorpusError: no folder `wav` with names of this corpus.
    """
    require_layout(root, FACTS, _recognises, LAYOUT)
    return (_utterance(entry) for entry in read_index(FOLDER / "emodb.tsv"))


def _recognises(root: Path) -> bool:
    return any(_NAME.fullmatch(path.stem) for path in (root / "wav").glob("*.wav"))


def _utterance(entry: IndexEntry) -> Utterance:
    stem = Path(entry.path).stem
    speaker, sentence, emotion = stem[:2], stem[2:5], stem[5]
    return Utterance(
        id=stem,
        path=entry.path,
        label_raw=emotion,
        speaker=speaker,
        gender="male" if speaker in MALE_SPEAKERS else "female",
        text=SENTENCES[sentence],
        sentence=sentence,
        language="de",
        expected_duration_s=entry.samples / FACTS.sample_rate_hz,
        expected_pcm_sha256=entry.pcm_sha256,
    )
