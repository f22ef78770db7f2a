"""The package's front door: few names, nothing heavy behind them until they are used."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import limner


def test_every_public_name_is_there() -> None:
    """Each name in `__all__` can be fetched, and `dir` lists them."""
    assert [name for name in limner.__all__ if not hasattr(limner, name)] == []
    assert dir(limner) == sorted(limner.__all__)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    """A misspelt name says so, as with any module."""
    with pytest.raises(AttributeError, match="pipe_line"):
        _ = limner.pipe_line


def test_the_version_is_that_of_the_distribution() -> None:
    """The package and its metadata say the same."""
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert limner.__version__ == tomllib.loads(text)["project"]["version"]


def test_importing_limner_does_not_even_import_numpy() -> None:
    """What a user does not use costs nothing."""
    code = "import limner, sys; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_picture_is_drawn_without_torch() -> None:
    """A fresh interpreter that loads a pipeline and draws has no torch in it."""
    code = (
        "import limner, sys\n"
        "[picture] = limner.load(engine='fake').generate('a red boat', seed=1)\n"
        "print(len(picture.to_bytes()) > 0, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
