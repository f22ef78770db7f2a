"""What both stores share: a private folder, what lies in it, and how much may."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from limner.errors import OutputError, StorageFullError

__all__ = [
    "Entry",
    "Quota",
    "StoredFile",
    "entries",
    "folder_of",
    "is_stray",
    "new_id",
    "owner_name",
    "private_folder",
    "remove",
    "writing",
]

_STRAY_SECONDS = 3600
_SHARE = 4
# A full disk, a used-up quota, and a limit to the size of files (`ulimit -f`).
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFile:
    """A file of a store, as an HTTP server needs to know it.

    Attributes:
        path: where it lies; it may be gone by the time it is opened if it expires just then.
        size: bytes.
        media_type: what to send as Content-Type.
        etag: a strong entity tag made from the content, with its quotes (RFC 9110, 8.8.3).
    """

    path: Path
    size: int
    media_type: str
    etag: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A plain file in a folder; `changed` is its modification time in seconds of the epoch."""

    path: Path
    size: int
    changed: float


def private_folder(folder: str | os.PathLike[str]) -> Path:
    """Make a folder that only its owner can look into, unless it is there already.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder {folder} cannot be made ({error}): choose another one with LIMNER_DATA_DIR"
        ) from error
    return Path(folder)


def owner_name(owner: str) -> str:
    """Below which name an owner's things lie; hashed, because an owner may be any text and a name may not."""
    return hashlib.sha256(owner.encode()).hexdigest()[:32]


def folder_of(folder: Path, owner: str) -> Path:
    """In which folder an owner's things lie."""
    return folder / owner_name(owner)


def new_id(prefix: str, now: float) -> str:
    """The prefix and 48 hexadecimal digits: 16 of the time, so that ids sort by it, and 128 random bits."""
    return f"{prefix}{int(now * 1e6):016x}{secrets.token_hex(16)}"


def entries(folder: Path) -> list[Entry]:
    """The plain files in a folder; what other processes delete meanwhile is left out."""
    found = []
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as listed:
        for item in listed:
            with contextlib.suppress(FileNotFoundError):
                status = item.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    found.append(Entry(path=Path(item), size=status.st_size, changed=status.st_mtime))
    return found


def is_stray(name: str, changed: float, now: float) -> bool:
    """Whether this is what a killed process left of a write; a write that goes on is younger."""
    return name.endswith(".tmp") and now - changed > _STRAY_SECONDS


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """What is written in this block and finds no room on the disk finds none in the store.

    Raises:
        StorageFullError: so it was.
    """
    try:
        yield
    except OutputError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in _NO_ROOM:
            raise StorageFullError(str(error)) from error
        raise


def remove(path: Path) -> bool:
    """Delete a file; False if another process did, or reads it where readers prevent deletion (Windows)."""
    try:
        path.unlink()
    except (FileNotFoundError, PermissionError):
        return False
    return True


class Quota:
    """Room for a number of bytes, shared with other processes that use the same folder.

    Counting files takes time that grows with their number, so they are not counted at every write: who has
    looked may write a quarter of what was free before looking again. So up to four processes stay below the
    limit together, and more exceed it by little.

    Args:
        max_bytes: how much there may be.
        used: counts what is there, in bytes.
        sweep: deletes what has expired.
        remedy: what to do when there is no room.
    """

    def __init__(
        self, max_bytes: float, *, used: Callable[[], int], sweep: Callable[[], object], remedy: str
    ) -> None:
        self._max_bytes = max_bytes
        self._used = used
        self._sweep = sweep
        self._remedy = remedy
        self._allowance = 0.0
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """Take room for `size` bytes that are about to be written.

        Raises:
            StorageFullError: there is not enough, even without all that has expired.
        """
        with self._lock:
            if size > self._allowance:
                self._allowance = self._look(size)
            self._allowance -= size

    def _look(self, size: int) -> float:
        self._sweep()
        used = self._used()
        free = self._max_bytes - used
        if size > free:
            raise StorageFullError(
                f"{size:,} bytes do not fit: {used:,} of at most {self._max_bytes:,.0f} are in use. "
                f"{self._remedy}"
            )
        return max(size, free / _SHARE)
