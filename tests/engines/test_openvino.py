"""The OpenVINO engine keeps the contract, to the bit in any batch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from limner.engines.base import Engine, EngineOptions
from limner.engines.openvino import load
from limner.errors import ModelError, NonFiniteError
from limner.pipeline import Pipeline
from tests.engines.contract import EngineContract, noisy


class TestOpenVinoEngine(EngineContract):
    """The whole contract, on a tiny real model."""

    @pytest.fixture(scope="class")
    def engine(self, tiny_folder: Path) -> Engine:
        """The tiny model, open."""
        return load(tiny_folder, EngineOptions(precision="f32"))


def test_a_model_is_needed() -> None:
    """Without a folder the error says what to name."""
    with pytest.raises(ModelError, match="name one"):
        load(None, EngineOptions())


def test_the_compiled_networks_are_cached(tiny_folder: Path, tmp_path: Path) -> None:
    """With a cache folder, compiled networks are kept there, and draw the same picture."""
    first, second = (
        Pipeline(load(tiny_folder, EngineOptions(cache_dir=tmp_path))).generate("a red boat", seed=1)[0]
        for _ in "ab"
    )
    assert list((tmp_path / "openvino").iterdir())
    np.testing.assert_array_equal(first.pixels_HWC, second.pixels_HWC)


def test_nan_is_never_passed_on(tiny_folder: Path) -> None:
    """An estimate with NaN is an error that says what to check."""
    engine = load(tiny_folder, EngineOptions())
    x_BChw, t_B, features, guidance_B = noisy(engine)
    with pytest.raises(NonFiniteError, match="model's files"):
        engine.denoise(np.full_like(x_BChw, np.nan), t_B, features, guidance_B)


def test_drawing_loads_no_torch(tiny_folder: Path) -> None:
    """A fresh process draws a picture without torch."""
    code = (
        "import limner, sys; limner.load(sys.argv[1]).generate('a boat', seed=1); "
        "print([name for name in ('torch', 'typer') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tiny_folder)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"
