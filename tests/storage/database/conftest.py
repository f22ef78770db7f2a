"""A new database for each test, and those who share it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import TypeAlias

import pytest

from limner.storage.database.connection import Database, open_shared
from tests.postgres import Postgres

Share: TypeAlias = Callable[[], Database]


@pytest.fixture
def url(database_server: Postgres) -> str:
    """The URL of an empty database."""
    return database_server.fresh()


@pytest.fixture
def share(url: str) -> Iterator[Share]:
    """Opens the same database once more, as another server would."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(open_shared(url)))
