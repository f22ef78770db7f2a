"""`limner.files`: a file is whole or absent, and a failure says what to do."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import pytest

from limner.errors import LimnerError, OutputError
from limner.files import link_or_copy, sha256_of, take_lock, write_atomic, write_json_atomic


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk runs full when the bytes are to reach it, which is when a real one says so."""

    def fsync(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)


def test_all_bytes_arrive(tmp_path: Path) -> None:
    """A written file holds exactly the data, and nothing else is left in its folder."""
    path = tmp_path / "picture.png"
    write_atomic(path, b"\x00\r\n\xff" * 50_000)
    assert path.read_bytes() == b"\x00\r\n\xff" * 50_000
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_is_replaced(tmp_path: Path) -> None:
    """Writing over a longer file leaves nothing of the old content."""
    path = tmp_path / "a"
    write_atomic(path, b"old and long")
    write_atomic(str(path), b"new")
    assert path.read_bytes() == b"new"


def test_an_open_reader_keeps_the_old_content(tmp_path: Path) -> None:
    """Who reads while the file is replaced sees the old file to its end, never a mixture."""
    path = tmp_path / "a"
    write_atomic(path, b"old")
    with path.open("rb") as reader:
        write_atomic(path, b"new")
        assert reader.read() == b"old"


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    """The file gets the permissions of any ordinary new file, so that other programs can read it."""
    ordinary, atomic = tmp_path / "ordinary", tmp_path / "atomic"
    ordinary.write_bytes(b"")
    write_atomic(atomic, b"")
    assert stat.S_IMODE(atomic.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)


def test_the_longest_name_fits(tmp_path: Path) -> None:
    """A name of 255 bytes, the most that common file systems allow, can be written."""
    path = tmp_path / ("n" * 255)
    write_atomic(path, b"x")
    assert path.read_bytes() == b"x"


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """On a full disk no file is left, neither the final nor the temporary one, and the error says why."""
    with pytest.raises(OutputError, match=r"picture\.png was not written: the disk is full; free some space"):
        write_atomic(tmp_path / "picture.png", b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_spares_the_old_file(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A file that could not be replaced keeps its old content."""
    path = tmp_path / "a"
    write_atomic(path, b"old")
    request.getfixturevalue("full_disk")
    with pytest.raises(OutputError):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of a write passes through and leaves no temporary file."""

    def fsync(_handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "a", b"x")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that refuses new files gives an error that says to choose another."""

    def refuse(*_args: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    # Not by chmod: the superuser, as whom containers run tests, may write anywhere.
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(OutputError, match="not writable; choose another folder"):
        write_atomic(tmp_path / "a", b"x")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """A folder that does not exist gives an error that says to create it."""
    with pytest.raises(OutputError, match=r"missing.a was not written: its folder does not exist; create"):
        write_atomic(tmp_path / "missing" / "a", b"x")


def test_a_file_as_folder_is_named(tmp_path: Path) -> None:
    """A path that goes through a file gives an error that says so."""
    write_atomic(tmp_path / "a", b"x")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        write_atomic(tmp_path / "a" / "b", b"x")


@pytest.mark.parametrize("path", [".", "/", ".."])
def test_a_folder_is_refused(path: str) -> None:
    """A path that is a folder gives an error that asks for a file name."""
    with pytest.raises(OutputError, match="it is a folder; add a file name"):
        write_atomic(path, b"x")


def test_an_impossible_name_is_refused(tmp_path: Path) -> None:
    """A name that no file can have gives an OutputError like everything else."""
    with pytest.raises(OutputError, match="choose another path"):
        write_atomic(tmp_path / "a\0b", b"x")


def test_json_is_readable(tmp_path: Path) -> None:
    """JSON is written as UTF-8 that a person can read, and reads back equal."""
    path = tmp_path / "a.json"
    write_json_atomic(path, {"prompt": "un château", "scores": [1, 2.5, None]})
    assert "château" in path.read_text(encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == {"prompt": "un château", "scores": [1, 2.5, None]}


@pytest.mark.parametrize("value", [float("nan"), object(), "\ud800"])
def test_what_json_cannot_hold_is_refused(tmp_path: Path, value: object) -> None:
    """NaN, arbitrary objects and lone surrogates are refused before anything is written."""
    with pytest.raises(OutputError, match="plain JSON values"):
        write_json_atomic(tmp_path / "a.json", value)
    assert list(tmp_path.iterdir()) == []


def test_sha256_is_the_standard_one(tmp_path: Path) -> None:
    """The fingerprint of "abc" is the one that FIPS 180-2 prints."""
    write_atomic(tmp_path / "a", b"abc")
    assert sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_sha256_of_a_missing_file(tmp_path: Path) -> None:
    """A file that cannot be read gives an error that names it."""
    with pytest.raises(LimnerError, match="missing cannot be read"):
        sha256_of(tmp_path / "missing")


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_gets_a_second_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_links: bool
) -> None:
    """Or is copied where the disk has no second names; what was there is replaced, and nothing else is left."""
    if not has_links:
        monkeypatch.setattr(os, "link", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.EPERM, "no")))
    (tmp_path / "a").write_bytes(b"new")
    (tmp_path / "b").write_bytes(b"old")
    link_or_copy(tmp_path / "a", tmp_path / "b")
    (tmp_path / "a").unlink()
    assert (tmp_path / "b").read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [tmp_path / "b"]


def test_what_cannot_be_copied_is_told(tmp_path: Path) -> None:
    """In an error that says what to do."""
    (tmp_path / "a").write_bytes(b"new")
    with pytest.raises(OutputError, match="create the folder first"):
        link_or_copy(tmp_path / "a", tmp_path / "no" / "b")
    with pytest.raises(OutputError, match="create the folder first"):
        take_lock(tmp_path / "no" / "lock")
