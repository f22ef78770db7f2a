"""What each browser made: files on the server's disk, and a small database that knows whose they are.

A picture's file is written whole before its row is, and deleted after it: a row without a file does not come to
be, and a file without a row, which a killed process may leave, is swept up at the next start.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import BigInteger, create_engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from limner.errors import NotFoundError, OutputError, StorageFullError
from limner.files import write_atomic
from limner.imaging.picture import Picture
from limner.imaging.reader import read_pixels
from limner.studio.made import Kind, Made, settings_told
from limner.studio.shown import Shown

__all__ = ["Entry", "History"]

_STRAY_SECONDS = 3600


class _Base(DeclarativeBase):
    """The tables."""


class _Row(_Base):
    """One picture of somebody's."""

    __tablename__ = "pictures"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(index=True)
    made_at: Mapped[float]
    kind: Mapped[str]
    prompt: Mapped[str]
    negative_prompt: Mapped[str]
    style: Mapped[str]
    model: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    steps: Mapped[int]
    guidance: Mapped[float]
    seed: Mapped[int] = mapped_column(BigInteger)
    bytes: Mapped[int]


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
    """Keeps pictures by whose they are; safe to use from several threads.

    Args:
        folder: where; it is made if it is not there.
        max_bytes: how much all pictures may take together.
        clock: seconds since 1970.

    Raises:
        OutputError: the folder or the database cannot be used.
    """

    def __init__(
        self, folder: Path, *, max_bytes: int = 2**32, clock: Callable[[], float] = time.time
    ) -> None:
        self._pictures = _private(folder / "pictures")
        self._max_bytes = max_bytes
        self._clock = clock
        self._database = create_engine(f"sqlite:///{(folder / 'history.sqlite3').absolute()}")
        with _translated():
            _Base.metadata.create_all(self._database)
        self._sweep()

    def add(self, owner: str, made: Made) -> None:
        """Keep a picture.

        Raises:
            StorageFullError: there is no room left.
            OutputError: it could not be written; nothing of it is kept.
        """
        data = made.to_bytes("png")
        row = _row(_hashed(owner), self._clock(), made, len(data))
        with self._session() as session:
            used = session.scalar(select(func.sum(_Row.bytes))) or 0
            if used + len(data) > self._max_bytes:
                raise StorageFullError(
                    "There is no room for more pictures: delete some in the tab History, or let the operator "
                    "raise LIMNER_STORE_BYTES."
                )
            write_atomic(self._path(made.id), data)
            try:
                session.add(row)
                session.commit()
            except SQLAlchemyError:
                self._path(made.id).unlink(missing_ok=True)
                raise

    def entries(self, owner: str, limit: int = 200) -> list[Entry]:
        """The newest pictures of somebody, the last one first."""
        wanted = (
            select(_Row)
            .where(_Row.owner == _hashed(owner))
            .order_by(_Row.made_at.desc(), _Row.id)
            .limit(limit)
        )
        with self._session() as session:
            return [self._entry(row) for row in session.scalars(wanted)]

    def get(self, owner: str, name: str) -> Made:
        """A picture of somebody's, without its trace, which is not kept.

        Raises:
            NotFoundError: there is none of this id, or it is somebody else's.
        """
        with self._session() as session:
            row = _owned(session, owner, name)
            try:
                pixels_HWC = read_pixels(self._path(name).read_bytes())
            except OSError as error:
                raise NotFoundError("The picture's file is gone: delete it from the history.") from error
            picture = Picture(pixels_HWC=pixels_HWC, seed=row.seed, prompt=row.prompt, model=row.model)
            return _made(row, picture)

    def delete(self, owner: str, name: str) -> None:
        """Forget a picture for good.

        Raises:
            NotFoundError: there is none of this id, or it is somebody else's.
        """
        with self._session() as session:
            session.delete(_owned(session, owner, name))
            session.commit()
        self._path(name).unlink(missing_ok=True)

    def clear(self, owner: str) -> list[str]:
        """Forget all pictures of somebody; the ids of those that there were."""
        with self._session() as session:
            rows = session.scalars(select(_Row).where(_Row.owner == _hashed(owner))).all()
            names = [row.id for row in rows]
            for row in rows:
                session.delete(row)
            session.commit()
        for name in names:
            self._path(name).unlink(missing_ok=True)
        return names

    def close(self) -> None:
        """Let go of the database."""
        self._database.dispose()

    def _path(self, name: str) -> Path:
        return self._pictures / f"{name}.png"

    def _entry(self, row: _Row) -> Entry:
        size = (row.width, row.height)
        return Entry(
            id=row.id,
            made_at=row.made_at,
            kind=row.kind,
            prompt=row.prompt,
            seed=row.seed,
            told=settings_told(seed=row.seed, steps=row.steps, guidance=row.guidance, size=size),
            path=self._path(row.id),
        )

    @contextlib.contextmanager
    def _session(self) -> Iterator[Session]:
        with _translated(), Session(self._database) as session:
            yield session

    def _sweep(self) -> None:
        """Delete files that have no row, which a killed process may have left, unless they are being written."""
        with self._session() as session:
            known = set(session.scalars(select(_Row.id)))
        for path in self._pictures.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.stem not in known and self._clock() - path.stat().st_mtime > _STRAY_SECONDS:
                    path.unlink()


def _private(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be made ({error}): choose another one with LIMNER_DATA_DIR."
        ) from error
    return folder


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise OutputError(
            f"The history cannot be read or written ({type(error).__name__}): see that the data folder "
            "is writable and its disk not full."
        ) from error


def _hashed(owner: str) -> str:
    # The database holds nothing with which somebody could pass for an owner.
    return hashlib.sha256(owner.encode()).hexdigest()


def _owned(session: Session, owner: str, name: str) -> _Row:
    row = session.get(_Row, name)
    if row is None or row.owner != _hashed(owner):
        raise NotFoundError("There is no such picture in your history.", param="id")
    return row


def _row(owner: str, now: float, made: Made, size: int) -> _Row:
    shown = made.shown
    return _Row(
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


def _made(row: _Row, picture: Picture) -> Made:
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
