"""A studio with the instant engine, and pictures for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import limner
from limner.server.access.auth import Caller
from limner.server.services import Services, start_services
from limner.settings import Settings
from limner.studio.drawing import Studio
from limner.studio.history import History, local_history
from limner.studio.made import Made
from limner.studio.shown import Shown
from limner.studio.visitor import Visitor

Open: TypeAlias = Callable[..., Studio]


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Callable[..., Services]]:
    """Starts services with the instant engine; settings as for `Settings`."""
    started: list[Services] = []

    def start(**settings: Any) -> Services:
        chosen = Settings(**{"engine": "fake", "data_dir": tmp_path} | settings)
        started.append(start_services(chosen, limner.load(engine="fake")))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def studio(services: Callable[..., Services], tmp_path: Path) -> Iterator[Open]:
    """Opens a studio; settings as for `Settings`."""
    histories: list[History] = []

    def opened(**settings: Any) -> Studio:
        histories.append(local_history(tmp_path / "studio"))
        return Studio(services=services(**settings), history=histories[-1])

    yield opened
    for history in histories:
        history.close()


@pytest.fixture
def visitor() -> Visitor:
    """Somebody."""
    return Visitor(browser="b" * 43, session="s", caller=Caller(owner="anonymous", key="127.0.0.1"))


@pytest.fixture(scope="session")
def made() -> Made:
    """A picture that was drawn from words, with its trace."""
    [picture] = limner.load(engine="fake").generate("two cats", seed=2**63 - 1, trace=True)
    shown = Shown(
        picture=picture,
        prompt="two cats",
        steps=4,
        guidance=1.0,
        seed=picture.seed,
        size=(256, 256),
        style="vivid",
    )
    return Made(shown=shown, kind="generations")
