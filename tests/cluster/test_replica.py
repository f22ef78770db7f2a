"""`limner.cluster.replica`: the application of one replica, without Ray."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from limner.cluster.replica import Replica, builder
from limner.errors import LimnerError, SettingsError
from limner.settings import Settings


def test_the_id_of_a_request_is_the_proxys(tmp_path: Path) -> None:
    """Ray Serve's proxy gives one and adds it to the answer, so the application does not add another."""
    with TestClient(builder(Settings(engine="fake", data_dir=tmp_path), closed=False)()) as client:
        assert "x-request-id" not in client.get("/healthz", headers={"x-request-id": "theirs"}).headers
        assert client.get("/healthz").headers["x-request-id"].startswith("req_")


def test_a_replica_that_others_can_reach_needs_a_key(tmp_path: Path) -> None:
    """On its own machine, whatever there is on that from which it was deployed."""
    settings = Settings(engine="fake", data_dir=tmp_path)
    with pytest.raises(SettingsError, match="LIMNER_API_KEYS"):
        builder(settings, closed=True)()


def test_a_replica_is_healthy_while_it_is_ready(tmp_path: Path) -> None:
    """As `/readyz` has it: not any more when it takes no new work."""
    application = builder(Settings(engine="fake", data_dir=tmp_path), closed=False)()
    replica = Replica()
    replica.app = application
    with TestClient(application):
        asyncio.run(replica.check_health())
        application.state.services.drain()
        with pytest.raises(LimnerError, match="shutting down"):
            asyncio.run(replica.check_health())
