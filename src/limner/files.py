"""Files that are either complete or absent, and the fingerprints that tell whether they are intact."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import IO, Any

from limner.errors import LimnerError, OutputError

__all__ = ["link_or_copy", "sha256_of", "take_lock", "write_atomic", "write_json_atomic"]

_REMEDIES = {
    errno.EACCES: "its folder is not writable; choose another folder or change its permissions",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another disk",
    errno.ENAMETOOLONG: "its name is too long; choose a shorter one",
    errno.ENOENT: "its folder does not exist; create the folder first",
    errno.ENOSPC: "the disk is full; free some space or choose another disk",
    errno.ENOTDIR: "a part of its path is a file, not a folder; choose another path",
    errno.EPERM: "its folder is not writable; choose another folder or change its permissions",
    errno.EROFS: "its disk is read-only; choose another disk",
}


def write_atomic(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file so that, whatever happens, it holds all of `data` or what it held before.

    The bytes go to a temporary file in the same folder, to the disk, and then under the final name.
    A symbolic link at `path` is replaced, not followed.

    Args:
        path: the file; its folder must exist.
        data: the whole content.

    Raises:
        OutputError: the file could not be written; the message names it, why, and what to do.
    """
    path = Path(path)
    # Short and independent of the final name, which may be as long as the file system allows.
    temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        if path.is_dir():
            raise OutputError(f"{path} was not written: it is a folder; add a file name")
        _write_to_disk(temporary, data)
        temporary.replace(path)
    except (OSError, ValueError) as error:
        raise OutputError(f"{path} was not written: {_remedy(error)}") from error
    finally:
        with contextlib.suppress(OSError, ValueError):
            temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _write_to_disk(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    # Makes the new name survive a power cut. Some systems cannot do it; the file itself is safe by now.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remedy(error: OSError | ValueError) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return _REMEDIES.get(number or 0, f"{error}; choose another path")


def write_json_atomic(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as readable JSON, atomically; see `write_atomic`.

    Raises:
        OutputError: the file could not be written, or `value` holds what JSON cannot: NaN, arrays, objects.
    """
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
        data = f"{text}\n".encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise OutputError(f"{path} was not written: {error}; pass plain JSON values") from error
    write_atomic(path, data)


def link_or_copy(source: Path, target: Path) -> None:
    """A second name for a file that nobody changes any more, or a copy where the disk knows no second names.

    What was at `target` is replaced; whatever happens, there is the whole file or what was there before.

    Raises:
        OutputError: there can be neither.
    """
    temporary = target.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        try:
            temporary.hardlink_to(source)
        except OSError:
            shutil.copyfile(source, temporary)
        os.utime(temporary)
        temporary.replace(target)
    except OSError as error:
        raise OutputError(f"{target} was not written: {_remedy(error)}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)


def take_lock(path: Path) -> IO[bytes] | None:
    """A lock that other processes cannot have until the file is closed, or this process ends; None if one has it.

    Raises:
        OutputError: the file cannot be made.
    """
    try:
        file = path.open("ab")
    except OSError as error:
        raise OutputError(f"{path} was not written: {_remedy(error)}") from error
    try:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        # Windows has no flock; there, starting the same thing twice is up to the one who does.
        return file
    except OSError:
        file.close()
        return None
    return file


def sha256_of(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's content, as 64 lower-case hexadecimal digits.

    Raises:
        LimnerError: the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise LimnerError(f"{path} cannot be read ({error}); check that it exists and is readable") from error
