"""`limner.storage.batches`: a batch is there wholly or not at all, for its owner, until it is long over."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from limner.errors import CancelledError, InvalidRequestError, LimnerError, NotFoundError, StorageFullError
from limner.storage.batch_folder import FolderBatchStore
from limner.storage.batches import Batch, BatchStatus, BatchStore
from limner.storage.depot import FolderDepot
from tests.clock import Clock
from tests.postgres import Postgres

DAY = 24 * 3600

Open: TypeAlias = Callable[[], BatchStore]


@pytest.fixture
def clock() -> Clock:
    """A clock at some time in 2026."""
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where lines lie, and everything else that is not in a database."""
    return tmp_path / "batches"


@pytest.fixture
def local(folder: Path, clock: Clock) -> Iterator[FolderBatchStore]:
    """An empty store of one machine."""
    opened = FolderBatchStore(folder, clock, max_bytes=100)
    yield opened
    opened.release()


@pytest.fixture
def url(database_server: Postgres) -> str:
    """The URL of an empty database."""
    return database_server.fresh()


@pytest.fixture
def server(url: str, folder: Path, clock: Clock) -> Iterator[Open]:
    """Opens the store of one more server on the same database."""
    from limner.storage.database.batches import SharedBatchStore
    from limner.storage.database.connection import open_shared

    with ExitStack() as stack:

        def opened() -> BatchStore:
            database = stack.enter_context(closing(open_shared(url)))
            return SharedBatchStore(database, FolderDepot(folder), clock, max_bytes=100)

        yield opened


@pytest.fixture(params=["folder", "database"])
def store(request: pytest.FixtureRequest) -> BatchStore:
    """An empty store of each kind."""
    if request.param == "folder":
        found: BatchStore = request.getfixturevalue("local")
        return found
    opened: BatchStore = request.getfixturevalue("server")()
    return opened


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
    source = Path(os.environ["PYTEST_SOURCE"])
    source.write_bytes(b"lines")
    store.add(batch, source)
    source.unlink()
    return batch


