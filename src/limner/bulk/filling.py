"""A list worked off into a folder, several lines at a time, each exactly once however often it is begun."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Any

from limner.bulk.folder import FAILURES, RESULTS, Manifest, locked_folder, picture_names
from limner.bulk.ledger import Ledger
from limner.bulk.making import Made, MadeFile, Maker
from limner.bulk.runner import Piece, Runner
from limner.bulk.wishes import Read, Wish, numbered_lines, object_of
from limner.errors import (
    CancelledError,
    EngineUnavailableError,
    InvalidRequestError,
    LimnerError,
    ShuttingDownError,
)
from limner.files import write_atomic
from limner.imaging.codec import EXTENSIONS

__all__ = ["Tally", "fill"]


@dataclass(kw_only=True, slots=True)
class Tally:
    """What became of a list.

    Attributes:
        lines: how many there are.
        kept: of those, how many were drawn before.
        drawn: how many now.
        failed: how many could not be.
        pictures: files that were written now.
        unread: lines whose prompt was longer than the model reads.
    """

    lines: int = 0
    kept: int = 0
    drawn: int = 0
    failed: int = 0
    pictures: int = 0
    unread: int = 0

    @property
    def done(self) -> int:
        """Lines that nothing more is to be done about."""
        return self.kept + self.drawn + self.failed


def fill(
    folder: Path,
    source: Path,
    *,
    read: Read,
    maker: Maker,
    model: str,
    width: int,
    on_line: Callable[[int, int], None] | None = None,
) -> Tally:
    """Draw every line of a file that is not drawn yet; what failed before is tried again.

    Args:
        folder: where to; see `limner.bulk.folder`.
        source: the file, of JSON lines; empty ones are passed over.
        read: a line's object -> what it asks for.
        maker: who draws. It is closed at the end.
        model: the name of the model that it draws with.
        width: how many lines are under way at a time.
        on_line: called after each line with the number of lines done and of all.

    Raises:
        InvalidRequestError: the list cannot be read, or the folder is of another one.
        OutputError: something could not be written; what is there is good, and the same call goes on from it.
    """
    sha256, lines = _survey(source)
    manifest = Manifest(input=source.name, sha256=sha256, model=model)
    with locked_folder(folder, manifest), Ledger(folder / RESULTS) as results:
        (folder / FAILURES).unlink(missing_ok=True)
        filling = _Filling(folder, source, read, maker, results, lines, on_line)
        runner = Runner(width)
        runner.add(filling)
        runner.start()
        try:
            filling.wait()
        finally:
            maker.close()
            runner.close(60.0)
            filling.close()
    return filling.tally


class _Filling:
    """The work of `fill`."""

    owner = ""

    def __init__(
        self,
        folder: Path,
        source: Path,
        read: Read,
        maker: Maker,
        results: Ledger,
        lines: int,
        on_line: Callable[[int, int], None] | None,
    ) -> None:
        self.tally = Tally(lines=lines)
        self._folder = folder
        self._read = read
        self._maker = maker
        self._results = results
        self._failures: Ledger | None = None
        self._on_line = on_line
        self._ids: dict[str, int] = {}
        self._kept = {line.get("line") for line in results}
        self._rest = numbered_lines(source)
        self._lock = Lock()
        self._error: Exception | None = None
        self._over = Event()

    def wait(self) -> None:
        """Until all is done.

        Raises:
            LimnerError: why it cannot be.
        """
        self._over.wait()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Nothing more is noted."""
        self._rest.close()
        if self._failures is not None:
            self._failures.close()

    def take(self) -> Piece | None:
        """The next line that is not drawn yet."""
        for number, line in self._rest:
            if self._error is not None:
                return None
            wish = self._wish(number, line)
            if number in self._kept:
                self._count("kept")
            elif isinstance(wish, Wish):
                return partial(self._draw, number, wish)
            else:
                self._fail(number, _id_in(line), wish)
        return None

    def _wish(self, number: int, line: bytes) -> Wish | LimnerError:
        """What a line asks for, or what is wrong with it. Also for those that are drawn: they have their ids."""
        try:
            wish = self._read(object_of(line))
            earlier = self._ids.setdefault(wish.id, number) if wish.id else number
            if earlier != number:
                message = f"id {wish.id!r} is that of line {earlier}, too: give each line its own"
                raise InvalidRequestError(message, param="id")
        except LimnerError as error:
            return error
        return wish

    def broke(self, error: Exception) -> None:
        """Whatever a line's own fault is not ends all."""
        self._error = self._error or error
        self._over.set()

    def finish(self) -> None:
        """All lines are done."""
        self._over.set()

    def _draw(self, number: int, wish: Wish) -> None:
        began = time.monotonic()
        try:
            made = self._maker.make(wish)
        except (CancelledError, ShuttingDownError, EngineUnavailableError):
            raise
        except LimnerError as error:
            self._fail(number, wish.id, error)
            return
        names = picture_names(number, wish.id, len(made.files), EXTENSIONS[wish.format])
        for name, file in zip(names, made.files, strict=True):
            write_atomic(self._folder / name, file.data)
        seconds = round(time.monotonic() - began, 3)
        self._results.append(_told(number, wish, made, list(zip(names, made.files, strict=True)), seconds))
        self._count("drawn", pictures=len(names), unread=bool(made.unread))

    def _fail(self, number: int, line_id: str | None, error: LimnerError) -> None:
        with self._lock:
            self._failures = self._failures or Ledger(self._folder / FAILURES)
        told = {"type": type(error).__name__, "message": str(error), "param": error.param}
        self._failures.append({"line": number, "id": line_id, "error": told})
        self._count("failed")

    def _count(self, what: str, *, pictures: int = 0, unread: bool = False) -> None:
        with self._lock:
            setattr(self.tally, what, getattr(self.tally, what) + 1)
            self.tally.pictures += pictures
            self.tally.unread += unread
            if self._on_line is not None:
                self._on_line(self.tally.done, self.tally.lines)


def _told(
    number: int, wish: Wish, made: Made, files: list[tuple[str, MadeFile]], seconds: float
) -> dict[str, Any]:
    pictures = [
        {
            "path": name,
            "seed": file.seed,
            "width": file.width,
            "height": file.height,
            "format": wish.format,
            "bytes": len(file.data),
        }
        for name, file in files
    ]
    told: dict[str, Any] = {"line": number, "id": wish.id, "prompt": wish.request.prompt}
    told |= {"pictures": pictures, "seconds": seconds}
    told |= {"unread": made.unread} if made.unread else {}
    return told | ({"ignored": list(wish.set_aside)} if wish.set_aside else {})


def _id_in(line: bytes) -> str | None:
    """How a line that cannot be honoured calls itself, if that can be seen."""
    try:
        value = object_of(line)
    except LimnerError:
        return None
    found = value.get("id", value.get("custom_id"))
    return found if isinstance(found, str) else None


def _survey(source: Path) -> tuple[str, int]:
    """The file's SHA-256 and the number of its lines."""
    digest, count = hashlib.sha256(), 0
    try:
        with source.open("rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
        count = sum(1 for _ in numbered_lines(source))
    except OSError as error:
        raise InvalidRequestError(
            f"{source} cannot be read ({error.strerror}): name a file of JSON lines", param="input"
        ) from error
    return digest.hexdigest(), count
