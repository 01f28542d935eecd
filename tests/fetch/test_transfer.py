"""Nothing that has arrived is fetched twice, and two versions of a file are never mixed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.contracts import Download
from harness.fetch import FetchError, Patience
from harness.fetch._file import fetch_file, file_names, known_checksum, pinned_commit
from harness.fetch._receipt import Fetched, Receipt

QUICK = Patience(attempts=3, first_wait_s=0, timeout_s=5)
BODY = np.random.default_rng(1).bytes(300_000)
OTHER = np.random.default_rng(2).bytes(300_000)
NOTHING = Receipt(corpus="mini")


def get(url: str, to: Path, receipt: Receipt = NOTHING, **facts: Any) -> Any:
    return fetch_file(Download(url=url, **facts), to, receipt, QUICK)


def cut_off(site: Any, tmp_path: Path, **habits: Any) -> tuple[str, Path]:
    """An address whose file was fetched to its 100,000th byte by a program that then gave up."""
    resumes = habits.get("ranges", True) and habits.get("etag", "some")
    cuts = [100_000, 0, 0] if resumes else [100_000] * 3
    url = site.put("/a.zip", BODY, cuts=cuts, **habits)
    with pytest.raises(FetchError, match="cannot be fetched to its end") as fault:
        get(url, tmp_path / "a.zip")
    assert "100.0 kB have arrived and are kept" in str(fault.value)
    site.pages["/a.zip"].cuts.clear()
    site.requests.clear()
    site.sent_bytes = 0
    return url, tmp_path / "a.zip"


def test_a_whole_file(site: Any, tmp_path: Path) -> None:
    url = site.put("/a.zip", BODY)
    got = get(url, tmp_path / "a.zip", size_bytes=len(BODY))
    assert (tmp_path / "a.zip").read_bytes() == BODY
    assert (got.size_bytes, got.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip"]


def test_cuts_are_mended_in_one_go(site: Any, tmp_path: Path) -> None:
    """More cuts than attempts: an attempt counts only if it brings nothing new."""
    url = site.put("/a.zip", BODY, cuts=[50_000] * 5)
    get(url, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == BODY
    assert site.sent_bytes == len(BODY)
    assert [wanted for _, wanted, _ in site.requests[1:3]] == ["bytes=50000-", "bytes=100000-"]


def test_the_next_program_goes_on(site: Any, tmp_path: Path) -> None:
    url, to = cut_off(site, tmp_path)
    assert to.with_name("a.zip.part").read_bytes() == BODY[:100_000]
    get(url, to)
    assert to.read_bytes() == BODY
    assert site.requests == [("/a.zip", "bytes=100000-", '"one"')]
    assert site.sent_bytes == 200_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip"]


def test_last_modified_holds_parts_together_too(site: Any, tmp_path: Path) -> None:
    date = "Mon, 05 Oct 2020 10:00:00 GMT"
    url, to = cut_off(site, tmp_path, etag='W/"weak"', last_modified=date)
    get(url, to)
    assert to.read_bytes() == BODY
    assert site.requests == [("/a.zip", "bytes=100000-", date)]


def test_a_server_without_ranges(site: Any, tmp_path: Path) -> None:
    url, to = cut_off(site, tmp_path, ranges=False)
    get(url, to)
    assert to.read_bytes() == BODY
    assert site.sent_bytes == len(BODY)


def test_a_server_without_ranges_that_cuts_for_ever_ends(site: Any, tmp_path: Path) -> None:
    """Each attempt starts afresh and brings nothing beyond the first: no endless loop."""
    url = site.put("/a.zip", BODY, ranges=False, cuts=[100_000] * 50)
    with pytest.raises(FetchError, match="cannot be fetched to its end"):
        get(url, tmp_path / "a.zip")
    assert len(site.requests) == QUICK.attempts


@pytest.mark.parametrize("ignores_if_range", [False, True])
def test_a_file_that_changed_in_between(site: Any, tmp_path: Path, ignores_if_range: bool) -> None:
    """Also where the server pays no heed to If-Range: its tag gives it away."""
    url, to = cut_off(site, tmp_path)
    site.put("/a.zip", OTHER, etag='"two"', ignores_if_range=ignores_if_range)
    get(url, to)
    assert to.read_bytes() == OTHER


def test_a_file_that_changed_and_shrank_below_the_part(site: Any, tmp_path: Path) -> None:
    url, to = cut_off(site, tmp_path)
    site.put("/a.zip", OTHER[:5_000], etag='"two"', ignores_if_range=True)
    get(url, to)
    assert to.read_bytes() == OTHER[:5_000]


def test_without_any_version_parts_are_not_joined(site: Any, tmp_path: Path) -> None:
    url, to = cut_off(site, tmp_path, etag="")
    site.put("/a.zip", OTHER, etag="")
    get(url, to)
    assert to.read_bytes() == OTHER
    assert site.requests == [("/a.zip", "", "")]


def test_without_any_version_a_checksum_lets_parts_be_joined(site: Any, tmp_path: Path) -> None:
    url, to = cut_off(site, tmp_path, etag="")
    get(url, to, checksum=f"md5:{hashlib.md5(BODY).hexdigest()}")
    assert to.read_bytes() == BODY
    assert site.sent_bytes == 200_000


def test_a_part_of_unknown_origin_is_dropped(site: Any, tmp_path: Path) -> None:
    (tmp_path / "a.zip.part").write_bytes(b"what is this?")
    get(site.put("/a.zip", BODY), tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == BODY


def test_a_part_of_another_address_is_dropped(site: Any, tmp_path: Path) -> None:
    cut_off(site, tmp_path)
    get(site.put("/b.zip", OTHER), tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == OTHER


def test_a_part_that_is_already_whole(site: Any, tmp_path: Path) -> None:
    """Killed between the last byte and the renaming."""
    url, to = cut_off(site, tmp_path)
    to.with_name("a.zip.part").write_bytes(BODY)
    get(url, to)
    assert to.read_bytes() == BODY
    assert site.sent_bytes == 0


def test_a_busy_server_is_asked_again(site: Any, tmp_path: Path) -> None:
    get(site.put("/a.zip", BODY, statuses=[503, 429]), tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == BODY


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_told_at_once(site: Any, tmp_path: Path, status: int) -> None:
    url = site.put("/a.zip", BODY, statuses=[status])
    with pytest.raises(FetchError, match=str(status)):
        get(url, tmp_path / "a.zip")
    assert len(site.requests) == 1


def test_nobody_answers(tmp_path: Path, site: Any) -> None:
    with pytest.raises(FetchError, match="refused"):
        get("http://127.0.0.1:9/a.zip", tmp_path / "a.zip")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/a.zip", "http://"])
def test_only_the_web(url: str, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="does not give the file"):
        get(url, tmp_path / "a.zip")


def test_another_size_than_published_is_refused_before_it_is_fetched(site: Any, tmp_path: Path) -> None:
    url = site.put("/a.zip", BODY)
    with pytest.raises(FetchError, match="300000 bytes"):
        get(url, tmp_path / "a.zip", size_bytes=300_001)
    assert not (tmp_path / "a.zip").exists()


def test_no_room_is_told_before_anything_is_fetched(site: Any, tmp_path: Path) -> None:
    url = site.put("/a.zip", BODY)
    page = site.pages["/a.zip"]
    page.says_length = False
    page.etag = '"x"\r\nContent-Length: 900000000000000000'
    with pytest.raises(FetchError, match="no room"):
        get(url, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_a_tampered_file_is_not_kept(site: Any, tmp_path: Path, kind: str) -> None:
    url = site.put("/a.zip", bytes([BODY[0] ^ 1]) + BODY[1:])
    with pytest.raises(FetchError, match="not the file that was expected"):
        get(url, tmp_path / "a.zip", checksum=f"{kind}:{hashlib.new(kind, BODY).hexdigest()}")
    assert list(tmp_path.iterdir()) == []


def test_a_tampered_file_on_disk_is_fetched_again(site: Any, tmp_path: Path) -> None:
    url = site.put("/a.zip", BODY)
    (tmp_path / "a.zip").write_bytes(OTHER)
    get(url, tmp_path / "a.zip", checksum=f"sha256:{hashlib.sha256(BODY).hexdigest().upper()}")
    assert (tmp_path / "a.zip").read_bytes() == BODY


def test_without_a_published_checksum_the_first_copy_is_held_against_the_next(
    site: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = site.put("/a.zip", BODY)
    caplog.set_level("INFO")
    receipt = NOTHING.with_file(get(url, tmp_path / "a.zip"))
    assert hashlib.sha256(BODY).hexdigest() in caplog.text
    assert "no checksum" in caplog.text
    site.put("/a.zip", OTHER, etag='"two"')
    (tmp_path / "a.zip").unlink()
    with pytest.raises(FetchError, match="the first copy had") as fault:
        get(url, tmp_path / "a.zip", receipt)
    assert "delete the receipt" in str(fault.value)


def test_a_checksum_that_is_none_is_told() -> None:
    with pytest.raises(FetchError, match="no checksum"):
        known_checksum(Download(url="http://x/a", checksum="crc32:1234"), NOTHING)


def test_an_archive_of_a_commit_is_not_held_against_the_first_copy() -> None:
    """Git hosts pack such archives anew on request."""
    url = "https://github.com/owner/corpus/archive/4b546d4.zip"
    fetched = Fetched(url=url, name="a.zip", size_bytes=1, sha256="0" * 64, published="", fetched="")
    receipt = NOTHING.with_file(fetched)
    assert pinned_commit(url) == "4b546d4"
    assert known_checksum(Download(url=url), receipt) == ""
    assert pinned_commit("https://github.com/owner/corpus/archive/refs/heads/main.zip") == ""
    assert pinned_commit("https://zenodo.org/records/1188976/files/Actors.zip?download=1") == ""


def test_names_on_disk_are_plain_and_apart() -> None:
    urls = ["http://x/a/data.zip?download=1", "http://y/b/data.zip", "http://z/", "http://z/%2e%2e%2fetc"]
    names = file_names([Download(url=url) for url in urls])
    assert len(set(names.values())) == len(urls)
    assert not any("/" in name or name.startswith(".") for name in names.values())
    assert names[urls[0]] == "data.zip"


def test_the_note_beside_a_part_can_be_read_by_people(site: Any, tmp_path: Path) -> None:
    url, to = cut_off(site, tmp_path)
    note = json.loads(to.with_name("a.zip.part.json").read_text())
    assert note == {"url": url, "etag": '"one"', "last_modified": "", "size_bytes": len(BODY)}
