"""MEAD: 48 of 60 actors, English sentences, eight emotions at three levels, 31,729 clips.

Reads the owners' archives unpacked actor by actor, `M003/audio/angry/level_1/001.m4a` (`M` a man, `W` a
woman; some copies leave the folder `audio` out): emotion, level (neutral has only the first), number of the
clip. Numbers restart in every emotion and level and name no sentence of the whole corpus. Sound already
converted to `.wav` is read too.

Reference: K. Wang, Q. Wu, L. Song, Z. Yang, W. Wu, C. Qian, R. He, Y. Qiao, C. C. Loy, "MEAD: A Large-scale
Audio-visual Dataset for Emotional Talking-face Generation", ECCV 2020, 700-717.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._names import Named, named_files, require_names

WORDS = {
    "angry": "angry",
    "contempt": "contempt",
    "disgust": "disgusted",
    "disgusted": "disgusted",
    "fear": "fear",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
    "surprised": "surprised",
}
"""Folder -> raw label; the owners' lists say `disgust` where the folders of sound say `disgusted`."""

FACTS = CorpusFacts(
    name="mead",
    title="MEAD",
    languages=("en",),
    licence="terms of use of the owners, research only, no redistribution (their code is MIT)",
    access="Google Drive folders, one per actor, linked at https://wywu.github.io/projects/MEAD/MEAD.html: unpack"
    " audio.tar of every actor in a folder of the actor's name",
    citation="Wang et al., MEAD: A Large-scale Audio-visual Dataset for Emotional Talking-face Generation, ECCV"
    " 2020, 700-717",
    doi="10.1007/978-3-030-58589-1_42",
    labels={
        "angry": "anger",
        "contempt": "contempt",
        "disgusted": "disgust",
        "fear": "fear",
        "happy": "happiness",
        "neutral": "neutral",
        "sad": "sadness",
        "surprised": "surprise",
    },
    utterances=31_729,
    speakers=48,
    sample_rate_hz=48_000,
    other_rates_hz=(44_100,),
    channels=(1, 2),
    note="AAC (.m4a): ffmpeg is needed. 60 actors were recorded, 48 are public. The emotion2vec paper's Table 1"
    " prints 31,792 clips, two digits of 31,729 swapped. The number of clips differs from actor to actor.",
)

LAYOUT = "48 folders of actors with names such as M003/audio/angry/level_1/001.m4a"
SUFFIXES = frozenset({".m4a", ".wav"})
_NAME = re.compile(
    rf"(?P<actor>[MW]\d{{3}})/(?:audio/)?(?!neutral/level_[23])(?P<emotion>{'|'.join(WORDS)})/"
    r"level_(?P<level>[123])/(?P<number>\d{3})\.(?:m4a|wav)",
    re.IGNORECASE,
)


def read(root: Path) -> Iterator[Utterance]:
    """One row per sound file.

    Raises:
        CorpusError: nothing here is named like MEAD, or the root is the folder of one actor.
    """
    require_names(root, FACTS, LAYOUT, _NAME, SUFFIXES)
    return (_utterance(file) for file in named_files(root, _NAME, suffixes=SUFFIXES))


def _utterance(file: Named) -> Utterance:
    actor, emotion = file.fields["actor"].upper(), WORDS[file.fields["emotion"].lower()]
    level, number = file.fields["level"], file.fields["number"]
    return Utterance(
        id=f"{actor}_{emotion}_level_{level}_{number}",
        path=file.path,
        label_raw=emotion,
        speaker=actor,
        gender="male" if actor.startswith("M") else "female",
        sentence=number,
        language="en",
    )
