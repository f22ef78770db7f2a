"""`limner.training.dataset`: a scene's number determines it, whoever asks, wherever."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from limner.errors import DataError
from limner.training.dataset import SceneStream, StreamConfig, compose_many, find_things, load_vocabulary
from limner.training.scenes.spec import is_held_out
from tests.training.scenes.props import build_art, build_data

PROGRAM = """
import sys
from pathlib import Path
from limner.training.dataset import SceneStream, StreamConfig
stream = SceneStream(StreamConfig(art=Path(sys.argv[1]), data=Path(sys.argv[2]), seed=5))
for index in reversed(range(20)):
    print(stream.caption(index), stream.caption(index, 1), stream.picture(index).sum())
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> StreamConfig:
    """Scenes from the tiny table and procedural sprites."""
    folder = tmp_path_factory.mktemp("stream")
    return StreamConfig(art=build_art(folder / "art"), data=build_data(folder / "data"), seed=5)


@pytest.fixture(scope="module")
def stream(config: StreamConfig) -> SceneStream:
    """The stream of `config`."""
    return SceneStream(config)


def digest(pixels: np.ndarray) -> str:
    """A fingerprint."""
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def test_any_order_gives_the_same(config: StreamConfig, stream: SceneStream) -> None:
    """Scene, picture and captions of an index do not depend on what was asked before."""
    other = SceneStream(config)
    for index in (19, 3, 3, 7, 10**12, 0):
        assert stream.scene(index) == other.scene(index)
        assert digest(stream.picture(index)) == digest(other.picture(index))
        assert [stream.caption(index, w) for w in (2, 0)] == [other.caption(index, w) for w in (2, 0)]


def test_another_artist_draws_the_same_scene(config: StreamConfig) -> None:
    """Things, captions and where all stands are the same; the picture is another one.

    Unpainted, for the artists of the small theatre differ in nothing but colours.
    """
    stream, other = (SceneStream(replace(config, artist=name, painted=0.0)) for name in ("fluent", "noto"))
    for index in range(8):
        assert stream.scene(index) == other.scene(index)
        assert stream.caption(index) == other.caption(index)
        assert (stream.things(index) == other.things(index)).all()
        assert digest(stream.picture(index)) != digest(other.picture(index))


def test_other_processes_give_the_same(config: StreamConfig, stream: SceneStream) -> None:
    """Two fresh processes with other hash seeds say and draw what this one does."""
    expected = [
        f"{stream.caption(index)} {stream.caption(index, 1)} {stream.picture(index).sum()}"
        for index in reversed(range(20))
    ]
    for hash_seed in ("1", "2"):
        command = [sys.executable, "-c", PROGRAM, str(config.art), str(config.data)]
        path = os.pathsep.join(sys.path)
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        assert said.splitlines() == expected


@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_workers_gives_the_same(
    config: StreamConfig, stream: SceneStream, workers: int
) -> None:
    """Pictures come in the order asked for, the same as from the stream itself."""
    indices = [5, 2, *range(100, 170)]
    drawn = list(compose_many(config, indices, workers))
    assert [digest(pixels) for pixels in drawn] == [digest(stream.picture(index)) for index in indices]


def test_things_are_found_where_they_are_drawn(config: StreamConfig, stream: SceneStream) -> None:
    """The cells of many scenes are those of each scene; some are covered, never all; thing and part go together."""
    found_K3hw = find_things(config, range(30), 1)
    assert found_K3hw.shape == (30, 3, 8, 8)
    assert all((cells_3hw == stream.things(index)).all() for index, cells_3hw in enumerate(found_K3hw))
    things_Khw, parts_Khw, paints_Khw = found_K3hw.swapaxes(0, 1)
    assert np.array_equal(things_Khw > 0, parts_Khw > 0)
    assert not paints_Khw[things_Khw == 0].any()
    assert things_Khw.any((1, 2)).all()
    assert not things_Khw.all((1, 2)).any()


def test_streams_differ(config: StreamConfig, stream: SceneStream) -> None:
    """Another seed gives other scenes; held-out scenes are none of training's."""
    other = SceneStream(replace(config, seed=6))
    kept = SceneStream(replace(config, held_out=True))
    assert [stream.scene(i) for i in range(9)] != [other.scene(i) for i in range(9)]
    assert all(is_held_out(kept.scene(i)) and not is_held_out(stream.scene(i)) for i in range(50))


def test_wordings_and_choices_are_independent(stream: SceneStream) -> None:
    """Wordings differ, and the first of the ten choices tells the same scene."""
    assert len({stream.caption(1, wording) for wording in range(20)}) > 10
    index = next(i for i in range(50) if len(stream.scene(i).groups) == 2)
    found = stream.choices(index)
    assert len(found) == 10
    assert found == stream.choices(index)


def test_a_stream_without_a_table_is_refused(tmp_path: Path) -> None:
    """A data folder without the table is an error that names it."""
    with pytest.raises(DataError, match=r"cannot read the concept table .*concepts\.csv"):
        load_vocabulary(tmp_path)
