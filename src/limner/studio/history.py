"""What each browser made: files in a depot, and a database that knows whose they are.

A picture's file is written whole before its row is, and deleted after it: a row without a file does not come to
be, and a file without a row, which a killed process may leave, is swept up at the next start.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from limner.errors import DatabaseError, NotFoundError, OutputError, StorageFullError
from limner.imaging.picture import Picture
from limner.imaging.reader import read_pixels
from limner.storage.database.connection import Database, open_file
from limner.storage.database.tables import PictureRow
from limner.storage.depot import Depot, FolderDepot
from limner.studio.made import Kind, Made, settings_told
from limner.studio.shown import Shown

__all__ = ["Entry", "History", "local_history"]

_STRAY_SECONDS = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A picture in a history.

    Attributes:
        id: names it.
        made_at: when, in seconds since 1970.
        kind: whether it was drawn from words, is an edit or a variation.
        prompt: the words.
        seed: draws it again.
        told: its settings in one line.
        path: its PNG file.
    """

    id: str
    made_at: float
    kind: str
    prompt: str
    seed: int
    told: str
    path: Path


class History:
    """Keeps pictures by whose they are; safe to use from several threads, and any number of servers.

    Args:
        database: knows whose they are.
        pictures: where their files lie.
        max_bytes: how much all pictures may take together.
        clock: seconds since 1970.

    Raises:
        OutputError: the database or the depot cannot be used.
    """

    def __init__(
        self,
        database: Database,
        pictures: Depot,
        *,
        max_bytes: int = 2**32,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._pictures = pictures
        self._max_bytes = max_bytes
        self._clock = clock
        self._sweep()

    def add(self, owner: str, made: Made) -> None:
        """Keep a picture.

        Raises:
            StorageFullError: there is no room left.
            OutputError: it could not be written; nothing of it is kept.
        """
        data, name = made.to_bytes("png"), _file(made.id)
        self._find_room(len(data))
        self._pictures.put(name, data)
        try:
            with self._database.session() as session:
                session.add(_row(_hashed(owner), self._clock(), made, len(data)))
                session.commit()
        except OutputError as error:
            # What was asked of a database that did not answer may be done.
            if not isinstance(error, DatabaseError):
                self._pictures.remove(name)
            raise

    def _find_room(self, size: int) -> None:
        with self._database.session() as session:
            used = session.scalar(select(func.sum(PictureRow.bytes))) or 0
        if used + size > self._max_bytes:
            raise StorageFullError(
                "There is no room for more pictures: delete some in the tab History, or let the operator "
                "raise LIMNER_STORE_BYTES."
            )

    def entries(self, owner: str, limit: int = 200) -> list[Entry]:
        """The newest pictures of somebody, the last one first."""
        wanted = (
            select(PictureRow)
            .where(PictureRow.owner == _hashed(owner))
            .order_by(PictureRow.made_at.desc(), PictureRow.id)
            .limit(limit)
        )
        with self._database.session() as session:
            rows = session.scalars(wanted).all()
        return [entry for entry in map(self._entry, rows) if entry is not None]

    def get(self, owner: str, name: str) -> Made:
        """A picture of somebody's, without its trace, which is not kept.

        Raises:
            NotFoundError: there is none of this id, or it is somebody else's.
        """
        with self._database.session() as session:
            row = _owned(session, owner, name)
            try:
                pixels_HWC = read_pixels(self._pictures.find(_file(name)).read_bytes())
            except OSError as error:
                raise NotFoundError("The picture's file is gone: delete it from the history.") from error
            picture = Picture(pixels_HWC=pixels_HWC, seed=row.seed, prompt=row.prompt, model=row.model)
            return _made(row, picture)

    def delete(self, owner: str, name: str) -> None:
        """Forget a picture for good.

        Raises:
            NotFoundError: there is none of this id, or it is somebody else's.
        """
        with self._database.session() as session:
            session.delete(_owned(session, owner, name))
            session.commit()
        self._pictures.remove(_file(name))

    def clear(self, owner: str) -> list[str]:
        """Forget all pictures of somebody; the ids of those that there were."""
        with self._database.session() as session:
            rows = session.scalars(select(PictureRow).where(PictureRow.owner == _hashed(owner))).all()
            names = [row.id for row in rows]
            for row in rows:
                session.delete(row)
            session.commit()
        for name in names:
            self._pictures.remove(_file(name))
        return names

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def _entry(self, row: PictureRow) -> Entry | None:
        """The picture; None if its file is gone."""
        try:
            path = self._pictures.find(_file(row.id))
        except FileNotFoundError:
            return None
        size = (row.width, row.height)
        return Entry(
            id=row.id,
            made_at=row.made_at,
            kind=row.kind,
            prompt=row.prompt,
            seed=row.seed,
            told=settings_told(seed=row.seed, steps=row.steps, guidance=row.guidance, size=size),
            path=path,
        )

    def _sweep(self) -> None:
        """Delete files that have no row, which a killed process may have left, unless they are being written."""
        items = self._pictures.items()
        with self._database.session() as session:
            known = set(session.scalars(select(PictureRow.id)))
        for item in items:
            if Path(item.name).stem not in known and self._clock() - item.changed > _STRAY_SECONDS:
                self._pictures.remove(item.name)


def local_history(folder: Path, **options: Any) -> History:
    """A history below a folder of this machine, which is made if it is not there.

    Args:
        folder: where.
        options: `max_bytes` and `clock` of `History`.

    Raises:
        OutputError: it cannot be used.
    """
    pictures = FolderDepot(folder / "pictures")
    return History(open_file(folder / "history.sqlite3"), pictures, **options)


def _file(name: str) -> str:
    return f"{name}.png"


def _hashed(owner: str) -> str:
    # The database holds nothing with which somebody could pass for an owner.
    return hashlib.sha256(owner.encode()).hexdigest()


def _owned(session: Session, owner: str, name: str) -> PictureRow:
    row = session.get(PictureRow, name)
    if row is None or row.owner != _hashed(owner):
        raise NotFoundError("There is no such picture in your history.", param="id")
    return row


def _row(owner: str, now: float, made: Made, size: int) -> PictureRow:
    shown = made.shown
    return PictureRow(
        id=made.id,
        owner=owner,
        made_at=now,
        kind=made.kind,
        prompt=shown.prompt,
        negative_prompt=shown.negative_prompt,
        style=shown.style,
        model=shown.picture.model,
        width=shown.size[0],
        height=shown.size[1],
        steps=shown.steps,
        guidance=shown.guidance,
        seed=shown.seed,
        bytes=size,
    )


def _made(row: PictureRow, picture: Picture) -> Made:
    shown = Shown(
        picture=picture,
        prompt=row.prompt,
        steps=row.steps,
        guidance=row.guidance,
        seed=row.seed,
        size=(row.width, row.height),
        negative_prompt=row.negative_prompt,
        style=row.style,
    )
    kinds: dict[str, Kind] = {"edits": "edits", "variations": "variations"}
    return Made(shown=shown, kind=kinds.get(row.kind, "generations"), id=row.id)
