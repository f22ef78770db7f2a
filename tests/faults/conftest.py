"""The shipped model on the default engine, and a server around it in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

import limner
from limner.engines.base import Engine
from limner.pipeline import Pipeline
from limner.server.app import create_app
from limner.settings import Settings
from tests.faults.helpers import WatchedEngine
from tests.server.helpers import living


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the compiled networks are kept, for all processes."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def real(cache: Path) -> Engine:
    """The engine and the model that a new user has, on one thread; each network is compiled by now."""
    pipeline = limner.load(cache_dir=cache, threads=1)
    [picture] = pipeline.generate("a boat", steps=1)
    pipeline.generate("a boat", image=picture.pixels_HWC, steps=2)
    return pipeline.engine


@pytest.fixture
def engine(real: Engine) -> Iterator[WatchedEngine]:
    """The same, watched."""
    watched = WatchedEngine(real)
    yield watched
    watched.go_on.set()


@pytest.fixture
def server(engine: WatchedEngine, tmp_path: Path) -> Iterator[uvicorn.Server]:
    """A real server on loopback that draws with it."""
    application = create_app(Settings(data_dir=tmp_path), Pipeline(engine))
    with living(application) as server:
        yield server
        engine.go_on.set()
