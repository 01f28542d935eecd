"""A real web server on loopback, with the habits that real ones have: good, lazy, broken."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Page:
    """What the server gives at one address, and how."""

    body: bytes
    ranges: bool = True
    etag: str = '"one"'
    last_modified: str = ""
    cuts: list[int] = field(default_factory=list)
    """Each answer in turn ends after so many bytes of its body; answers after the last are whole."""
    statuses: list[int] = field(default_factory=list)
    """Each answer in turn is nothing but this status."""
    says_length: bool = True
    ignores_if_range: bool = False


@dataclass
class Site:
    """The pages, and every request that came: path, Range, If-Range, bytes sent."""

    address: str
    pages: dict[str, Page] = field(default_factory=dict)
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    sent_bytes: int = 0

    def put(self, path: str, body: bytes, **habits: object) -> str:
        self.pages[path] = Page(body, **habits)  # type: ignore[arg-type]
        return self.address + path


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        site = self.server.site
        wanted, condition = self.headers.get("Range", ""), self.headers.get("If-Range", "")
        site.requests.append((self.path, wanted, condition))
        page = site.pages.get(self.path)
        self.close_connection = True
        if page is None:
            self._nothing(404)
        elif page.statuses:
            self._nothing(page.statuses.pop(0))
        else:
            self._give(page, wanted, condition)

    def _nothing(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def _give(self, page: Page, wanted: str, condition: str) -> None:
        first, total = 0, len(page.body)
        valid = not condition or page.ignores_if_range or condition in (page.etag, page.last_modified)
        if wanted and page.ranges and valid:
            first = int(wanted.removeprefix("bytes=").rstrip("-"))
            if first >= total:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{total}")
                self._headers(page, 0)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{total - 1}/{total}")
        else:
            self.send_response(200)
        self._headers(page, total - first)
        body = page.body[first:]
        piece = body[: page.cuts.pop(0)] if page.cuts else body
        self.server.site.sent_bytes += len(piece)
        self.wfile.write(piece)

    def _headers(self, page: Page, length: int) -> None:
        for name, value in (("ETag", page.etag), ("Last-Modified", page.last_modified)):
            if value:
                self.send_header(name, value)
        if page.says_length:
            self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    site: Site


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server of its own for each test."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.site = Site(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.site
        server.shutdown()
        thread.join()
