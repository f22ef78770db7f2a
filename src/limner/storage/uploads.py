"""The files that clients upload, each owner's apart: bytes, and a JSON file of facts beside them.

An upload is there as soon as its facts are: the bytes are written first and deleted last, so a process that
is killed leaves nothing but bytes without facts, which `UploadStore.sweep` deletes after an hour.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from limner.errors import InvalidRequestError, LimnerError, NotFoundError, OutputError
from limner.files import write_atomic, write_json_atomic
from limner.storage._folder import (
    Entry,
    Quota,
    StoredFile,
    entries,
    is_stray,
    private_folder,
    remove,
    writing,
)

__all__ = ["PURPOSES", "Upload", "UploadPage", "UploadStore"]

PURPOSES = ("vision", "batch")
"""What files can be uploaded for: pictures to edit, and lists of requests."""

_ID = re.compile(r"file-[0-9a-f]{48}")
_MAX_PAGE = 10_000
_LIFETIMES = (3600, 30 * 24 * 3600)  # shortest and longest, in seconds
_ORPHAN_SECONDS = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """What is known of a file.

    Attributes:
        id: "file-" and 48 hexadecimal digits: 16 of the time, so that ids sort by it, and 128 random bits.
        filename: as the client called it; never the name of anything on disk.
        purpose: one of `PURPOSES`.
        bytes: its size.
        created_at: seconds of the epoch.
        expires_at: the same, or None if it stays until it is deleted.
        sha256: of the content, in hexadecimal.
        status: always "processed"; there is nothing to wait for.
    """

    id: str
    filename: str
    purpose: str
    bytes: int
    created_at: int
    expires_at: int | None
    sha256: str
    status: str = "processed"

    def is_over(self, now: float) -> bool:
        """Whether its time is over at `now`."""
        return self.expires_at is not None and now >= self.expires_at


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadPage:
    """A part of a list; `has_more` says whether anything follows."""

    uploads: tuple[Upload, ...]
    has_more: bool


class UploadStore:
    """A folder of uploaded files; who owns one cannot be seen, or reached, by other owners.

    Args:
        folder: where they lie; it is made if need be, for its owner's eyes only.
        clock: the time in seconds of the epoch.
        max_bytes: how much there may be in the folder, all owners together.

    Raises:
        OutputError: the folder cannot be made.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        clock: Callable[[], float] = time.time,
        *,
        max_bytes: float = math.inf,
    ) -> None:
        self._folder = private_folder(folder)
        self._clock = clock
        self._quota = Quota(
            max_bytes,
            used=lambda: sum(entry.size for owner in self._owners() for entry in entries(owner)),
            sweep=self.sweep,
            remedy="Delete files that are not needed any more, or raise LIMNER_STORE_BYTES",
        )

    def add(
        self, data: bytes, *, owner: str, filename: str, purpose: str, expires_after: int | None = None
    ) -> Upload:
        """Keep a file.

        Args:
            data: the content.
            owner: whose it is: the id of an API key, or any other text.
            filename: what the client calls it.
            purpose: one of `PURPOSES`.
            expires_after: seconds to keep it, 3,600 to 2,592,000. Without it, files for batches are kept for
                30 days and all others until they are deleted.

        Raises:
            InvalidRequestError: purpose, name or time are not possible; `param` says which.
            StorageFullError: there is no room, in the store or on the disk.
            OutputError: the file cannot be written.
        """
        _check(filename, purpose, expires_after)
        self._quota.take(len(data))
        now = self._clock()
        lasts = _LIFETIMES[1] if expires_after is None and purpose == "batch" else expires_after
        upload = Upload(
            id=f"file-{int(now * 1e6):016x}{secrets.token_hex(16)}",
            filename=filename,
            purpose=purpose,
            bytes=len(data),
            created_at=int(now),
            expires_at=None if lasts is None else int(now) + lasts,
            sha256=hashlib.sha256(data).hexdigest(),
        )
        path = private_folder(self._folder_of(owner)) / upload.id
        with writing():
            write_atomic(path, data)
            try:
                write_json_atomic(_facts(path), dataclasses.asdict(upload))
            except OutputError:
                remove(path)
                raise
        return upload

    def get(self, upload_id: str, *, owner: str) -> Upload:
        """What is known of a file.

        Raises:
            NotFoundError: the owner has no such file, or not any more.
        """
        upload = _read(_facts(self._path(upload_id, owner)))
        if upload is None or upload.is_over(self._clock()):
            raise _unknown(upload_id)
        return upload

    def content(self, upload_id: str, *, owner: str) -> StoredFile:
        """Where a file's bytes are. Their type is never what a client claimed.

        Raises:
            NotFoundError: the owner has no such file, or not any more.
        """
        upload = self.get(upload_id, owner=owner)
        return StoredFile(
            path=self._path(upload_id, owner),
            size=upload.bytes,
            media_type="application/octet-stream",
            etag=f'"{upload.sha256}"',
        )

    def delete(self, upload_id: str, *, owner: str) -> None:
        """Delete a file.

        Raises:
            NotFoundError: the owner has no such file, or not any more.
        """
        self.get(upload_id, owner=owner)
        path = self._path(upload_id, owner)
        if not remove(_facts(path)):
            raise _unknown(upload_id)
        remove(path)

    def page(
        self,
        *,
        owner: str,
        limit: int = _MAX_PAGE,
        after: str | None = None,
        order: Literal["asc", "desc"] = "desc",
        purpose: str | None = None,
    ) -> UploadPage:
        """An owner's files by the time of their upload.

        Args:
            owner: whose.
            limit: how many at most, 1 to 10,000.
            after: the id of the file before the first one that is wanted.
            order: "asc" for the oldest first, "desc" for the newest.
            purpose: only files for this; None for all.

        Raises:
            InvalidRequestError: limit or order are not possible, or `after` is no file's id.
        """
        _check_number("limit", limit, 1, _MAX_PAGE)
        if order not in ("asc", "desc"):
            raise InvalidRequestError(
                f"Invalid value: '{order}'. Supported values are: 'asc' and 'desc'.", param="order"
            )
        if after is not None and not _ID.fullmatch(after):
            raise InvalidRequestError(f"Invalid 'after': '{after}' is not the id of a file.", param="after")
        found = [
            upload
            for upload in sorted(self._of(owner), key=lambda upload: upload.id, reverse=order == "desc")
            if purpose in (None, upload.purpose) and _follows(upload.id, after, order)
        ]
        return UploadPage(uploads=tuple(found[:limit]), has_more=len(found) > limit)

    def sweep(self) -> int:
        """Delete what has expired and what killed processes left; how many files that was."""
        now = self._clock()
        return sum(remove(path) for owner in self._owners() for path in _over(entries(owner), now))

    def _of(self, owner: str) -> Iterator[Upload]:
        now = self._clock()
        for entry in entries(self._folder_of(owner)):
            if entry.path.suffix == ".json" and (upload := _read(entry.path)) and not upload.is_over(now):
                yield upload

    def _owners(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if path.is_dir()]

    def _folder_of(self, owner: str) -> Path:
        # Hashed, because an owner may be any text and a folder's name may not.
        return self._folder / hashlib.sha256(owner.encode()).hexdigest()[:32]

    def _path(self, upload_id: str, owner: str) -> Path:
        if not _ID.fullmatch(upload_id):
            raise _unknown(upload_id)
        return self._folder_of(owner) / upload_id


