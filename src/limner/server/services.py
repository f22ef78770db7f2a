"""What the routes work with: made once at start, handed to each of them, closed at the end."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

import anyio.to_thread
from prometheus_client import CollectorRegistry

from limner.batching.base import Loop
from limner.batching.loop import LoopConfig
from limner.batching.metrics import Metrics
from limner.engines.base import Capabilities
from limner.errors import DeadlineError, LimnerError
from limner.hosting.config import ShelfConfig
from limner.hosting.places import Loaded
from limner.hosting.shelf import Shelf
from limner.imaging.picture import Picture
from limner.pipeline import Pipeline
from limner.safety.prompts import PromptGuard
from limner.server.access.fetch import Fetcher
from limner.server.access.keys import KeyFile, KeyRing
from limner.server.access.limits import ImageLimiter
from limner.server.contract.models import ModelName, ModelTable
from limner.server.offers import offers_of
from limner.server.shared import book_of, keep_book, limiter_of, place_of, shared_database
from limner.settings import Settings
from limner.storage.disk import DiskStore
from limner.storage.signing import signing_key
from limner.storage.uploads import UploadStore

if TYPE_CHECKING:
    from limner.storage.database.connection import Database
    from limner.storage.database.use import UseBook

__all__ = [
    "DRAIN_SECONDS",
    "Services",
    "key_ring",
    "model_table",
    "running",
    "shared_database",
    "start_services",
]

DRAIN_SECONDS = 30
"""How long what is being drawn may take to be finished when the server is told to stop, and after that, if it
is not, the step in flight."""

_SWEEP_SECONDS = 60.0
_logger = logging.getLogger("limner.server")


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """Everything that outlives a request.

    Attributes:
        settings: what the operator chose.
        shelf: the models, each with a loop that draws, on the device's own thread.
        models: the names that there are.
        store, uploads: pictures behind links, and the files that clients sent.
        guard: judges prompts.
        keys: who may ask.
        limiter: how often.
        fetcher: brings what an `image_url` leads to.
        database, book: what all servers share, and what there is counted for each key; or None.
        metrics: what is counted.
        leaving: set when no new work is taken any more.
    """

    settings: Settings
    shelf: Shelf
    models: ModelTable
    store: DiskStore
    uploads: UploadStore
    guard: PromptGuard
    keys: KeyRing
    limiter: ImageLimiter
    fetcher: Fetcher
    database: Database | None
    book: UseBook | None
    metrics: Metrics
    leaving: Event

    @property
    def registry(self) -> CollectorRegistry:
        """Where the metrics are listed."""
        return self.metrics.registry

    @property
    def first(self) -> str:
        """The first model's own name."""
        return self.models.all()[0].id

    @property
    def pipeline(self) -> Pipeline:
        """The first model; blocks while it is loaded."""
        return self._first().pipeline

    @property
    def loop(self) -> Loop:
        """Draws with the first model; blocks while that is loaded."""
        return self._first().loop

    @property
    def able(self) -> Capabilities:
        """What the first model can do; blocks while it is loaded for the first time."""
        return self.shelf.able(self.first) or self._first().able

    def _first(self) -> Loaded:
        with self.shelf.wanted(self.first, patient=True) as wish:
            return wish.result()

    @asynccontextmanager
    async def using(self, name: ModelName) -> AsyncIterator[Loaded]:
        """Hold the model that answers to a name, loading it if need be; it stays until the block is left.

        Raises:
            DeadlineError: it was not loaded in time.
            LimnerError: too many wait for it, or it cannot be loaded.
        """
        with self.shelf.wanted(self.models.drawn_by(name)) as wish:
            if not wish.done():
                await _settled(wish, self.settings.request_timeout)
            yield wish.result()

    def count(self, owner: str, pictures: Sequence[Picture]) -> None:
        """Note what was drawn for a key."""
        if self.book is not None:
            pixels = sum(math.prod(each.pixels_HWC.shape[:2]) for each in pictures)
            self.book.count(owner, pictures=len(pictures), pixels=pixels)

    def drain(self) -> None:
        """Take no new work, finish what is drawn, and send away what waits; blocks until that is done."""
        self.leaving.set()
        self.shelf.drain(DRAIN_SECONDS)

    def stop(self) -> None:
        """Drain, end the threads of all models, and let go of the database."""
        self.drain()
        self.shelf.close(DRAIN_SECONDS)
        if self.book is not None:
            _attempt(self.book.write)
        if self.database is not None:
            self.database.close()


