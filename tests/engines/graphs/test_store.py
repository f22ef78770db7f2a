"""Conversions on disk are complete or absent, and a damaged one is found out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from limner.engines.graphs.identity import Hashes
from limner.engines.graphs.store import Store
from limner.errors import OutputError


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty one, in a folder that is not there yet."""
    return Store(tmp_path / "store", Hashes(tmp_path / "hashes.json"))


def write(folder: Path) -> None:
    """Two files, as a conversion leaves them."""
    (folder / "denoiser.xml").write_text("a graph")
    (folder / "denoiser.bin").write_bytes(bytes(100))


def test_what_was_kept_is_found(store: Store, tmp_path: Path) -> None:
    """By another process too; nothing else is left in the place."""
    kept = store.keep("name", write)
    assert store.find("name") == kept
    assert Store(tmp_path / "store", Hashes(None)).find("name") == kept
    assert (kept / "denoiser.xml").read_text() == "a graph"
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["name"]


def test_what_was_never_kept_is_not_found(store: Store) -> None:
    """Not even in a place that is not there."""
    assert store.find("name") is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "denoiser.bin").write_bytes(bytes(99)),
        lambda folder: (folder / "denoiser.bin").write_bytes(bytes([1] * 100)),
        lambda folder: (folder / "denoiser.xml").unlink(),
        lambda folder: (folder / "contents.json").unlink(),
        lambda folder: (folder / "contents.json").write_text("{"),
        lambda folder: (folder / "contents.json").write_text("[]"),
    ],
    ids=["short", "another byte", "a file is gone", "no contents", "cut contents", "other contents"],
)
def test_a_damaged_folder_is_taken_away(store: Store, damage: Callable[[Path], object]) -> None:
    """It is not found, and can be written anew."""
    kept = store.keep("name", write)
    damage(kept)
    assert store.find("name") is None
    assert not kept.exists()
    assert store.keep("name", write) == kept
    assert store.find("name") == kept


def test_a_conversion_that_fails_leaves_nothing(store: Store, tmp_path: Path) -> None:
    """Neither under its name nor beside it."""

    def fail(folder: Path) -> None:
        write(folder)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.keep("name", fail)
    assert list((tmp_path / "store").iterdir()) == []


def test_two_that_convert_at_once_leave_one(store: Store, tmp_path: Path) -> None:
    """The slower one finds what the faster one wrote."""

    def outrun(folder: Path) -> None:
        write(folder)
        store.keep("name", write)

    kept = store.keep("name", outrun)
    assert store.find("name") == kept
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["name"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """With what to do about it."""
    (tmp_path / "store").write_text("a file")
    with pytest.raises(OutputError, match="LIMNER_CACHE_DIR"):
        Store(tmp_path / "store", Hashes(None)).keep("name", write)
