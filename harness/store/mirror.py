"""A folder at an fsspec address (`s3://bucket/prefix`, `gs://...`), read and written through files on this disk.

How to get there (`endpoint_url`, a profile, a region) is fsspec's own configuration: `FSSPEC_S3_ENDPOINT_URL=...`
in the environment, or a file in `~/.config/fsspec`. Credentials are those of the service's own tools; they are
never part of a message. What a service refuses for a moment is tried again by fsspec's file systems themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, StoreError
from harness.paths import cache_root, written_beside
from harness.store.faults import FULL, refusal

EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}
"""Protocol -> the optional dependencies that bring its file system."""
READ_ONLY = ("http", "https")
FOLDERS = ("file", "local")
AT_ONCE = 16
QUICK = {"connect_timeout": 5, "read_timeout": 30, "retries": {"mode": "standard", "max_attempts": 3}}
"""Of botocore, unless fsspec's configuration says otherwise: a server that is not there is told in seconds."""


def is_address(place: str) -> bool:
    """Whether this is no folder of this machine's file system.

    >>> [is_address(place) for place in ("s3://bucket/prefix", "/data/store", "file:///data/store")]
    [True, False, False]
    """
    return "://" in place and _protocol(place) not in FOLDERS


def folder_of(place: str) -> Path:
    """The folder that a place which is no address names."""
    return Path(re.sub(r"^\w+://", "", place)).expanduser()


def _protocol(address: str) -> str:
    return address.partition("://")[0].partition("::")[0].lower()


def shown(address: str) -> str:
    """An address without what should not be read by others.

    >>> shown("s3://name:secret@bucket/prefix?token=1")
    's3://bucket/prefix'
    """
    return re.sub(r"://[^/@]*@", "://", address).partition("?")[0]


def trimmed(address: str) -> str:
    """Without slashes at its end, so that one place has one spelling.

    >>> trimmed("s3://bucket/prefix//"), trimmed("s3://")
    ('s3://bucket/prefix', 's3://')
    """
    return re.sub(r"(?<![:/])/+$", "", address)


class Remote:
    """Files below an address, named by paths relative to it. Nothing is cached; every call asks the service.

    Args:
        address: of the folder; it need not exist yet, its bucket has to.

    Raises:
        StoreError: from every method, where the service cannot be reached or refuses.
    """

    def __init__(self, address: str) -> None:
        self.address = trimmed(address)

    def __reduce__(self) -> tuple[object, ...]:
        return Remote, (self.address,)

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        import fsspec

        protocol = _protocol(self.address)
        if protocol in READ_ONLY or not self.address.partition("://")[2].strip("/"):
            raise StoreError(
                "this address cannot be a store",
                got=shown(self.address),
                wanted="a folder, or an address that can be written, such as s3://bucket/prefix",
                next_step="change store=",
            )
        given = fsspec.config.conf.get("s3", {}) if EXTRAS.get(protocol) == "s3" else None
        quick = given is not None and "config_kwargs" not in given
        with self._reaching():
            fs, path = fsspec.core.url_to_fs(self.address, **({"config_kwargs": QUICK} if quick else {}))
        return fs, str(path).rstrip("/")

    def _at(self, path: str) -> str:
        return f"{self._opened[1]}/{path}"

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Whatever a service's client raises is told as one error; there is no list of what they may raise."""
        try:
            yield
        except HarnessError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in FULL:
                raise refusal(error, cache_root()) from error
            raise _unreachable(self.address, error) from error

    # --------------------------------------------------------------------------------------------- reading

    def sizes(self, folder: str) -> dict[str, int]:
        """What lies directly in a folder, by name, with its size in bytes; empty where there is no folder."""
        fs, _ = self._opened
        at = self._at(folder)
        with self._reaching():
            fs.invalidate_cache()
            try:
                entries = fs.ls(at, detail=True)
            except FileNotFoundError:
                self._require_bucket()
                return {}
        names = ((str(entry["name"]).rstrip("/").rpartition("/")[2], entry) for entry in entries)
        return {name: int(entry["size"] or 0) for name, entry in names if name}

    def _require_bucket(self) -> None:
        """A prefix comes into being with its first file; a bucket does not."""
        fs, path = self._opened
        bucket = path.partition("/")[0]
        if not bucket or fs.exists(bucket):
            return
        with suppress(PermissionError):  # who may see a prefix need not be allowed to see the bucket
            fs.ls(bucket)

    def read(self, paths: Sequence[str]) -> dict[str, bytes]:
        """The content of those of these small files that exist."""

        def content(path: str) -> bytes | None:
            try:
                found: bytes = self._opened[0].cat_file(self._at(path))
            except FileNotFoundError:
                return None
            return found

        return {path: text for path, text in self._all(content, paths) if text is not None}

    def fetch(self, wanted: Mapping[str, Path]) -> None:
        """Bring files to this disk, each whole or not at all; those that do not exist are left out."""

        def bring(path: str) -> None:
            try:
                with written_beside(wanted[path]) as temporary:
                    self._opened[0].get_file(self._at(path), str(temporary))
            except FileNotFoundError:
                return

        self._all(bring, list(wanted))

    def _all(self, work: Callable[[str], Any], paths: Sequence[str]) -> list[tuple[str, Any]]:
        """Many at a time: what takes long is the way there and back."""
        if not paths:
            return []
        with self._reaching(), ThreadPoolExecutor(min(AT_ONCE, len(paths)), "mirror") as pool:
            return list(zip(paths, pool.map(work, paths), strict=True))

    # --------------------------------------------------------------------------------------------- writing

    def push(self, files: Mapping[str, Path], last: str) -> None:
        """Upload files, and after all others the one at `last`, whose presence says that they are whole."""

        def send(path: str) -> None:
            self._opened[0].put_file(str(files[path]), self._at(path))

        self._all(send, [path for path in files if path != last])
        self._all(send, [last])

    def remove(self, folder: str, first: str) -> None:
        """Remove the files that lie in a folder, `first` before all others."""

        def drop(path: str) -> None:
            try:
                self._opened[0].rm_file(self._at(path))
            except FileNotFoundError:
                return

        self._all(drop, [f"{folder}/{first}"])
        self._all(drop, [f"{folder}/{name}" for name in self.sizes(folder)])


def _unreachable(address: str, error: Exception) -> StoreError:
    """What went wrong on the way to a service, and what helps."""
    text = re.sub(r"[^\s\"'/]*@", "", f"{type(error).__name__}: {error}")
    return StoreError(
        f"the store at {shown(address)} cannot be reached",
        got=" ".join(text.split()),
        wanted="a bucket or folder that this user may list, read and write",
        next_step=_remedy(address, error),
    )


def _remedy(address: str, error: Exception) -> str:
    extra = EXTRAS.get(_protocol(address))
    if isinstance(error, ImportError):
        return f'pip install "emoharness[{extra}]"' if extra else "install the package that fsspec names"
    if isinstance(error, FileNotFoundError):
        return "make the bucket first, or correct store="
    if isinstance(error, PermissionError) or "Credential" in type(error).__name__:
        return "log in with the service's own tool (for S3: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
    if extra == "s3":
        return "look at the network and at the endpoint (FSSPEC_S3_ENDPOINT_URL=http://host:port)"
    return "correct store=, or look at fsspec's configuration in ~/.config/fsspec"
