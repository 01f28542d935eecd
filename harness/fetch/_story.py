"""`corpus get`, in the order in which it happens: say what it is, fetch, unpack, put in place, find the root."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from harness.contracts import Corpus, CorpusFacts, Download
from harness.fetch._disk import in_units, require_room
from harness.fetch._errors import DamagedArchiveError, FetchError
from harness.fetch._file import fetch_file, file_names, known_checksum, pinned_commit
from harness.fetch._members import safe_path
from harness.fetch._place import Place, place_at
from harness.fetch._receipt import Receipt, read_receipt
from harness.fetch._root import find_root
from harness.fetch._transfer import Patience
from harness.fetch._unpack import unpack
from harness.fetch._zip import commit_in
from harness.paths import cache_root

log = logging.getLogger(__name__)


def announcement(facts: CorpusFacts) -> str:
    """What one should know before a corpus is fetched: licence, citation, sizes, addresses."""
    doi = f"; https://doi.org/{facts.doi}" if facts.doi else ""
    return "\n".join(
        [
            facts.title,
            f"licence:  {facts.licence}",
            f"citation: {facts.citation}{doi}",
            *(f"address:  {_described(download)}" for download in facts.downloads),
            *([] if facts.downloads else [f"access:   {facts.access}"]),
            *([f"in all:   {in_units(_known_bytes(facts))}"] if _known_bytes(facts) else []),
        ]
    )


def _described(download: Download) -> str:
    size = in_units(download.size_bytes) if download.size_bytes else "size told by the server"
    commit = pinned_commit(download.url)
    held = f"commit {commit}" if commit else download.checksum or "no published checksum"
    return f"{download.url} ({size}, {held})"


def _known_bytes(facts: CorpusFacts) -> int:
    """Of all files together; 0 unless every size is published and there are several."""
    sizes = [download.size_bytes for download in facts.downloads]
    return sum(sizes) if len(sizes) > 1 and all(sizes) else 0


def default_target(facts: CorpusFacts) -> Path:
    """Where a corpus goes if nobody says otherwise."""
    return cache_root() / "corpora" / facts.name


def get_corpus(
    corpus: Corpus, to: Path | None = None, keep_archives: bool = False, patience: Patience | None = None
) -> Path:
    """Fetch a corpus from its owners' addresses; the folder that `corpus.root=` wants.

    What is complete is not fetched again; what is not is taken up where it ended.

    Args:
        corpus: the corpus module.
        to: the folder that shall hold it, not there yet or empty; None: in the cache.
        keep_archives: whether the archives stay beside the target once they are unpacked.
        patience: with a bad connection.

    Raises:
        FetchError: there is no open address; a file cannot be fetched or is not the published one; an archive is
            unsafe or damaged; the target is not free. The target is then as it was before.
        CorpusError: all is there, and the corpus module cannot read it.
    """
    facts = corpus.FACTS
    _require_address(facts)
    place = place_at(to or default_target(facts))
    with place.alone():
        if _is_complete(place, facts):
            log.info("%s is complete at %s and is not fetched again", facts.title, place.target)
        else:
            place.require_free()
            _fetch_and_unpack(place, facts, patience or Patience())
        if not keep_archives and place.archives.exists():
            shutil.rmtree(place.archives)
    return find_root(corpus, place.target)


def _require_address(facts: CorpusFacts) -> None:
    if not facts.downloads:
        raise FetchError(
            f"{facts.title} lies at no open address: nothing can be fetched",
            got=f"licence: {facts.licence}",
            wanted=f"its owners' way: {facts.access}",
            next_step=f"get it from its owners, then python -m harness corpus check {facts.name} root=DIR",
        )


def _is_complete(place: Place, facts: CorpusFacts) -> bool:
    """Whether the target holds what the facts name now.

    Raises:
        FetchError: it holds what they named earlier.
    """
    receipt = read_receipt(place.receipt, facts.name)
    if not (receipt.finished and place.occupied):
        return False
    held = {url: fetched.published for url, fetched in receipt.files.items()}
    if held == {download.url: download.checksum for download in facts.downloads}:
        return True
    raise FetchError(
        f"the target holds another release of {facts.title}",
        got=f"{place.target}, fetched {receipt.finished} from {', '.join(held)}",
        wanted=", ".join(download.url for download in facts.downloads),
        next_step="choose another folder with to=DIR, or move this one away",
    )


def _fetch_and_unpack(place: Place, facts: CorpusFacts, patience: Patience) -> None:
    names = file_names(facts.downloads)
    receipt = read_receipt(place.receipt, facts.name)
    missing = [one for one in facts.downloads if not (place.archives / names[one.url]).exists()]
    require_room(place.beside, sum(one.size_bytes for one in missing), f"fetch {facts.title}")
    for download in facts.downloads:
        receipt = _fetch(download, place.archives / names[download.url], receipt, patience)
        receipt.save(place.receipt)
    with place.filled() as pending:
        for download in facts.downloads:
            _put(download, place.archives / names[download.url], pending, receipt, place)
        receipt.now_finished().save(place.receipt)
    log.info("%s is complete at %s", facts.title, place.target)


def _fetch(download: Download, to: Path, receipt: Receipt, patience: Patience) -> Receipt:
    fetched = fetch_file(download, to, receipt, patience)
    commit = pinned_commit(download.url)
    if commit and not commit_in(to).startswith(commit):
        found = commit_in(to)
        to.unlink()
        raise FetchError(
            f"the archive from {download.url} does not hold the commit that is wanted",
            got=f"commit {found or '(none named)'}",
            wanted=f"commit {commit}",
            next_step="the same command once more; if it ends here again, ask the owners",
        )
    return receipt.with_file(fetched)


def _put(download: Download, archive: Path, pending: Path, receipt: Receipt, place: Place) -> None:
    """What came, unpacked or as it is, in its folder below `pending`."""
    folder = pending / (safe_path("the download's folder", download.folder) or "")
    if not download.unpack:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(archive, folder / archive.name)
        return
    try:
        unpack(archive, folder)
    except DamagedArchiveError as fault:
        raise _told_what_to_do(fault, download, archive, receipt, place) from fault


def _told_what_to_do(
    fault: DamagedArchiveError, download: Download, archive: Path, receipt: Receipt, place: Place
) -> DamagedArchiveError:
    """What no checksum vouches for is fetched anew next time; the rest came as it was published."""
    if known_checksum(download, Receipt(corpus=receipt.corpus)):
        step = f"{archive} has the published checksum: the owners' own file is damaged; ask them"
    else:
        archive.unlink()
        receipt.without_file(download.url).save(place.receipt)
        step = "the same command fetches it afresh"
    return DamagedArchiveError(fault.what, got=fault.got, wanted=fault.wanted, next_step=step)


def next_steps(facts: CorpusFacts, root: Path) -> str:
    """What to type now."""
    return "\n".join(
        [f"corpus.root={root}", f"next: python -m harness corpus check {facts.name} root={root}"]
    )
