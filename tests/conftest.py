"""What several folders of tests share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model; nobody writes into it."""
    from tests.tiny import tiny_model

    return tiny_model(tmp_path_factory.mktemp("model"))
