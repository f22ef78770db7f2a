"""Where batches are taken in, looked up and cancelled; whatever is not over goes on at the next start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Lock

import anyio.to_thread

from limner.bulk.runner import Runner
from limner.errors import DatabaseError, LimnerError, NotFoundError
from limner.server.access.auth import Caller
from limner.server.batches.answering import Answerer
from limner.server.batches.orders import WINDOWS, Order, survey
from limner.server.batches.work import BatchWork
from limner.server.errors import ApiError, refuse
from limner.server.services import DRAIN_SECONDS, Services
from limner.server.shared import batches_of
from limner.storage.batches import Batch, BatchPage

__all__ = ["MAX_UNFINISHED", "BatchDesk", "batch_desk"]

MAX_UNFINISHED = 16
"""So many batches of one key may be unfinished at a time."""

_SWEEP_SECONDS = 60.0
# So long a batch waits that another process took in, or has left.
_LOOK_SECONDS = 5.0
_LOOKS = round(_SWEEP_SECONDS / _LOOK_SECONDS)
# Below every call that somebody waits for.
_PRIORITY = -1
_logger = logging.getLogger("limner.server")


class BatchDesk:
    """The batches of one server.

    Args:
        services: what draws and keeps.
    """

    def __init__(self, services: Services) -> None:
        settings = services.settings
        self._services = services
        self._store = batches_of(settings, services.database)
        self._answerer = Answerer(services, priority=_PRIORITY)
        # Lines that wait take room in the queue from those who would rather be told to come back.
        self._runner = Runner(max(1, min(settings.batch_max, settings.queue_size // 2)))
        self._works: dict[str, BatchWork] = {}
        self._lock = Lock()
        self._closed = False

    def start(self) -> None:
        """Begin to work; once."""
        self._runner.start()

    def create(self, order: Order, caller: Caller, origin: str) -> Batch:
        """Take a batch in; blocks while its lines are looked at.

        Raises:
            ApiError: there is no such file, or it is not for batches, or there are too many batches.
            LimnerError: it cannot be kept.
        """
        path = self._input(order, caller)
        if self._store.unfinished(caller.owner) >= MAX_UNFINISHED:
            raise ApiError(
                f"There are {MAX_UNFINISHED} unfinished batches of this key already: wait for one, or cancel one.",
                status=429,
                type="batches",
                code="rate_limit_exceeded",
                retry_after=_SWEEP_SECONDS,
            )
        batch = self._begun(order, caller, origin)
        found = survey(path, order.endpoint)
        if found.errors:
            batch = replace(batch, status="failed", failed_at=self._store.now(), errors=found.errors)
        else:
            batch = replace(batch, total=found.total, in_progress_at=self._store.now())
        self._store.add(batch, path)
        self._look()
        return self._live(batch)

    def _input(self, order: Order, caller: Caller) -> Path:
        uploads = self._services.uploads
        try:
            upload = uploads.get(order.input_file_id, owner=caller.owner)
            path = uploads.content(order.input_file_id, owner=caller.owner).path
        except NotFoundError as error:
            refuse(str(error), "invalid_value", "input_file_id")
        if upload.purpose != "batch":
            message = f"Invalid file purpose: '{upload.purpose}'. Upload the file for the purpose 'batch'."
            refuse(message, "invalid_value", "input_file_id")
        return path

    def _begun(self, order: Order, caller: Caller, origin: str) -> Batch:
        now = self._store.now()
        return Batch(
            id=self._store.new_id(),
            owner=caller.owner,
            key=caller.key,
            origin=origin,
            endpoint=order.endpoint,
            input_file_id=order.input_file_id,
            completion_window=order.completion_window,
            status="in_progress",
            created_at=now,
            expires_at=now + WINDOWS[order.completion_window],
            metadata=order.metadata,
            output_seconds=order.output_seconds,
        )

    def get(self, batch_id: str, caller: Caller) -> Batch:
        """Where a batch stands, now.

        Raises:
            NotFoundError: the caller has no such batch.
        """
        return self._live(self._store.get(batch_id, owner=caller.owner))

    def page(self, caller: Caller, *, limit: int, after: str | None) -> BatchPage:
        """The caller's batches, the newest first.

        Raises:
            InvalidRequestError: `after` is no batch's id.
        """
        found = self._store.page(owner=caller.owner, limit=limit, after=after)
        return replace(found, batches=tuple(map(self._live, found.batches)))

    def cancel(self, batch_id: str, caller: Caller) -> Batch:
        """Begin nothing more of a batch.

        Raises:
            NotFoundError: the caller has no such batch.
            ApiError: it is over, or about to be.
            OutputError: that cannot be kept, and so is not so.
        """
        with self._lock:
            batch = self._cancelled(self._store.get(batch_id, owner=caller.owner))
        self._look()
        if batch.cancelling_at is None or batch.over:
            message = f"Cannot cancel a batch with status '{batch.status}'."
            raise ApiError(message, status=409, code="batch_not_cancellable")
        return batch

    def _cancelled(self, batch: Batch) -> Batch:
        work = self._works.get(batch.id)
        if work is not None:
            return work.cancel()
        # It waits to be taken up, or another process does it.
        return self._store.cancel(batch)

    def _live(self, batch: Batch) -> Batch:
        """What is being worked off knows better than what was last written."""
        work = self._works.get(batch.id)
        return batch if work is None else work.batch

    def _look(self) -> None:
        """Begin at once with what has just been kept; if that cannot be, the next look begins with it."""
        with suppress(DatabaseError):
            self.resume()

    def resume(self) -> None:
        """Take up whatever is not over and not being worked off, unless another process does."""
        with self._lock:
            if self._closed:
                return
            claimed = {batch.id: batch for batch in self._store.claim()}
            self._works = {batch_id: work for batch_id, work in self._works.items() if not work.gone}
            for batch_id, work in self._works.items():
                if batch_id in claimed:
                    work.hear(claimed[batch_id])
                elif not work.batch.over:
                    work.lose()
            for batch in claimed.values():
                if batch.id not in self._works:
                    self._take_up(batch)
        self._runner.wake()

    def _take_up(self, batch: Batch) -> None:
        try:
            work = BatchWork(batch, self._store, self._services.uploads, self._answerer)
        except (LimnerError, OSError):
            _logger.exception("batch %s cannot be taken up", batch.id)
            return
        self._works[batch.id] = work
        self._runner.add(work)

    def sweep(self) -> None:
        """Take up what stopped, and forget what is long over."""
        self.resume()
        self._store.sweep()

    def close(self) -> None:
        """Begin nothing more, and wait for what is being drawn; the rest goes on at the next start."""
        with self._lock:
            self._closed = True
        if not self._runner.close(DRAIN_SECONDS):
            self._answerer.close()
            self._runner.close(DRAIN_SECONDS)
        for work in self._works.values():
            work.close()
        with suppress(DatabaseError):
            # Otherwise others wait until the claim runs out.
            self._store.release()


@asynccontextmanager
async def batch_desk(services: Services) -> AsyncIterator[BatchDesk]:
    """A desk that works as long as the block, and looks every few seconds for what stopped."""
    desk = await anyio.to_thread.run_sync(BatchDesk, services)
    desk.start()
    sweeper = asyncio.create_task(_sweep(desk))
    try:
        yield desk
    finally:
        sweeper.cancel()
        await anyio.to_thread.run_sync(desk.close)


async def _sweep(desk: BatchDesk) -> None:
    for turn in count():
        try:
            await anyio.to_thread.run_sync(desk.resume if turn % _LOOKS else desk.sweep)
        except (LimnerError, OSError):
            _logger.exception("batches could not be swept")
        await asyncio.sleep(_LOOK_SECONDS)
