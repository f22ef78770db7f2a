"""`limner.storage.batches`: a batch is there wholly or not at all, for its owner, until it is long over."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from limner.errors import InvalidRequestError, LimnerError, NotFoundError, StorageFullError
from limner.storage.batches import Batch, BatchStatus, BatchStore
from tests.clock import Clock

DAY = 24 * 3600


@pytest.fixture
def clock() -> Clock:
    """A clock at some time in 2026."""
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> BatchStore:
    """An empty store."""
    return BatchStore(tmp_path / "batches", clock, max_bytes=100)


def add(store: BatchStore, clock: Clock, owner: str = "ann", status: BatchStatus = "in_progress") -> Batch:
    """A batch that comes a second later than the one before."""
    clock.now += 1
    batch = Batch(
        id=store.new_id(),
        owner=owner,
        key=owner,
        origin="",
        endpoint="/v1/images/generations",
        input_file_id="file-1",
        completion_window="24h",
        status=status,
        created_at=store.now(),
        expires_at=store.now() + DAY,
        errors=({"code": "x"},),
    )
    source = store._folder / "source"
    source.write_bytes(b"lines")
    store.add(batch, source)
    return batch


def lists(store: BatchStore) -> list[str]:
    """The lists that lie there."""
    return sorted(path.name.partition(".")[2] for path in store._folder.glob("*/*.jsonl"))


def test_what_was_added_is_known(store: BatchStore, clock: Clock) -> None:
    """With all its facts, and its lines, whatever becomes of the upload."""
    batch = add(store, clock)
    (store._folder / "source").unlink()
    assert store.get(batch.id, owner="ann") == batch
    assert store.list_path(batch, "input").read_bytes() == b"lines"
    assert store.unfinished() == store.unfinished("ann") == [batch]


def test_when_it_is_over_its_lists_are_gone(store: BatchStore, clock: Clock) -> None:
    """And it is not unfinished any more."""
    batch = add(store, clock)
    store.put(replace(batch, status="completed"))
    assert (lists(store), store.unfinished()) == ([], [])
    assert add(store, clock, status="failed").over
    assert lists(store) == []


@pytest.mark.parametrize("batch_id", ["batch_0", "../x", "", "batch_" + "0" * 48])
def test_what_is_not_there_is_not_found(store: BatchStore, batch_id: str) -> None:
    """Whatever the id looks like."""
    with pytest.raises(NotFoundError, match="No batch found"):
        store.get(batch_id, owner="ann")


def test_owners_do_not_see_each_other(store: BatchStore, clock: Clock) -> None:
    """Neither one batch nor the list of them."""
    batch = add(store, clock)
    with pytest.raises(NotFoundError):
        store.get(batch.id, owner="bob")
    assert store.page(owner="bob").batches == ()
    assert store.unfinished("bob") == []


def test_pages_begin_with_the_newest(store: BatchStore, clock: Clock) -> None:
    """And go on after the one that is named."""
    made = [add(store, clock) for _ in range(3)]
    first = store.page(owner="ann", limit=2)
    assert (list(first.batches), first.has_more) == ([made[2], made[1]], True)
    rest = store.page(owner="ann", limit=2, after=made[1].id)
    assert (list(rest.batches), rest.has_more) == ([made[0]], False)


@pytest.mark.parametrize(("asked", "param"), [({"limit": 0}, "limit"), ({"limit": 101}, "limit")])
def test_a_page_that_cannot_be_is_refused(store: BatchStore, asked: dict[str, int], param: str) -> None:
    """By name."""
    with pytest.raises(InvalidRequestError) as refused:
        store.page(owner="ann", limit=asked["limit"])
    assert refused.value.param == param


def test_answers_have_limited_room(store: BatchStore, clock: Clock) -> None:
    """All batches that are not over together; what is over makes room."""
    batch = add(store, clock)
    store.list_path(batch, "output").write_bytes(bytes(90))
    with pytest.raises(StorageFullError, match="LIMNER_STORE_BYTES"):
        store.take_room(11)
    store.put(replace(batch, status="completed"))
    store.take_room(11)


def test_what_is_long_over_is_forgotten(store: BatchStore, clock: Clock) -> None:
    """And what a kill left; what is not over stays, however old it is."""
    old, running = add(store, clock), add(store, clock)
    store.put(replace(old, status="completed"))
    for kind in ("input", "output"):
        store.list_path(old, "input").with_name(f"{old.id}.{kind}.jsonl").write_bytes(b"left")
    for path in store._folder.glob("*/*"):
        os.utime(path, (clock.now, clock.now))
    clock.now += 3601
    assert store.sweep() == 2
    clock.now += 30 * DAY
    assert store.sweep() == 1
    assert store.page(owner="ann").batches == (running,)
    assert lists(store) == ["input.jsonl"]


def test_only_one_process_has_the_right_to_work(store: BatchStore) -> None:
    """Until it lets go of it."""
    right = store.lock()
    assert right is not None
    assert store.lock() is None
    right.close()
    again = store.lock()
    assert again is not None
    again.close()


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]"])
def test_a_damaged_state_is_told(store: BatchStore, clock: Clock, damage: bytes) -> None:
    """With the file's name, and what to do."""
    batch = add(store, clock)
    store._state_path(batch).write_bytes(damage)
    with pytest.raises(LimnerError, match=r"cannot be read .*: delete it"):
        store.get(batch.id, owner="ann")
