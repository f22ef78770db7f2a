"""What the routes work with: made once at start, handed to each of them, closed at the end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from threading import Event

import anyio.to_thread
from prometheus_client import CollectorRegistry

from limner.batching.base import Loop
from limner.batching.loop import DeviceLoop, LoopConfig
from limner.batching.metrics import Metrics
from limner.errors import LimnerError
from limner.loading import load
from limner.pipeline import Pipeline
from limner.safety.prompts import PromptGuard
from limner.server.access.fetch import Fetcher
from limner.server.access.keys import KeyFile, KeyRing
from limner.server.access.limits import ImageLimiter
from limner.server.contract.models import ModelTable
from limner.settings import Settings
from limner.storage.disk import DiskStore
from limner.storage.signing import signing_key
from limner.storage.uploads import UploadStore

__all__ = ["DRAIN_SECONDS", "Services", "key_ring", "running", "start_services"]

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
        pipeline: the loaded model.
        loop: draws, on the device's own thread.
        models: the names that there are.
        store, uploads: pictures behind links, and the files that clients sent.
        guard: judges prompts.
        keys: who may ask.
        limiter: how often.
        fetcher: brings what an `image_url` leads to.
        metrics: what is counted.
        leaving: set when no new work is taken any more.
    """

    settings: Settings
    pipeline: Pipeline
    loop: Loop
    models: ModelTable
    store: DiskStore
    uploads: UploadStore
    guard: PromptGuard
    keys: KeyRing
    limiter: ImageLimiter
    fetcher: Fetcher
    metrics: Metrics
    leaving: Event

    @property
    def registry(self) -> CollectorRegistry:
        """Where the metrics are listed."""
        return self.metrics.registry

    def drain(self) -> None:
        """Take no new work, finish what is drawn, and send away what waits; blocks until that is done."""
        self.leaving.set()
        self.loop.drain(DRAIN_SECONDS)

    def stop(self) -> None:
        """Drain, and end the loop's threads."""
        self.drain()
        self.loop.close(DRAIN_SECONDS)


@asynccontextmanager
async def running(services: Services) -> AsyncIterator[None]:
    """Sweep up what has expired, and at the end finish what is drawn and stop."""
    sweeper = asyncio.create_task(_sweep(services))
    try:
        yield
    finally:
        sweeper.cancel()
        await anyio.to_thread.run_sync(services.stop)


def start_services(settings: Settings, pipeline: Pipeline | None = None) -> Services:
    """Load the model, open the stores, and start the loop.

    Args:
        settings: what the operator chose.
        pipeline: a model that is loaded already; by default the settings' own is.

    Raises:
        LimnerError: a setting is wrong, the model cannot be loaded, or the data folder not be used.
    """
    pipeline = pipeline or _load(settings)
    metrics = Metrics()
    pictures, files = settings.data_dir / "images", settings.data_dir / "files"
    services = Services(
        settings=settings,
        pipeline=pipeline,
        loop=DeviceLoop(pipeline, _loop_config(settings), metrics=metrics),
        models=_model_table(settings, pipeline),
        store=DiskStore(
            pictures, signing_key(pictures), settings.url_lifetime, max_bytes=settings.store_bytes
        ),
        uploads=UploadStore(files, max_bytes=settings.store_bytes),
        guard=PromptGuard(),
        keys=key_ring(settings),
        limiter=ImageLimiter(settings.images_per_minute),
        fetcher=Fetcher(hosts=settings.fetch_hosts),
        metrics=metrics,
        leaving=Event(),
    )
    services.loop.start()
    return services


def key_ring(settings: Settings) -> KeyRing:
    """Who may use the server."""
    fixed = (secret.get_secret_value() for secret in settings.api_keys)
    return KeyRing(KeyFile(settings.keys_file), fixed)


def _model_table(settings: Settings, pipeline: Pipeline) -> ModelTable:
    return ModelTable(
        pipeline.engine.capabilities.model,
        created=int(time.time()),
        openai_names=settings.openai_names,
        aliases=settings.aliases,
    )


def _loop_config(settings: Settings) -> LoopConfig:
    return LoopConfig(
        queue_size=settings.queue_size,
        batch_max=settings.batch_max,
        request_timeout=settings.request_timeout,
    )


def _load(settings: Settings) -> Pipeline:
    return load(
        settings.model,
        engine=settings.engine,
        threads=settings.threads,
        precision=settings.precision,
        cache_dir=settings.cache_dir,
    )


async def _sweep(services: Services) -> None:
    """Delete what has expired, once a minute."""
    while True:
        for sweep in (services.store.sweep, services.uploads.sweep):
            await _attempt(sweep)
        await asyncio.sleep(_SWEEP_SECONDS)


async def _attempt(sweep: Callable[[], int]) -> None:
    try:
        await anyio.to_thread.run_sync(sweep)
    except (LimnerError, OSError):
        _logger.exception("expired files could not be deleted")
