"""ShEMO and TESS, acted corpora for which no list of names is built in: what lies there decides."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from corpus_folders import by_id, loaded, rewrite, write_sound

from harness.corpora import shemo, tess
from harness.errors import CorpusError

WORDS = ["bite", "food", "germ", "neat", *(f"x{a}{b}" for a in "abcdefghijklmn" for b in "abcdefghijklmn")]
TESS = [f"{who}_{word}_{emotion}.wav" for who in ("OAF", "YAF") for word in WORDS for emotion in tess.LABELS]


# ------------------------------------------------------------------------------------------------ ShEMO

SHEMO = ["female/F01A01.wav", "female/F01F02.wav", "male/M01S03.wav", "male/M01W04.wav"]


def test_rows_are_the_sound_files_and_not_the_json(lay: Callable[..., Path]) -> None:
    root = lay(SHEMO)
    entries = {
        "F01A01": {"emotion": "neutral", "transcript": "متن"},  # the name and not this emotion counts
        "F01N99": {"emotion": "neutral", "transcript": "of no clip"},
    }
    (root / "shemo.json").write_text(json.dumps(entries), encoding="utf-8")
    (root / "modified_shemo.json").write_text("not read", encoding="utf-8")
    found = by_id(shemo, root)
    assert list(found) == ["F01A01", "F01F02", "M01S03", "M01W04"]
    assert [shemo.FACTS.labels[one.label_raw] for one in found.values()] == [
        "anger",
        "fear",
        "sadness",
        "surprise",
    ]
    assert [one.speaker for one in found.values()] == ["F01", "F01", "M01", "M01"]
    assert [one.gender for one in found.values()] == ["female", "female", "male", "male"]
    assert [one.text for one in found.values()] == ["متن", "", "", ""]


def test_transcripts_in_single_files_with_a_mark_at_their_start(lay: Callable[..., Path]) -> None:
    root = lay(SHEMO)
    folder = root / "transcript" / "final text"
    folder.mkdir(parents=True)
    (folder / "M01S03.ort").write_text("جمله\n", encoding="utf-8-sig")
    assert by_id(shemo, root)["M01S03"].text == "جمله"


def test_a_damaged_json_is_told(lay: Callable[..., Path]) -> None:
    root = lay(SHEMO)
    for content in ("{", "[1]", '{"F01A01": 3}'):
        (root / "shemo.json").write_text(content, encoding="utf-8")
        with pytest.raises(CorpusError, match="transcripts of ShEMO"):
            shemo.read(root)


def test_half_of_shemo_is_answered_with_the_whole(lay: Callable[..., Path]) -> None:
    root = lay(SHEMO)
    with pytest.raises(CorpusError, match=f"did you mean corpus.root={root}"):
        shemo.read(root / "female")


# ------------------------------------------------------------------------------------------------ TESS


def test_tess_with_its_known_oddities_is_sound(lay: Callable[..., Path]) -> None:
    renamed = ["OA_bite_neutral.wav" if name == "OAF_bite_neutral.wav" else name for name in TESS]
    root = lay(renamed, tess)
    write_sound(root / "OAF_food_fear.wav", 96_000, channels=1)
    rewrite(root / "YAF_germ_angry.wav", b"no header at all")
    manifest = loaded(tess, root)
    table = manifest.table.set_index("id")
    assert table.loc["OAF_bite_neutral", "path"] == "OA_bite_neutral.wav"
    assert table.loc["OAF_food_fear", "sample_rate_hz"] == 96_000
    assert manifest.dropped == {"known defect": 1}
    assert len(table) == 2799


def test_tess_in_two_copies_and_in_folders(lay: Callable[..., Path]) -> None:
    inner = [f"TESS/{name.split('_')[0]}_x/{name}" for name in TESS]
    rows = list(tess.read(lay([*inner, *(f"TESS/TESS/{name.split('/', 1)[1]}" for name in inner)])))
    assert {one.path for one in rows} == set(inner)
    assert len({one.id for one in rows}) == 2800


def test_a_missing_clip_of_tess_is_named_by_its_words(lay: Callable[..., Path]) -> None:
    found = by_id(tess, lay(set(TESS) - {"YAF_bite_ps.wav"}))
    assert len(found) == 2800
    assert found["YAF_bite_ps"].path == "YAF_bite_ps.wav"
