"""`limner.studio.history`: what a browser made is there again, for that browser only, until it is deleted."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from limner.errors import NotFoundError, OutputError, StorageFullError
from limner.studio.history import History, local_history
from limner.studio.made import Made


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """An empty history."""
    opened = local_history(tmp_path)
    yield opened
    opened.close()


def kept(history: History, made: Made) -> str:
    """Ann keeps one more such picture; its id."""
    another = Made(shown=made.shown, kind=made.kind)
    history.add("ann", another)
    return another.id


def test_a_picture_survives_a_restart(tmp_path: Path, made: Made) -> None:
    """Its pixels to the bit, and all its settings, the largest seed too."""
    first = local_history(tmp_path)
    name = kept(first, made)
    first.close()
    second = local_history(tmp_path)
    [entry] = second.entries("ann")
    found = second.get("ann", entry.id)
    second.close()
    assert (entry.id, entry.seed, entry.prompt) == (name, 2**63 - 1, "two cats")
    assert np.array_equal(found.shown.picture.pixels_HWC, made.shown.picture.pixels_HWC)
    told = [
        (each.prompt, each.steps, each.guidance, each.seed, each.style) for each in (found.shown, made.shown)
    ]
    assert told[0] == told[1]


def test_nobody_sees_what_another_made(history: History, made: Made) -> None:
    """Neither in the list nor by its id, and nobody can delete it."""
    name = kept(history, made)
    assert history.entries("bob") == []
    with pytest.raises(NotFoundError):
        history.get("bob", name)
    with pytest.raises(NotFoundError):
        history.delete("bob", name)
    assert history.clear("bob") == []
    assert [entry.id for entry in history.entries("ann")] == [name]


def test_the_newest_comes_first(tmp_path: Path, made: Made) -> None:
    """And no more than are asked for."""
    times = iter(range(1_000_000, 1_000_009))
    history = local_history(tmp_path, clock=lambda: float(next(times)))
    names = [kept(history, made) for _ in range(3)]
    assert [entry.id for entry in history.entries("ann", 2)] == [names[2], names[1]]
    history.close()


def test_deleting_leaves_nothing_behind(history: History, made: Made, tmp_path: Path) -> None:
    """One, or all: neither a row nor a file."""
    first, *others = (kept(history, made) for _ in range(3))
    history.delete("ann", first)
    assert len(list((tmp_path / "pictures").iterdir())) == len(history.entries("ann")) == 2
    assert sorted(history.clear("ann")) == sorted(others)
    assert [*(tmp_path / "pictures").iterdir(), *history.entries("ann")] == []


def test_a_full_history_says_so(tmp_path: Path, made: Made) -> None:
    """And keeps nothing of the picture that found no room."""
    history = local_history(tmp_path, max_bytes=1)
    with pytest.raises(StorageFullError, match="delete some in the tab History"):
        history.add("ann", made)
    assert [*(tmp_path / "pictures").iterdir(), *history.entries("ann")] == []
    history.close()


def test_a_row_that_cannot_be_written_leaves_no_file(history: History, made: Made, tmp_path: Path) -> None:
    """The two are there together or not at all."""
    with sqlite3.connect(tmp_path / "history.sqlite3") as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON pictures BEGIN SELECT RAISE(FAIL, 'full'); END"
        )
    database.close()
    with pytest.raises(OutputError, match="The history cannot be read or written"):
        history.add("ann", made)
    assert list((tmp_path / "pictures").iterdir()) == []


def test_what_a_killed_process_left_is_swept_up(history: History, made: Made, tmp_path: Path) -> None:
    """A file without a row, once it is old enough not to be somebody's write in progress."""
    name = kept(history, made)
    for stray, age in (("old", 1), ("new", None)):
        path = tmp_path / "pictures" / f"{stray}.png"
        path.write_bytes(b"")
        if age is not None:
            os.utime(path, (age, age))
    os.utime(tmp_path / "pictures" / f"{name}.png", (1, 1))
    local_history(tmp_path).close()
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == {name, "new"}


def test_the_database_holds_no_cookie(history: History, made: Made, tmp_path: Path) -> None:
    """Who reads the disk cannot pass for a browser."""
    history.add("a-cookie-that-is-secret", made)
    assert b"a-cookie-that-is-secret" not in (tmp_path / "history.sqlite3").read_bytes()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """With the setting that names another."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="LIMNER_DATA_DIR"):
        local_history(tmp_path / "file")
