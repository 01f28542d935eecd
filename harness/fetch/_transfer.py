"""Fetch one file over HTTP so that nothing that has arrived is lost: resume, retry, and never mix two versions.

A request for the rest carries If-Range, so that a server whose file has changed sends the whole file (RFC 9110,
13.1.5). Where a server gives nothing to hold the parts against, they are only joined if a published checksum will
judge the whole.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.fetch._disk import in_units, require_room
from harness.fetch._errors import FetchError
from harness.fetch._partial import Partial, version_of
from harness.progress import progress

if TYPE_CHECKING:
    from requests import Response, Session

log = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 16
"""So much is lost at most when a connection is torn off."""
_TRY_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WAIT_S = 60.0
_RANGE = re.compile(r"bytes (?P<first>\d+)-\d+/(?P<size>\d+|\*)")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to go on when the connection breaks."""

    attempts: int = 6
    """In a row that bring nothing new."""
    first_wait_s: float = 1.0
    """Doubled after each of them."""
    timeout_s: float = 60.0
    """Of silence on an open connection."""

    def wait_s(self, failures: int) -> float:
        """Before the next attempt."""
        return float(min(self.first_wait_s * 2 ** (failures - 1), _LONGEST_WAIT_S))


class _BrokenOffError(Exception):
    """A connection that failed or ended early; worth another attempt after `wait_s`, if it says so."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """One file to be fetched; call it with the name that the complete file shall have.

    Args:
        url: http or https.
        partial: what has arrived so far.
        size_bytes: as published, 0 where it is not.
        has_checksum: whether the whole will be held against a checksum, so that parts may be joined on trust.
        patience: with a bad connection.
    """

    url: str
    partial: Partial
    size_bytes: int = 0
    has_checksum: bool = False
    patience: Patience = Patience()

    def __call__(self, to: Path) -> None:
        """Fetch the file, from where an earlier attempt ended.

        Raises:
            FetchError: no such file, another size than published, no room, or the connection kept breaking. What
                has arrived is kept and the next call goes on from there.
        """
        import requests

        failures, most = 0, self.partial.size_bytes
        with requests.Session() as session, progress(f"fetching {self.partial.path.stem}") as advance:
            while True:
                try:
                    self._attempt(session, _shown(advance))
                    break
                except _BrokenOffError as fault:
                    failures = 1 if self.partial.size_bytes > most else failures + 1
                    most = max(most, self.partial.size_bytes)
                    self._wait(fault, failures)
        self.partial.hand_over(to)

    def _wait(self, fault: _BrokenOffError, failures: int) -> None:
        arrived = in_units(self.partial.size_bytes)
        if failures >= self.patience.attempts:
            raise FetchError(
                f"{self.url} cannot be fetched to its end",
                got=f"{fault}, {failures} times in a row; {arrived} have arrived and are kept",
                wanted="the whole file",
                next_step="the same command later: it goes on from there",
            )
        wait_s = max(self.patience.wait_s(failures), min(fault.wait_s, _LONGEST_WAIT_S))
        log.warning("%s (%s have arrived); trying again in %.0f s", fault, arrived, wait_s)
        time.sleep(wait_s)

    def _attempt(self, session: Session, shown: Callable[[int, int], None]) -> None:
        """One connection: it completes the partial file, or breaks off."""
        import requests
        from urllib3.exceptions import HTTPError

        try:
            with self._ask(session) as answer:
                if answer.status_code == 416:
                    self._refused_range(answer)
                    return
                total = self._prepare(answer)
                shown(self.partial.size_bytes, total)
                with self.partial.path.open("ab") as file:
                    for chunk in answer.raw.stream(CHUNK_BYTES, decode_content=False):
                        file.write(chunk)
                        shown(file.tell(), total)
        except (requests.RequestException, HTTPError) as fault:
            if isinstance(fault, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
                raise self._no_such_file(str(fault)) from fault
            raise _BrokenOffError(f"the connection broke: {_reason(fault)}") from fault
        if total and self.partial.size_bytes != total:
            raise _BrokenOffError(f"the connection ended at {self.partial.size_bytes} of {total} bytes")

    def _ask(self, session: Session) -> Response:
        """The whole file or, where enough is known about the part that is here, the rest of it."""
        headers = {"Accept-Encoding": "identity"}
        version, here = self.partial.version(self.url), self.partial.size_bytes
        if here and version is not None and (version.validator or self.has_checksum):
            headers["Range"] = f"bytes={here}-"
            if version.validator:
                headers["If-Range"] = version.validator
        answer = session.get(self.url, headers=headers, stream=True, timeout=self.patience.timeout_s)
        if answer.status_code in _TRY_LATER:
            answer.close()
            raise _BrokenOffError(f"the server answers {answer.status_code}", _retry_after_s(answer))
        if answer.status_code not in (200, 206, 416):
            answer.close()
            raise self._no_such_file(f"the server answers {answer.status_code} {answer.reason}")
        return answer

    def _prepare(self, answer: Response) -> int:
        """Make the partial file end where the answer begins; the size of the whole, 0 where nobody says."""
        first, total = _place(answer)
        self._require_size(total)
        version = version_of(self.url, answer.headers, total)
        here = self.partial.size_bytes
        if answer.status_code == 206:
            noted = self.partial.version(self.url)
            if noted is None or first != here or noted.differs_from(version):
                self._afresh("the file at the address has changed")
        else:
            if here:
                log.warning("%s: the rest cannot be had alone, or the file has changed; afresh", self.url)
            self.partial.start(version)
            here = 0
        require_room(self.partial.path.parent, max(total - here, 0), f"fetch {self.url}")
        size = in_units(total) if total else "a size that the server does not tell"
        log.info("%s: %s, %s of it here already", self.url, size, in_units(here))
        return total

    def _refused_range(self, answer: Response) -> None:
        """Nothing lies behind the part that is here: it is the whole file, or of another version."""
        whole = answer.headers.get("Content-Range", "").rpartition("/")[2]
        noted = self.partial.version(self.url)
        same = noted is not None and not noted.differs_from(version_of(self.url, answer.headers, 0))
        if not same or whole != str(self.partial.size_bytes):
            self._afresh("the part that is here does not belong to the file")
        self._require_size(self.partial.size_bytes)

    def _afresh(self, why: str) -> None:
        self.partial.clear()
        raise _BrokenOffError(f"{why}: it is fetched afresh")

    def _require_size(self, total: int) -> None:
        if self.size_bytes and total and total != self.size_bytes:
            raise FetchError(
                "the file at this address is not the one that was published",
                got=f"{self.url} with {total} bytes",
                wanted=f"{self.size_bytes} bytes",
                next_step="see what the owners say about a new release; a copy of yours can be checked as it is",
            )

    def _no_such_file(self, got: str) -> FetchError:
        return FetchError(
            "the address does not give the file",
            got=f"{self.url}: {got}",
            wanted="the owners' file",
            next_step="open the address in a browser; the owners may have moved the file or ask for a login",
        )


def _reason(fault: Exception) -> str:
    """The innermost cause, which is the one that a reader can do something about."""
    text = str(fault.args[0] if fault.args else type(fault).__name__)
    return text.rpartition("(Caused by ")[2]


def _place(answer: Response) -> tuple[int, int]:
    """Where in the file an answer begins, and how long the whole is (0: not said)."""
    if answer.status_code == 206:
        match = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if match is None:
            return -1, 0
        return int(match["first"]), 0 if match["size"] == "*" else int(match["size"])
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else 0


def _retry_after_s(answer: Response) -> float:
    wait = answer.headers.get("Retry-After", "")
    return float(wait) if wait.isdecimal() else 0.0


def _shown(advance: Callable[[float, float], None]) -> Callable[[int, int], None]:
    """Progress in bytes; where the server does not say how much comes, a line whenever 10 MB more are here."""
    last = 0

    def shown(done: int, total: int) -> None:
        nonlocal last
        if total:
            advance(done, total)
        elif done - last >= 10_000_000:
            last = done
            log.info("%s have arrived; the server does not say how much there is", in_units(done))

    return shown