@pytest.fixture(autouse=True)
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an upload lies before it is taken in."""
    monkeypatch.setenv("PYTEST_SOURCE", str(tmp_path / "source"))


def lists(folder: Path) -> list[str]:
    """The lists that lie there."""
    return sorted(path.name.partition(".")[2] for path in folder.glob("*/*.jsonl"))


def test_what_was_added_is_known(store: BatchStore, clock: Clock) -> None:
    """With all its facts, and its lines, whatever becomes of the upload; who took it in works it off."""
    batch = add(store, clock)
    assert store.get(batch.id, owner="ann") == batch
    assert store.lines(batch).read_bytes() == b"lines"
    assert (store.claim(), store.unfinished("ann")) == ([batch], 1)


def test_when_it_is_over_its_lists_are_gone(store: BatchStore, clock: Clock, folder: Path) -> None:
    """And it is not unfinished any more."""
    batch = add(store, clock)
    store.claim()
    over = replace(batch, status="completed")
    assert store.put(over) == store.get(batch.id, owner="ann") == over
    assert (lists(folder), store.claim(), store.unfinished("ann")) == ([], [], 0)
    assert add(store, clock, status="failed").over
    assert lists(folder) == []


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
    assert store.unfinished("bob") == 0


def test_pages_begin_with_the_newest(store: BatchStore, clock: Clock) -> None:
    """And go on after the one that is named."""
    made = [add(store, clock) for _ in range(3)]
    first = store.page(owner="ann", limit=2)
    assert (list(first.batches), first.has_more) == ([made[2], made[1]], True)
    rest = store.page(owner="ann", limit=2, after=made[1].id)
    assert (list(rest.batches), rest.has_more) == ([made[0]], False)


@pytest.mark.parametrize(
    ("asked", "param"), [({"limit": 0}, "limit"), ({"limit": 101}, "limit"), ({"after": "x"}, "after")]
)
def test_a_page_that_cannot_be_is_refused(local: BatchStore, asked: dict[str, Any], param: str) -> None:
    """By name."""
    with pytest.raises(InvalidRequestError) as refused:
        local.page(owner="ann", **asked)
    assert refused.value.param == param


def test_answers_are_there_again(store: BatchStore, clock: Clock) -> None:
    """Each in its file, whatever its line is called, and for whoever goes on with the batch."""
    batch = add(store, clock)
    answers = store.answers(batch)
    names = ["a", "nul \0", "half \ud800"]
    for name in names:
        assert answers.add(name, [b'{"custom_id": ', json.dumps(name).encode(), b"}"], failed=name == "a")
    answers.close()
    again = store.answers(batch)
    assert [again.has(name) for name in [*names, "b"]] == [True, True, True, False]
    assert (again.count(failed=True), again.count(failed=False)) == (1, 2)
    assert [line["custom_id"] for line in again.failures()] == ["a"]
    with again.file(failed=False) as path:
        told = [json.loads(line)["custom_id"] for line in path.read_bytes().splitlines()]
    assert sorted(told) == sorted(names[1:])
    again.close()


def test_answers_have_limited_room(store: BatchStore, clock: Clock) -> None:
    """All batches that are not over together; what is over makes room."""
    batch = add(store, clock)
    store.claim()
    answers = store.answers(batch)
    answers.add("a", [bytes(90)], failed=False)
    answers.close()
    with pytest.raises(StorageFullError, match="LIMNER_STORE_BYTES"):
        store.take_room(11)
    store.put(replace(batch, status="completed"))
    store.take_room(11)


def test_a_batch_is_cancelled_once(store: BatchStore, clock: Clock) -> None:
    """While it is in progress."""
    batch = add(store, clock)
    store.claim()
    cancelled = store.cancel(batch)
    assert (cancelled.status, cancelled.cancelling_at) == ("cancelling", store.now())
    clock.now += 5
    assert store.cancel(cancelled) == store.get(batch.id, owner="ann") == cancelled


def test_what_is_long_over_is_forgotten(local: FolderBatchStore, folder: Path, clock: Clock) -> None:
    """And what a kill left; what is not over stays, however old it is."""
    old, running = add(local, clock), add(local, clock)
    local.put(replace(old, status="completed"))
    for kind in ("input", "output"):
        local.lines(old).with_name(f"{old.id}.{kind}.jsonl").write_bytes(b"left")
    for path in folder.glob("*/*"):
        os.utime(path, (clock.now, clock.now))
    clock.now += 3601
    assert local.sweep() == 2
    clock.now += 30 * DAY
    assert local.sweep() == 1
    assert local.page(owner="ann").batches == (running,)
    assert lists(folder) == ["input.jsonl"]


def test_what_is_long_over_is_forgotten_by_the_database(
    server: Open, url: str, folder: Path, clock: Clock, database_server: Postgres
) -> None:
    """And lines that a kill left; what is not over stays."""
    store = server()
    old, running = add(store, clock), add(store, clock)
    store.put(replace(old, status="completed"))
    store.lines(old).write_bytes(b"left")
    for path in folder.glob("*/*"):
        os.utime(path, (clock.now, clock.now))
    assert store.sweep() == 0
    clock.now += 3601
    assert store.sweep() == 1
    database_server.run(url, "UPDATE batches SET changed = now() - interval '31 days'")
    assert store.sweep() == 1
    assert store.page(owner="ann").batches == (running,)
    assert lists(folder) == ["input.jsonl"]


def test_one_process_of_a_folder_works(local: BatchStore, folder: Path, clock: Clock) -> None:
    """Until it lets go of it."""
    other = FolderBatchStore(folder, clock)
    batch = add(local, clock)
    assert (local.claim(), other.claim()) == ([batch], [])
    local.release()
    assert (other.claim(), local.claim()) == ([batch], [])
    other.release()


def test_servers_do_not_work_on_the_same_batch(server: Open, clock: Clock) -> None:
    """Each holds those that it took in, and takes what is let go of, or what nobody has held for long."""
    here, there = server(), server()
    batch = add(here, clock)
    assert (there.claim(), here.claim()) == ([], [batch])
    here.release()
    assert (there.claim(), here.claim()) == ([batch], [])


def test_a_server_that_is_gone_loses_its_batches(
    server: Open, clock: Clock, url: str, database_server: Postgres
) -> None:
    """If it comes back it changes nothing any more, and no line has two answers."""
    here, there = server(), server()
    batch = add(here, clock)
    late = here.answers(batch)
    database_server.run(url, "UPDATE batches SET held_until = now() - interval '1 second'")
    assert there.claim() == [batch]
    assert here.claim() == []
    assert there.answers(batch).add("a", [b'"there"'], failed=False)
    assert not late.add("a", [b'"here"'], failed=True)
    with pytest.raises(CancelledError):
        here.put(replace(batch, status="completed"))
    assert there.get(batch.id, owner="ann") == replace(batch, completed=1)


def test_what_another_server_cancels_is_heard_of(server: Open, clock: Clock) -> None:
    """At the next claim, or when its holder says that it is at the end."""
    here, there = server(), server()
    batch = add(here, clock)
    there.cancel(there.get(batch.id, owner="ann"))
    assert [found.status for found in here.claim()] == ["cancelling"]
    found = here.put(replace(batch, status="finalizing", finalizing_at=here.now()))
    assert (found.status, found.finalizing_at, found.cancelling_at) == ("cancelling", None, here.now())


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]"])
def test_a_damaged_state_is_told(local: FolderBatchStore, clock: Clock, damage: bytes) -> None:
    """With the file's name, and what to do."""
    batch = add(local, clock)
    local._state_path(batch).write_bytes(damage)
    with pytest.raises(LimnerError, match=r"cannot be read .*: delete it"):
        local.get(batch.id, owner="ann")
