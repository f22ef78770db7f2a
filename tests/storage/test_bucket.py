"""`limner.storage.bucket`: both stores in object storage, for any number of machines, against a real server of S3."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qsl, urlsplit

import pytest

from limner.errors import (
    ExpiredError,
    NotFoundError,
    OutputError,
    SettingsError,
    StorageDownError,
    StorageFullError,
)
from limner.storage.bucket import BucketDepot
from limner.storage.disk import DiskStore, StoredFile
from limner.storage.signing import signing_key
from limner.storage.uploads import UploadStore
from tests.clock import Clock
from tests.s3 import Bucket

HOUR = 3600

Depots: TypeAlias = Callable[[str], BucketDepot]


@pytest.fixture
def depots(s3: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Depots:
    """The bucket, as the machine of this name sees it; each test has a part of its own."""
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    return lambda machine: BucketDepot(f"{s3.url}/{tmp_path.name}", "things", tmp_path / machine)


def pictures(depot: BucketDepot, clock: Clock, max_bytes: float = 1000) -> DiskStore:
    """A machine's store of pictures."""
    return DiskStore(depot, signing_key(depot), HOUR, clock, max_bytes=max_bytes)


def follow(store: DiskStore, link: str) -> StoredFile:
    """What a server does with a link."""
    parts = urlsplit(link)
    return store.open(parts.path.rpartition("/")[2], dict(parse_qsl(parts.query)))


def test_a_link_works_on_every_machine(depots: Depots) -> None:
    """One machine draws, another that shares only the bucket hands out the same bytes, again and again."""
    link = pictures(depots("a"), Clock()).url_path(
        pictures(depots("a"), Clock()).put(b"picture", "png", "image/png")
    )
    other = pictures(depots("b"), Clock())
    for _ in range(2):
        found = follow(other, link)
        assert (found.path.read_bytes(), found.size, found.media_type) == (b"picture", 7, "image/png")


def test_machines_that_start_at_the_same_time_sign_alike(depots: Depots) -> None:
    """Of many that find no key, one makes it and all use it."""
    places = [depots(str(number)) for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(signing_key, places))) == 1


def test_what_has_expired_is_swept_from_bucket_and_disk(depots: Depots) -> None:
    """By any machine, and only what has; the key stays."""
    clock = Clock()
    one, two = pictures(depots("a"), clock), pictures(depots("b"), clock)
    old = one.url_path(one.put(b"old", "png", "image/png"))
    copy = follow(two, old).path
    clock.now += HOUR / 2
    new = one.put(b"new", "png", "image/png")
    clock.now += HOUR / 2 + 60
    assert two.sweep() == 1
    assert not copy.exists()
    assert {item.name for item in depots("c").items()} == {new, "signing.key"}
    with pytest.raises(ExpiredError):
        follow(one, old)


def test_copies_of_what_another_machine_deleted_go_in_time(
    depots: Depots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy whose object is gone is deleted when it is an hour old."""
    one, two = depots("a"), depots("b")
    one.put("x", b"x")
    copy = two.find("x")
    one.remove("x")
    assert two.items() == []
    assert copy.exists()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + HOUR + 1)
    assert two.items() == []
    assert not copy.exists()


def test_machines_share_one_limit(depots: Depots) -> None:
    """What one has put there, the other finds in use."""
    key_bytes = 32
    one, two = (pictures(depots(name), Clock(), 1000 + key_bytes) for name in "ab")
    one.put(b"x" * 900, "png", "image/png")
    with pytest.raises(StorageFullError, match="200 bytes do not fit"):
        two.put(b"x" * 200, "png", "image/png")
    assert two.put(b"x" * 100, "png", "image/png")


def test_a_picture_that_is_not_there_is_not_found(depots: Depots) -> None:
    """A good link to an object that somebody deleted is an error of ours."""
    store = pictures(depots("a"), Clock())
    name = store.put(b"x", "png", "image/png")
    depots("b").remove(name)
    with pytest.raises(NotFoundError, match="not there any more"):
        follow(store, store.url_path(name))


def test_files_are_the_same_on_every_machine(depots: Depots) -> None:
    """Uploaded to one, listed, read and deleted on another, and gone at once on all."""
    one, two = UploadStore(depots("a")), UploadStore(depots("b"))
    upload = one.add(b"bytes", owner="ann", filename="a.png", purpose="vision")
    assert two.get(upload.id, owner="ann") == upload
    assert two.page(owner="ann").uploads == (upload,)
    assert two.page(owner="bob").uploads == ()
    assert two.content(upload.id, owner="ann").path.read_bytes() == b"bytes"
    one.delete(upload.id, owner="ann")
    for store in (one, two):
        with pytest.raises(NotFoundError):
            store.content(upload.id, owner="ann")
        assert store.page(owner="ann").uploads == ()


def test_what_batches_put_out_is_shared(depots: Depots, tmp_path: Path) -> None:
    """A file of this disk is adopted, twice at the same id without harm, and read elsewhere."""
    (tmp_path / "answers").write_bytes(b"answers")
    one, two = UploadStore(depots("a")), UploadStore(depots("b"))
    upload_id = one.new_id()
    for store in (one, two):
        store.adopt(tmp_path / "answers", upload_id, owner="ann", filename="answers.jsonl")
    assert two.content(upload_id, owner="ann").path.read_bytes() == b"answers"


def test_files_expire_on_every_machine(depots: Depots) -> None:
    """One sweeps what another took in: its bytes and its facts."""
    clock = Clock()
    one, two = UploadStore(depots("a"), clock), UploadStore(depots("b"), clock)
    one.add(b"x", owner="ann", filename="a.png", purpose="vision", expires_after=HOUR)
    assert two.sweep() == 0
    clock.now += HOUR
    assert two.sweep() == 2
    assert depots("c").items() == []


def test_a_service_that_does_not_answer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3: Bucket
) -> None:
    """The error names the setting, and what else to look at."""
    for name, value in (dict(s3.environ) | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StorageDownError, match="LIMNER_STORAGE_URL, the AWS_"):
        signing_key(BucketDepot(s3.url, "things", tmp_path))


def test_what_is_away_for_a_moment_is_waited_for(depots: Depots, s3: Bucket) -> None:
    """Nobody learns of it, and nothing is lost that was there before."""
    depot = depots("a")
    depot.put("before", b"before")
    with ThreadPoolExecutor(1) as threads:
        with s3.down():
            kept = threads.submit(depot.put, "meanwhile", b"meanwhile")
        kept.result()
    assert (depot.read("before"), depots("b").read("meanwhile")) == (b"before", b"meanwhile")


def test_a_bucket_that_is_not_there_is_told(depots: Depots, tmp_path: Path) -> None:
    """At the start, when the key is looked for."""
    del depots  # which has told where the service is
    with pytest.raises(OutputError, match="LIMNER_STORAGE_URL"):
        signing_key(BucketDepot("s3://nothing", "things", tmp_path))


def test_without_its_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra."""
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(SettingsError, match=r"pip install 'limner\[cluster\]'"):
        BucketDepot("s3://bucket", "things", tmp_path)
