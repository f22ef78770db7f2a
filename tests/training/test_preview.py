"""`limner.training.preview`: scenes and captions on one sheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from limner.training.dataset import SceneStream, StreamConfig
from limner.training.preview import contact_sheet
from tests.training.scenes.props import build_art, build_data


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> SceneStream:
    """Scenes from the tiny table and procedural sprites."""
    folder = tmp_path_factory.mktemp("preview")
    return SceneStream(StreamConfig(art=build_art(folder / "art"), data=build_data(folder / "data"), seed=5))


def test_the_sheet_shows_each_scene_unchanged(stream: SceneStream) -> None:
    """Scene 0 stands in the upper left corner and scene 6 below it, pixel for pixel."""
    sheet_HWC = contact_sheet(stream, 7).pixels_HWC
    assert np.array_equal(sheet_HWC[8:264, 8:264], stream.picture(0))
    assert np.array_equal(sheet_HWC[308:564, 8:264], stream.picture(6))


def test_captions_stand_below_their_pictures(stream: SceneStream) -> None:
    """The strip below a picture has ink, the one below an empty place has none."""
    strip_HWC = contact_sheet(stream, 1).pixels_HWC[264:300]
    assert (strip_HWC[:, 8:264] < 128).any()
    assert (strip_HWC[:, 272:] == 255).all()


def test_progress_is_told_scene_by_scene(stream: SceneStream) -> None:
    """(done, of all) after each scene."""
    told: list[tuple[int, int]] = []
    contact_sheet(stream, 3, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_the_sheet_is_a_picture_that_writes_itself(stream: SceneStream, tmp_path: Path) -> None:
    """It has the stream's seed, and every format of a picture."""
    sheet = contact_sheet(stream, 1)
    sheet.save(tmp_path / "sheet.webp")
    assert sheet.seed == stream.config.seed
    assert (tmp_path / "sheet.webp").stat().st_size > 0
