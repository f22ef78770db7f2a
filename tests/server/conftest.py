"""A server in this process, with the instant engine, in both modes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import limner
from limner.server.app import create_app
from limner.settings import Settings
from tests.server.helpers import Serve


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Starts an application with the instant engine; settings as for `Settings`."""

    def start(**settings: Any) -> TestClient:
        folder: Path = tmp_path_factory.mktemp("server")
        chosen = Settings(**{"engine": "fake", "data_dir": folder} | settings)
        return TestClient(create_app(chosen, limner.load(engine="fake")), raise_server_exceptions=False)

    return start


@pytest.fixture(scope="session")
def lenient(serve: Serve) -> Iterator[TestClient]:
    """A client of a server in lenient mode, the default."""
    with serve() as client:
        yield client


@pytest.fixture(scope="session")
def strict(serve: Serve) -> Iterator[TestClient]:
    """A client of a server in strict mode."""
    with serve(strict=True) as client:
        yield client
