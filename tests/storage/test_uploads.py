"""`limner.storage.uploads`: each owner's files, as long as they are wanted."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.errors import InvalidRequestError, LimnerError, NotFoundError, StorageFullError
from limner.storage.uploads import Upload, UploadStore
from tests.clock import Clock

DAY = 24 * 3600


@pytest.fixture
def clock() -> Clock:
    """A clock at some time in 2026."""
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> UploadStore:
    """An empty store."""
    return UploadStore(tmp_path / "uploads", clock)


def add(store: UploadStore, clock: Clock, *purposes: str) -> list[Upload]:
    """One file for each purpose, a second apart."""
    added = []
    for purpose in purposes:
        clock.now += 1
        added.append(store.add(b"x", owner="ann", filename=purpose, purpose=purpose))
    return added


def on_disk(store: UploadStore) -> list[Path]:
    """All files below the store's folder."""
    return sorted(path for path in store._depot.folder.rglob("*") if path.is_file())


def test_a_file_comes_back(store: UploadStore, clock: Clock) -> None:
    """Its bytes, and what the API tells of a file."""
    upload = store.add(b"bytes", owner="ann", filename="my dog.png", purpose="vision")
    assert store.get(upload.id, owner="ann") == upload
    content = store.content(upload.id, owner="ann")
    assert content.path.read_bytes() == b"bytes"
    assert (content.size, content.etag) == (5, f'"{hashlib.sha256(b"bytes").hexdigest()}"')
    assert (upload.filename, upload.purpose, upload.bytes) == ("my dog.png", "vision", 5)
    assert (upload.created_at, upload.expires_at, upload.status) == (int(clock.now), None, "processed")


def test_content_is_never_of_a_type_that_browsers_run(store: UploadStore) -> None:
    """A page with a script that was uploaded as a picture is served as bytes."""
    upload = store.add(b"<script>", owner="ann", filename="a.html", purpose="vision")
    assert store.content(upload.id, owner="ann").media_type == "application/octet-stream"


def test_a_restart_keeps_files(store: UploadStore, tmp_path: Path) -> None:
    """Another store on the same folder finds what the first one kept."""
    upload = store.add(b"x", owner="ann", filename="a", purpose="vision")
    assert UploadStore(tmp_path / "uploads").get(upload.id, owner="ann") == upload


def test_owners_do_not_see_each_other(store: UploadStore) -> None:
    """Another owner's file cannot be listed, read or deleted, as if it was not there."""
    upload = store.add(b"x", owner="ann", filename="a", purpose="vision")
    assert store.page(owner="bob").uploads == ()
    for reach in (store.get, store.content, store.delete):
        with pytest.raises(NotFoundError, match=f"No such File object: {upload.id}"):
            reach(upload.id, owner="bob")
    assert store.get(upload.id, owner="ann") == upload


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.text(st.characters(codec="utf-8")),
    st.text(st.characters(codec="utf-8"))
    | st.sampled_from(["../../etc/passwd", "/etc/passwd", "a\0b", "CON"]),
)
def test_neither_owner_nor_filename_is_a_path(store: UploadStore, owner: str, filename: str) -> None:
    """Any text is fine for both, comes back as it was, and leaves nothing outside the store's folder."""
    upload = store.add(b"x", owner=owner, filename=filename, purpose="vision")
    assert store.get(upload.id, owner=owner).filename == filename
    assert list(store._depot.folder.parent.iterdir()) == [store._depot.folder]
    store.delete(upload.id, owner=owner)


@settings(deadline=None, derandomize=True)
@given(st.text() | st.text("./\\%\0\n0123456789abcdef", max_size=60).map("file-{}".format))
def test_no_id_leaves_the_folder(tmp_path_factory: pytest.TempPathFactory, upload_id: str) -> None:
    """An id of another form is unknown, before the disk is touched."""
    store = UploadStore(tmp_path_factory.getbasetemp())
    for reach in (store.get, store.content, store.delete):
        with pytest.raises(NotFoundError):
            reach(upload_id, owner="ann")


def test_a_deleted_file_is_gone(store: UploadStore) -> None:
    """Nothing of it is left on disk, and it cannot be deleted twice."""
    upload = store.add(b"x", owner="ann", filename="a", purpose="vision")
    store.delete(upload.id, owner="ann")
    assert on_disk(store) == []
    with pytest.raises(NotFoundError):
        store.delete(upload.id, owner="ann")


def test_lists_are_in_order_and_in_pages(store: UploadStore, clock: Clock) -> None:
    """Newest first unless asked otherwise; a page goes on after the last one's last id."""
    ids = [upload.id for upload in add(store, clock, *["vision"] * 5)]
    assert [upload.id for upload in store.page(owner="ann").uploads] == ids[::-1]
    first = store.page(owner="ann", limit=2, order="asc")
    rest = store.page(owner="ann", after=ids[1], order="asc")
    assert ([upload.id for upload in first.uploads], first.has_more) == (ids[:2], True)
    assert ([upload.id for upload in rest.uploads], rest.has_more) == (ids[2:], False)
    back = store.page(owner="ann", limit=1, after=ids[2])
    assert ([upload.id for upload in back.uploads], back.has_more) == ([ids[1]], True)


def test_lists_can_be_of_one_purpose(store: UploadStore, clock: Clock) -> None:
    """The others are not counted either."""
    vision, _ = add(store, clock, "vision", "batch")
    page = store.page(owner="ann", purpose="vision", limit=1)
    assert (page.uploads, page.has_more) == ((vision,), False)


