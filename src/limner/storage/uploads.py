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
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from limner.errors import InvalidRequestError, LimnerError, NotFoundError, OutputError
from limner.files import sha256_of
from limner.storage._folder import Quota, StoredFile, is_stray, new_id, owner_name, writing
from limner.storage.depot import Depot, Item, depot_of

__all__ = ["OUTPUT_PURPOSE", "PURPOSES", "Upload", "UploadPage", "UploadStore"]

PURPOSES = ("vision", "batch")
"""What files can be uploaded for: pictures to edit, and lists of requests."""

OUTPUT_PURPOSE = "batch_output"
"""What the files are for that batches put out."""

_ID = re.compile(r"file-[0-9a-f]{48}")
_MAX_PAGE = 10_000
_LIFETIMES = (3600, 30 * 24 * 3600)  # shortest and longest, in seconds
_ORPHAN_SECONDS = 3600
_FACTS = ".json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """What is known of a file.

    Attributes:
        id: "file-" and 48 hexadecimal digits: 16 of the time, so that ids sort by it, and 128 random bits.
        filename: as the client called it; never the name of anything on disk.
        purpose: one of `PURPOSES`, or `OUTPUT_PURPOSE`.
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
    """A depot of uploaded files; who owns one cannot be seen, or reached, by other owners.

    Args:
        place: the depot where they lie, or a folder; it is made if need be, for its owner's eyes only.
        clock: the time in seconds of the epoch.
        max_bytes: how much there may be on the depot, all owners together.

    Raises:
        OutputError: the folder cannot be made.
    """

    def __init__(
        self,
        place: Depot | str | os.PathLike[str],
        clock: Callable[[], float] = time.time,
        *,
        max_bytes: float = math.inf,
    ) -> None:
        self._depot = depot_of(place)
        self._clock = clock
        self._quota = Quota(
            max_bytes,
            used=lambda: sum(item.size for item in self._depot.items()),
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
            id=new_id("file-", now),
            filename=filename,
            purpose=purpose,
            bytes=len(data),
            created_at=int(now),
            expires_at=None if lasts is None else int(now) + lasts,
            sha256=hashlib.sha256(data).hexdigest(),
        )
        name = _name(upload.id, owner)
        with writing():
            self._depot.put(name, data)
            try:
                self._depot.put(_facts(name), _written(upload))
            except OutputError:
                self._depot.remove(name)
                raise
        return upload

    def new_id(self) -> str:
        """An id for `adopt`."""
        return new_id("file-", self._clock())

    def adopt(
        self, path: Path, upload_id: str, *, owner: str, filename: str, expires_after: int | None = None
    ) -> Upload:
        """Keep what a batch put out, for 30 days unless it is said otherwise.

        Done again, because a process was killed in the middle of it or right after it, it changes nothing.

        Args:
            path: the file, on this disk; it stays where it is, and must not change any more.
            upload_id: the id that it gets, from `new_id`.
            owner: whose it is.
            filename: what it is called.
            expires_after: seconds to keep it.

        Raises:
            StorageFullError: there is no room, in the store or on the disk.
            OutputError: the file cannot be written.
        """
        target = _name(upload_id, owner)
        known = self._read(_facts(target))
        if known is not None:
            return known
        size, now = path.stat().st_size, int(self._clock())
        self._quota.take(size)
        upload = Upload(
            id=upload_id,
            filename=filename,
            purpose=OUTPUT_PURPOSE,
            bytes=size,
            created_at=now,
            expires_at=now + (_LIFETIMES[1] if expires_after is None else expires_after),
            sha256=sha256_of(path),
        )
        with writing():
            self._depot.put_file(target, path)
            self._depot.put(_facts(target), _written(upload))
        return upload

    def get(self, upload_id: str, *, owner: str) -> Upload:
        """What is known of a file.

        Raises:
            NotFoundError: the owner has no such file, or not any more.
        """
        upload = self._read(_facts(_name(upload_id, owner)))
        if upload is None or upload.is_over(self._clock()):
            raise _unknown(upload_id)
        return upload

    def content(self, upload_id: str, *, owner: str) -> StoredFile:
        """Where a file's bytes are. Their type is never what a client claimed.

        Raises:
            NotFoundError: the owner has no such file, or not any more.
        """
        upload = self.get(upload_id, owner=owner)
        try:
            path = self._depot.find(_name(upload_id, owner))
        except FileNotFoundError as error:
            raise _unknown(upload_id) from error
        return StoredFile(
            path=path,
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
        name = _name(upload_id, owner)
        if not self._depot.remove(_facts(name)):
            raise _unknown(upload_id)
        self._depot.remove(name)

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
        now, items = self._clock(), self._depot.items()
        return sum(map(self._depot.remove, list(self._over(items, now))))

    def _of(self, owner: str) -> Iterator[Upload]:
        now = self._clock()
        for item in self._depot.items(owner_name(owner)):
            if (
                item.name.endswith(_FACTS)
                and (upload := self._read(item.name, listed=True))
                and not upload.is_over(now)
            ):
                yield upload

    def _over(self, items: list[Item], now: float) -> Iterator[str]:
        """What is to be deleted, in an order that never leaves facts without bytes."""
        named = {item.name for item in items}
        for item in items:
            if item.name.endswith(_FACTS):
                upload = self._read(item.name, listed=True)
                if upload and upload.is_over(now):
                    yield from (item.name, item.name.removesuffix(_FACTS))
            elif is_stray(item.name, item.changed, now) or _is_orphan(item, named, now):
                yield item.name

    def _read(self, name: str, *, listed: bool = False) -> Upload | None:
        """The upload that these facts tell of; None if there is none.

        Args:
            name: of the facts, which never change.
            listed: they were there a moment ago; else it is to be asked whether they are.
        """
        try:
            data = self._depot.find(name).read_bytes() if listed else self._depot.read(name)
            return Upload(**json.loads(data))
        except FileNotFoundError:
            return None
        except (OSError, TypeError, ValueError) as error:
            raise LimnerError(
                f"{self._depot.title}/{name} cannot be read ({error}): delete it, and the file was never there"
            ) from error


def _name(upload_id: str, owner: str) -> str:
    """Under which name a file's bytes lie.

    Raises:
        NotFoundError: this is no file's id.
    """
    if not _ID.fullmatch(upload_id):
        raise _unknown(upload_id)
    return f"{owner_name(owner)}/{upload_id}"


def _facts(name: str) -> str:
    return name + _FACTS


def _written(upload: Upload) -> bytes:
    return json.dumps(dataclasses.asdict(upload), indent=2).encode()


def _is_orphan(item: Item, named: set[str], now: float) -> bool:
    """Whether these are bytes whose facts were never written, or are deleted."""
    is_upload = _ID.fullmatch(item.name.rpartition("/")[2]) is not None
    return is_upload and _facts(item.name) not in named and now - item.changed > _ORPHAN_SECONDS


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
