"""The programs in `examples/` draw a picture, told nothing but a server's address."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import limner
from limner.imaging.reader import read_pixels
from limner.server.app import create_app
from limner.settings import Settings
from tests.server.helpers import address_of, living

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that needs no key."""
    settings = Settings(engine="fake", data_dir=tmp_path_factory.mktemp("open"))
    with living(create_app(settings, limner.load(engine="fake"))) as server:
        yield f"{address_of(server)}/v1"


@pytest.mark.parametrize("command", [[sys.executable, "draw.py"], ["sh", "draw.sh"]])
def test_an_example_draws_a_puppy(command: list[str], url: str, tmp_path: Path) -> None:
    """Into the folder where it is run."""
    program, name = command
    subprocess.run(
        [program, EXAMPLES / name], cwd=tmp_path, env=os.environ | {"OPENAI_BASE_URL": url}, check=True
    )
    assert read_pixels((tmp_path / "puppy.png").read_bytes()).shape[2] == 3


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("draw.*")))
def test_an_example_is_ten_lines(path: Path) -> None:
    """Blank lines and remarks not counted."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len([line for line in lines if not line.startswith(("#", "//", '"""'))]) <= 10
