"""A file of JSON lines that only grows. A line that is in it stays; one that was torn off was never there.

A process that is killed while it writes leaves at most the beginning of a line, which has no end of line: the next
one that opens the file cuts it off.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from limner.errors import LimnerError, OutputError

__all__ = ["Ledger"]


class Ledger:
    """Open such a file, or begin one; several threads may append.

    Args:
        path: the file; its folder must exist.

    Raises:
        OutputError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        with _told(path):
            self._file = path.open("ab")
            self._cut(_whole_bytes(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The lines so far.

        Raises:
            LimnerError: one of them was changed by hand and is no JSON any more.
        """
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield self._read(line, number)

    def _read(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            found = json.loads(line)
        except ValueError as error:
            raise LimnerError(
                f"line {number} of {self.path} is damaged ({error}): restore the file, or delete that line, and "
                "what it told of is drawn again"
            ) from error
        if not isinstance(found, dict):
            raise LimnerError(f"line {number} of {self.path} is no JSON object: delete that line")
        return found

    def append(self, line: dict[str, Any]) -> None:
        """Add a line; when this returns it survives a power cut.

        Raises:
            OutputError: it could not be written; nothing of it is left.
        """
        self.append_bytes([json.dumps(line, allow_nan=False).encode()])

    def append_bytes(self, pieces: Iterable[bytes]) -> None:
        """Add a line that is JSON already, in pieces, without its end of line; see `append`."""
        with self._lock, _told(self.path):
            before = self._file.tell()
            try:
                self._file.writelines(pieces)
                self._file.write(b"\n")
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError:
                with contextlib.suppress(OSError):
                    self._cut(before)
                raise

    def close(self) -> None:
        """Nothing more comes."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _cut(self, length: int) -> None:
        self._file.truncate(length)
        self._file.seek(length)


def _whole_bytes(path: Path) -> int:
    """Up to where the file is whole lines, and after a power cut the last of them is no line of zeros."""
    with path.open("rb") as file:
        end = last = 0
        for line in file:
            last, end = (end, end + len(line)) if line.endswith(b"\n") else (last, end)
        file.seek(last)
        is_torn = b"\0" in file.read(end - last)
    return last if is_torn else end


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path} was not written ({error}): free some space or make its folder writable, and go on"
        ) from error