@pytest.mark.parametrize(
    ("asked", "param", "message"),
    [
        ({"limit": 0}, "limit", "integer below minimum value. Expected a value >= 1, but got 0 instead"),
        ({"limit": 10_001}, "limit", "integer above maximum value. Expected a value <= 10000"),
        ({"order": "up"}, "order", "Invalid value: 'up'. Supported values are: 'asc' and 'desc'."),
        ({"after": "../x"}, "after", "'../x' is not the id of a file"),
    ],
)
def test_an_impossible_list_is_refused(
    store: UploadStore, asked: dict[str, object], param: str, message: str
) -> None:
    """The error names the parameter, in the API's words."""
    with pytest.raises(InvalidRequestError, match=message) as caught:
        store.page(owner="ann", **asked)  # type: ignore[arg-type]
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"purpose": "evals"}, "purpose"),
        ({"expires_after": 3599}, "expires_after[seconds]"),
        ({"expires_after": 30 * DAY + 1}, "expires_after[seconds]"),
        ({"filename": "a\ud800"}, "file"),
    ],
)
def test_an_impossible_file_is_refused(store: UploadStore, given: dict[str, object], param: str) -> None:
    """Nothing is written, and the error names the field."""
    facts: dict[str, object] = {"owner": "ann", "filename": "a", "purpose": "vision"}
    with pytest.raises(InvalidRequestError) as caught:
        store.add(b"x", **facts | given)  # type: ignore[arg-type]
    assert caught.value.param == param
    assert on_disk(store) == []


def test_files_expire_when_they_should(store: UploadStore, clock: Clock) -> None:
    """At once for readers, and from the disk with the next sweep; batches after 30 days, others never."""
    hour = store.add(b"x", owner="ann", filename="a", purpose="vision", expires_after=3600)
    month = store.add(b"x", owner="bob", filename="b", purpose="batch")
    always = store.add(b"x", owner="ann", filename="c", purpose="vision")
    clock.now += 3600
    with pytest.raises(NotFoundError):
        store.get(hour.id, owner="ann")
    assert store.page(owner="ann").uploads == (always,)
    assert (store.sweep(), len(on_disk(store))) == (2, 4)
    clock.now += 30 * DAY
    assert month.expires_at is not None
    assert (store.sweep(), store.page(owner="bob").uploads) == (2, ())
    assert store.get(always.id, owner="ann") == always


def test_what_killed_processes_left_is_swept(store: UploadStore, clock: Clock) -> None:
    """Bytes without facts and temporary files go after an hour; whole files stay."""
    upload = store.add(b"x", owner="ann", filename="a", purpose="vision")
    folder = on_disk(store)[0].parent
    for name in ("file-" + "0" * 48, ".0123456789abcdef.tmp"):
        (folder / name).write_bytes(b"x")
    for path in on_disk(store):
        os.utime(path, (clock.now, clock.now))
    clock.now += 3600
    assert store.sweep() == 0
    clock.now += 1
    assert store.sweep() == 2
    assert store.get(upload.id, owner="ann") == upload


def test_a_full_store_refuses(tmp_path: Path, clock: Clock) -> None:
    """All owners share the room; what has expired makes some."""
    store = UploadStore(tmp_path, clock, max_bytes=2000)
    store.add(b"x" * 1000, owner="ann", filename="a", purpose="vision", expires_after=3600)
    with pytest.raises(StorageFullError, match="Delete files"):
        store.add(b"x" * 1000, owner="bob", filename="b", purpose="vision")
    clock.now += 3600
    store.add(b"x" * 1000, owner="bob", filename="b", purpose="vision")


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b"\xff", b'{"id": 1}'])
def test_damaged_facts_are_told(store: UploadStore, damage: bytes) -> None:
    """Facts that cannot be read are an error that names the file, not a file that is silently gone."""
    upload = store.add(b"x", owner="ann", filename="a", purpose="vision")
    on_disk(store)[1].write_bytes(damage)
    with pytest.raises(LimnerError, match=rf"{upload.id}\.json cannot be read .*: delete it"):
        store.get(upload.id, owner="ann")


def test_what_a_batch_put_out_is_adopted_once(store: UploadStore, tmp_path: Path) -> None:
    """Under the id that was chosen before, for 30 days; done again, it changes nothing."""
    source = tmp_path / "answers"
    source.write_bytes(b"answers")
    upload_id = store.new_id()
    first = store.adopt(source, upload_id, owner="ann", filename="a.jsonl")
    assert store.adopt(source, upload_id, owner="ann", filename="a.jsonl") == first
    source.unlink()
    assert store.content(upload_id, owner="ann").path.read_bytes() == b"answers"
    assert (first.purpose, first.bytes, first.expires_at) == (
        "batch_output",
        7,
        first.created_at + 30 * 24 * 3600,
    )
    assert store.page(owner="ann").uploads == (first,)


def test_an_adoption_that_was_cut_off_is_made_good(store: UploadStore, tmp_path: Path) -> None:
    """A kill between the bytes and the facts leaves what the next attempt replaces."""
    source = tmp_path / "answers"
    source.write_bytes(b"answers")
    upload_id = store.new_id()
    store.adopt(source, upload_id, owner="ann", filename="a", expires_after=3600)
    next(store._depot.folder.glob("*/*.json")).unlink()
    store.adopt(source, upload_id, owner="ann", filename="a", expires_after=3600)
    assert store.get(upload_id, owner="ann").bytes == 7
