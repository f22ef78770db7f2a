"""`limner.studio.history` on the database and the depot that all servers share: the same models, the same answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from limner.errors import DatabaseError, NotFoundError
from limner.server.services import Services
from limner.storage.bucket import BucketDepot
from limner.storage.database.connection import open_shared
from limner.studio.app import _history
from limner.studio.drawing import sentence
from limner.studio.history import History, local_history
from limner.studio.made import Made
from tests.postgres import Postgres
from tests.s3 import Bucket

Open: TypeAlias = Callable[[str], History]


@pytest.fixture
def server(
    database_server: Postgres, s3: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Open]:
    """Opens the history on a machine of this name."""
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    url, part = database_server.fresh(), f"{tmp_path.name}/pictures"

    def opened(name: str) -> History:
        database = stack.enter_context(closing(open_shared(url)))
        return History(database, BucketDepot(s3.url, part, tmp_path / name))

    with ExitStack() as stack:
        yield opened


def test_what_a_browser_made_is_there_on_every_server(server: Open, made: Made) -> None:
    """To the bit, with all its settings, the largest seed too; for nobody else."""
    here, there = server("a"), server("b")
    here.add("ann", made)
    [entry] = there.entries("ann")
    found = there.get("ann", entry.id).shown
    assert (entry.seed, entry.prompt, found.steps, found.style) == (2**63 - 1, "two cats", 4, "vivid")
    assert np.array_equal(found.picture.pixels_HWC, made.shown.picture.pixels_HWC)
    assert there.entries("bob") == []


def test_what_one_server_deletes_is_gone_on_all(server: Open, made: Made) -> None:
    """Row and file; one that another server shows just then is told to be gone."""
    here, there = server("a"), server("b")
    here.add("ann", made)
    [name] = there.clear("ann")
    assert here.entries("ann") == []
    with pytest.raises(NotFoundError):
        here.get("ann", name)
    assert here._pictures.items() == []


def test_while_the_database_is_away_nothing_is_lost(
    server: Open, made: Made, database_server: Postgres
) -> None:
    """Whoever looks is told, and finds everything when it is back."""
    history = server("a")
    history.add("ann", made)
    with database_server.down(), pytest.raises(DatabaseError, match="see that it runs") as caught:
        history.entries("ann")
    assert sentence(caught.value) == "The server's database does not answer just now. Try again soon."
    assert [entry.id for entry in history.entries("ann")] == [made.id]


def test_the_studio_takes_what_the_settings_name(
    services: Callable[..., Services], database_server: Postgres, made: Made, tmp_path: Path
) -> None:
    """On one machine with a database, files are in the data folder; what was there before it stays."""
    with closing(local_history(tmp_path / "studio")) as before:
        before.add("ann", made)
    [old] = (tmp_path / "studio" / "pictures").iterdir()
    os.utime(old, (1, 1))
    url = database_server.fresh()
    here, there = (_history(services(database_url=url)) for _ in range(2))
    here.add("ann", made)
    [entry] = there.entries("ann")
    assert entry.path == tmp_path / "history" / f"{made.id}.png"
    assert old.exists()
