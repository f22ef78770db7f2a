"""One run for all tests of the tab."""

from __future__ import annotations

import pytest

from limner.studio.shown import Shown
from tests.studio.learn.helpers import drawn


@pytest.fixture(scope="session")
def shown() -> Shown:
    """A picture on screen."""
    return drawn()