def _facts(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _read(path: Path) -> Upload | None:
    """The upload that the file of facts tells of; None if it was deleted this very moment."""
    try:
        return Upload(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, TypeError, ValueError) as error:
        raise LimnerError(
            f"{path} cannot be read ({error}): delete it, and the file was never there"
        ) from error


def _over(listed: list[Entry], now: float) -> Iterator[Path]:
    """The files that are to be deleted, in an order that never leaves facts without bytes."""
    named = {entry.path.name for entry in listed}
    for entry in listed:
        path = entry.path
        is_orphan = f"{path.name}.json" not in named and now - entry.changed > _ORPHAN_SECONDS
        if path.suffix == ".json":
            upload = _read(path)
            if upload and upload.is_over(now):
                yield from (path, path.with_suffix(""))
        elif is_stray(entry, now) or (_ID.fullmatch(path.name) and is_orphan):
            yield path


def _follows(upload_id: str, after: str | None, order: str) -> bool:
    return after is None or (upload_id > after if order == "asc" else upload_id < after)


def _unknown(upload_id: str) -> NotFoundError:
    return NotFoundError(f"No such File object: {upload_id[:100]}", param="id")


def _check(filename: str, purpose: str, expires_after: int | None) -> None:
    if purpose not in PURPOSES:
        raise InvalidRequestError(
            f"Invalid value: '{purpose}'. Supported values are: {' and '.join(map(repr, PURPOSES))}.",
            param="purpose",
        )
    if expires_after is not None:
        _check_number("expires_after[seconds]", expires_after, *_LIFETIMES)
    try:
        filename.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequestError(
            "Invalid 'file': its name is not valid Unicode text; rename it", param="file"
        ) from error


def _check_number(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        side, bound = ("below minimum", f">= {low}") if value < low else ("above maximum", f"<= {high}")
        raise InvalidRequestError(
            f"Invalid '{name}': integer {side} value. Expected a value {bound}, but got {value} instead.",
            param=name,
        )
