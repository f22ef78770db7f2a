"""A prompt to draw."""

from __future__ import annotations

import pytest

from limner.engines.fake import FakeEngine
from limner.types import TextFeatures


@pytest.fixture
def features() -> TextFeatures:
    """An encoded prompt."""
    [encoded] = FakeEngine().encode(["a red boat"])
    return encoded
