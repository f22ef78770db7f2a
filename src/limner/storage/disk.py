"""Pictures that are handed out as links: signed, expiring, impossible to guess or to list.

A name says when its picture expires, followed by 128 random bits: `img_1790000000_<32 hex digits>.png`. The
signature covers the whole name, so the name can be believed, and nothing else needs to be kept beside the
picture. A name that is not of this form, or not signed, never reaches the disk.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import NewType

from limner.errors import ExpiredError, NotFoundError, OutputError, SettingsError
from limner.storage._folder import Quota, StoredFile, is_stray, writing
from limner.storage.depot import Depot, Item, depot_of
from limner.storage.signing import is_signature, signature

__all__ = ["MEDIA_TYPES", "MIN_LIFETIME", "ROUTE", "DiskStore", "StoredFile", "StoredName"]

StoredName = NewType("StoredName", str)

MIN_LIFETIME = 3600
"""Seconds that a link works at least, as clients were promised for dall-e-2 and dall-e-3."""

MEDIA_TYPES: Mapping[str, str] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
}
"""The extensions that a link may end in, without the dot, and what they mean."""

ROUTE = "/files/images"
"""Below which path of the server the pictures are."""

# Only characters of \w: there are clients that look for [\w\d]+\.png in the link.
_NAME = re.compile(rf"img_([0-9]{{10}})_[0-9a-f]{{32}}\.({'|'.join(MEDIA_TYPES)})")
_GRACE = 60


class DiskStore:
    """A depot of pictures, each of which can be fetched by its signed link until it expires.

    Any number of threads and processes may use one folder, and any number of machines one bucket. A process that
    is killed leaves at most a temporary file, which `sweep` deletes after an hour.

    Args:
        place: the depot where the pictures lie, or a folder; it is made if need be, for its owner's eyes only.
        key: signs the links; `signing.signing_key(place)` keeps one across restarts.
        lifetime: seconds that a link works, at least 3,600.
        clock: the time in seconds of the epoch.
        max_bytes: how much there may be on the depot.

    Raises:
        SettingsError: the lifetime is too short.
        OutputError: the folder cannot be made.
    """

    def __init__(
        self,
        place: Depot | str | os.PathLike[str],
        key: bytes,
        lifetime: float = MIN_LIFETIME,
        clock: Callable[[], float] = time.time,
        *,
        max_bytes: float = math.inf,
    ) -> None:
        if not lifetime >= MIN_LIFETIME:
            raise SettingsError(
                f"links must work for at least {MIN_LIFETIME:,} seconds, not {lifetime}: correct the lifetime",
                param="LIMNER_URL_LIFETIME",
            )
        self._depot = depot_of(place)
        self._key = key
        self._lifetime = lifetime
        self._clock = clock
        self._quota = Quota(
            max_bytes,
            used=lambda: sum(item.size for item in self._depot.items()),
            sweep=self.sweep,
            remedy="Try again when older pictures have expired, or raise LIMNER_STORE_BYTES",
        )

    def put(
        self, data: bytes, extension: str, media_type: str, *, lifetime: float | None = None
    ) -> StoredName:
        """Keep a picture for the store's lifetime, or longer.

        Args:
            data: the whole file.
            extension: how its link ends, without the dot; see `MEDIA_TYPES`.
            media_type: what the extension stands for; said twice so that no link can lie.
            lifetime: seconds that the link works where that is longer than the store's own; None is that.

        Raises:
            StorageFullError: there is no room, even without all that has expired; or none on the disk.
            OutputError: extension and type do not belong together, or the file cannot be written.
        """
        if MEDIA_TYPES.get(extension) != media_type:
            raise OutputError(
                f"a file of type {media_type} must not end in .{extension}: use one of {dict(MEDIA_TYPES)}"
            )
        self._quota.take(len(data))
        expires = math.ceil(self._clock() + max(self._lifetime, lifetime or 0))
        name = StoredName(f"img_{expires:010}_{secrets.token_hex(16)}.{extension}")
        with writing():
            self._depot.put(name, data)
        return name

    def url_path(self, name: StoredName) -> str:
        """The link to a picture, without the server's address; always the same for the same picture."""
        return f"{ROUTE}/{name}?signature={signature(self._key, name)}"

    def open(self, name: str, query: Mapping[str, str]) -> StoredFile:
        """Find the picture behind a link.

        Args:
            name: the last part of the link's path, as it came in.
            query: the link's query parameters.

        Raises:
            ExpiredError: the link was good once.
            NotFoundError: it never was; what is wrong with it is not told.
        """
        known = _NAME.fullmatch(name)
        if known is None or not is_signature(self._key, name, query.get("signature", "")):
            raise NotFoundError("There is no such picture: use the link exactly as it was handed out")
        if self._clock() >= int(known[1]):
            raise ExpiredError("This link has expired: draw the picture again")
        try:
            path = self._depot.find(name)
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError as error:
            raise NotFoundError("This picture is not there any more: draw it again") from error
        return StoredFile(path=path, size=size, media_type=MEDIA_TYPES[known[2]], etag=f'"{digest}"')

    def sweep(self) -> int:
        """Delete what has expired, oldest first, and what killed processes left; how many files that was.

        A picture stays for another minute, for those who began to read it in time.
        """
        now = self._clock()
        over = [item.name for item in self._depot.items() if _is_over(item, now)]
        return sum(map(self._depot.remove, sorted(over)))


def _is_over(item: Item, now: float) -> bool:
    known = _NAME.fullmatch(item.name)
    if known is None:
        return is_stray(item.name, item.changed, now)
    return now >= int(known[1]) + _GRACE
