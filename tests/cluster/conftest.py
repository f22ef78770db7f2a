"""One Ray for all tests that need one: `limner deploy` two replicas, object storage and a database between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from tests.cluster.helpers import Deployed, deploy
from tests.postgres import Postgres
from tests.s3 import Bucket


@pytest.fixture(scope="session")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """While there is no such file, prompts with the word `stand` stand still in their first step."""
    return tmp_path_factory.mktemp("gate") / "open"


@pytest.fixture
def standing(gate: Path) -> Iterator[None]:
    """Prompts that say so stand still until the gate is made, at the latest in the end."""
    gate.unlink(missing_ok=True)
    yield
    gate.touch()


@pytest.fixture(scope="session")
def shared_url(database_server: Postgres) -> str:
    """The URL of the database that the replicas share."""
    return database_server.fresh()


@pytest.fixture(scope="session")
def deployed(
    s3: Bucket, shared_url: str, gate: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """The command, with two replicas that are ready."""
    with deploy(tmp_path_factory.mktemp("deployed"), s3, shared_url, gate) as found:
        yield found


@pytest.fixture
def client(deployed: Deployed) -> Iterator[OpenAI]:
    """OpenAI's client, told nothing but where to go."""
    with OpenAI(base_url=f"{deployed.address}/v1", api_key="lk-live", max_retries=0) as found:
        yield found
