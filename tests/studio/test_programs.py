"""`limner.studio.programs`: the program that the page shows makes the same picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from limner.imaging.reader import read_pixels
from limner.studio.made import Made
from limner.studio.programs import client_code


def test_the_program_draws_the_same_pixels(
    live: str, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is run as it is shown, with a key in it, by OpenAI's own client."""
    code = client_code(made.shown, live).replace('api_key="none"', 'api_key="lk-live"')
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "snippet", "exec"), {})  # noqa: S102  what people would paste
    drawn_HWC = read_pixels((tmp_path / "picture.png").read_bytes())
    assert np.array_equal(drawn_HWC, made.shown.picture.pixels_HWC)


def test_whatever_was_typed_stays_text(made: Made) -> None:
    """Quotes and line ends in a prompt end nothing in the program."""
    prompt = 'a "cat"\'); import os\n\\'
    code = client_code(replace(made.shown, prompt=prompt, negative_prompt='"'), "http://x")
    compile(code, "snippet", "exec")
    assert f"prompt={prompt!r}" in code
