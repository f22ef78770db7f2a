"""What a server shares with all others, where the settings name a database and object storage; else it has its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio.to_thread

from limner.errors import LimnerError, SettingsError
from limner.server.access.limits import ImageLimiter
from limner.settings import Settings
from limner.storage.batch_folder import FolderBatchStore
from limner.storage.batches import BatchStore
from limner.storage.depot import Depot, FolderDepot

if TYPE_CHECKING:
    from limner.storage.database.connection import Database
    from limner.storage.database.use import UseBook

__all__ = ["batches_of", "book_of", "keep_book", "limiter_of", "place_of", "shared_database"]

_BOOK_SECONDS = 1.0
_logger = logging.getLogger("limner.server")


def place_of(settings: Settings, name: str) -> Depot:
    """Where files of one kind lie: in a part of the data folder, or of where all machines look.

    Raises:
        SettingsError: the object storage cannot be used.
        OutputError: a folder cannot be made.
    """
    if not settings.storage_url:
        return FolderDepot(settings.data_dir / name)
    from limner.storage.bucket import BucketDepot

    return BucketDepot(settings.storage_url, name, settings.data_dir / "copies" / name)


def shared_database(settings: Settings) -> Database | None:
    """The database that the settings name.

    Raises:
        SettingsError: it cannot be used, or a later version of limner made it.
        DatabaseError: it does not answer.
    """
    url = settings.database_url.get_secret_value()
    if not url:
        return None
    try:
        from limner.storage.database.connection import open_shared
    except ImportError as error:
        raise SettingsError(
            f"the database cannot be used: {error}. Install what it needs with: pip install 'limner[cluster]'",
            param="LIMNER_DATABASE_URL",
        ) from error
    return open_shared(url)


def limiter_of(settings: Settings, database: Database | None) -> ImageLimiter:
    """Counts each key's pictures of the last minute, for all servers or for this one."""
    size = settings.images_per_minute
    if database is None:
        return ImageLimiter(size)
    from limner.storage.database.buckets import SharedBuckets

    return ImageLimiter(size, SharedBuckets(database, size))


def batches_of(settings: Settings, database: Database | None) -> BatchStore:
    """Batches, of all servers or of this one.

    Raises:
        LimnerError: they cannot be kept.
    """
    if database is None:
        return FolderBatchStore(settings.data_dir / "batches", max_bytes=settings.store_bytes)
    from limner.storage.database.batches import SharedBatchStore

    # Not where they are without a database: nobody must sweep away what was there before.
    return SharedBatchStore(database, place_of(settings, "lines"), max_bytes=settings.store_bytes)


def book_of(database: Database | None) -> UseBook | None:
    """Counts each key's pictures of a day, where there is a database."""
    if database is None:
        return None
    from limner.storage.database.use import UseBook

    return UseBook(database)


async def keep_book(write: Callable[[], None]) -> None:
    """Write every second what was drawn; while that cannot be, it stays in memory."""
    failing = False
    while True:
        await asyncio.sleep(_BOOK_SECONDS)
        try:
            await anyio.to_thread.run_sync(write)
            failing = False
        except LimnerError:
            if not failing:
                _logger.exception(
                    "the use of keys is not written: it will be when the database answers again"
                )
            failing = True
