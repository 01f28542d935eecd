"""One file of a corpus: fetched by pooch through our resuming transfer, and held against its checksum."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from harness.contracts import Download
from harness.fetch._errors import FetchError
from harness.fetch._partial import Partial
from harness.fetch._receipt import Fetched, Receipt, utc_now
from harness.fetch._transfer import Patience, Transfer

log = logging.getLogger(__name__)

_GIT_ARCHIVE = re.compile(r"/[^/]+/[^/]+/archive/(?P<commit>[0-9a-f]{7,40})\.zip")
_CHECKSUM = re.compile(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", re.IGNORECASE)


def pinned_commit(url: str) -> str:
    """The commit in the address of a git host's archive, empty where it is another address.

    Such archives are packed anew on request: their files are fixed by the commit, their bytes are not.

    >>> pinned_commit("https://github.com/owner/corpus/archive/4b546d4.zip")
    '4b546d4'
    """
    match = _GIT_ARCHIVE.fullmatch(urlsplit(url).path)
    return match["commit"] if match else ""


def file_names(downloads: Sequence[Download]) -> dict[str, str]:
    """Address -> the name its file has on disk; the same last part of two addresses is told apart by number."""
    names: dict[str, str] = {}
    for download in downloads:
        last = unquote(urlsplit(download.url).path.rpartition("/")[2])
        name = re.sub(r"[^\w.()+ -]", "_", last).lstrip(".") or "download"
        names[download.url] = name if name not in names.values() else f"{len(names)}-{name}"
    return names


def known_checksum(download: Download, receipt: Receipt) -> str:
    """What the file is held against: the owners' checksum, else the one of the first copy, else nothing.

    Raises:
        FetchError: what is given as the owners' checksum is none.
    """
    published = download.checksum.strip()
    if published and not _CHECKSUM.fullmatch(published):
        raise FetchError("this is no checksum", got=published, wanted="md5:... or sha256:..., in hexadecimal")
    if published or pinned_commit(download.url) or download.url not in receipt.files:
        return published
    return f"sha256:{receipt.files[download.url].sha256}"


def fetch_file(download: Download, to: Path, receipt: Receipt, patience: Patience) -> Fetched:
    """Fetch one file to `to`, unless it lies there already and its checksum is right.

    Raises:
        FetchError: it cannot be fetched, or it is not the published file; then it is not kept.
    """
    import pooch

    known = known_checksum(download, receipt)
    transfer = Transfer(
        url=download.url,
        partial=Partial(to),
        size_bytes=download.size_bytes,
        has_checksum=bool(known),
        patience=patience,
    )
    try:
        with _quiet_pooch():
            pooch.retrieve(
                download.url,
                known_hash=known or None,
                fname=to.name,
                path=to.parent,
                downloader=lambda _url, temporary, _pooch: transfer(Path(temporary)),
            )
    except ValueError as fault:
        raise _tampered(download, known, str(fault)) from fault
    sha256 = pooch.file_hash(str(to), alg="sha256")
    if not known and not pinned_commit(download.url):
        log.info("%s: the owners publish no checksum; this copy's is sha256:%s, noted", to.name, sha256)
    return Fetched(
        url=download.url,
        name=to.name,
        size_bytes=to.stat().st_size,
        sha256=sha256,
        published=download.checksum,
        fetched=utc_now(),
    )


@contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Its own lines name a function of pooch's that our reader does not call."""
    import pooch

    logger = pooch.get_logger()
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _tampered(download: Download, known: str, told: str) -> FetchError:
    accept = "" if download.checksum else "; to accept the new file, delete the receipt"
    whose = "the published checksum" if download.checksum else "the checksum that the first copy had"
    return FetchError(
        f"what came from {download.url} is not the file that was expected",
        got=re.sub(r" Deleted download.*", "", told),
        wanted=f"{whose}, {known}; what came is not kept",
        next_step="the same command once more: it starts afresh. Where it ends here again, the file at the "
        f"address was replaced or tampered with: ask the owners{accept}",
    )