async def _settled(wish: Future[Loaded], seconds: float) -> None:
    """Wait for a model without keeping a thread waiting."""
    here, done = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: Future[Loaded]) -> None:
        # The event loop may be closed by then; nobody waits any more.
        with suppress(RuntimeError):
            here.call_soon_threadsafe(done.set)

    wish.add_done_callback(tell)
    try:
        await asyncio.wait_for(done.wait(), seconds)
    except TimeoutError as error:
        raise DeadlineError(f"The model was not loaded within {seconds:g} s: try again later") from error


@asynccontextmanager
async def running(services: Services) -> AsyncIterator[None]:
    """Sweep up what has expired, and at the end finish what is drawn and stop."""
    tasks = [asyncio.create_task(_sweep(services))]
    if services.book is not None:
        tasks.append(asyncio.create_task(keep_book(services.book.write)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await anyio.to_thread.run_sync(services.stop)


def start_services(settings: Settings, pipeline: Pipeline | None = None) -> Services:
    """Load the first model, open the stores, and start to draw.

    Args:
        settings: what the operator chose.
        pipeline: the first model, if it is loaded already; by default the settings' own is loaded.

    Raises:
        LimnerError: a setting is wrong, the model cannot be loaded, or the data folder or the database not be used.
    """
    database = shared_database(settings)
    metrics = Metrics()
    offers = offers_of(settings, None if pipeline is None else pipeline.engine.capabilities.model)
    first, *more = (offer.name for offer in offers)
    models = model_table(settings, first, more)
    shelf = Shelf(offers, _shelf_config(settings), metrics)
    if pipeline is not None:
        shelf.adopt(first, pipeline)
    elif settings.load_at_start:
        shelf.load_now(first)
    pictures = place_of(settings, "images")
    services = Services(
        settings=settings,
        shelf=shelf,
        models=models,
        store=DiskStore(
            pictures, signing_key(pictures), settings.url_lifetime, max_bytes=settings.store_bytes
        ),
        uploads=UploadStore(place_of(settings, "files"), max_bytes=settings.store_bytes),
        guard=PromptGuard(),
        keys=key_ring(settings),
        limiter=limiter_of(settings, database),
        fetcher=Fetcher(hosts=settings.fetch_hosts),
        database=database,
        book=book_of(database),
        metrics=metrics,
        leaving=Event(),
    )
    shelf.start()
    return services


def key_ring(settings: Settings) -> KeyRing:
    """Who may use the server."""
    fixed = (secret.get_secret_value() for secret in settings.api_keys)
    return KeyRing(KeyFile(settings.keys_file), fixed)


def model_table(settings: Settings, own: str, more: Iterable[str] = ()) -> ModelTable:
    """The names under which models are called, the first of them by its own."""
    return ModelTable(
        own,
        created=int(time.time()),
        openai_names=settings.openai_names,
        aliases=settings.aliases,
        more=more,
    )


def _shelf_config(settings: Settings) -> ShelfConfig:
    return ShelfConfig(
        limit=settings.memory_limit,
        idle_seconds=settings.idle_unload,
        loop=LoopConfig(
            queue_size=settings.queue_size,
            batch_max=settings.batch_max,
            request_timeout=settings.request_timeout,
        ),
    )


async def _sweep(services: Services) -> None:
    """Delete what has expired, once a minute."""
    sweeps = [services.store.sweep, services.uploads.sweep, services.limiter.sweep]
    if services.book is not None:
        sweeps.append(services.book.forget)
    while True:
        for sweep in sweeps:
            await anyio.to_thread.run_sync(_attempt, sweep)
        await asyncio.sleep(_SWEEP_SECONDS)


def _attempt(work: Callable[[], object]) -> None:
    try:
        work()
    except (LimnerError, OSError):
        _logger.exception("what has expired could not be deleted, or what was drawn not be counted")
