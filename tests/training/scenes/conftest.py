"""What the tests of the composer share; the real table is read, the real art never."""

from __future__ import annotations

import pytest

from limner.training.dataset import SceneStream, StreamConfig, load_vocabulary
from limner.training.scenes.art import Art
from limner.training.scenes.concepts import data_folder
from limner.training.scenes.spec import Scene, SceneSampler, Vocabulary
from tests.training.scenes.props import build_art, build_data


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> StreamConfig:
    """Scenes from the tiny table and the procedural sprites."""
    folder = tmp_path_factory.mktemp("props")
    return StreamConfig(art=build_art(folder / "art"), data=build_data(folder / "data"), seed=5)


@pytest.fixture(scope="session")
def stream(config: StreamConfig) -> SceneStream:
    """The stream of `config`."""
    return SceneStream(config)


@pytest.fixture(scope="session")
def tiny_art(config: StreamConfig) -> Art:
    """The procedural sprites."""
    return Art(config.art)


@pytest.fixture(scope="session")
def other_art(config: StreamConfig) -> Art:
    """Another artist's procedural sprites."""
    return Art(config.art, "noto")


@pytest.fixture(scope="session")
def real() -> Vocabulary:
    """The project's own concepts, places and wordings: the newest."""
    return load_vocabulary(data_folder())


@pytest.fixture(scope="session")
def shipped() -> Vocabulary:
    """Those that the model that ships was taught."""
    return load_vocabulary(data_folder("limner-1"))


@pytest.fixture(scope="session")
def scenes(real: Vocabulary) -> list[Scene]:
    """Six thousand training scenes of the project's own vocabulary."""
    sampler = SceneSampler(real)
    return [sampler.sample(3, index) for index in range(6000)]


@pytest.fixture(scope="session")
def stream_vocabulary(stream: SceneStream) -> Vocabulary:
    """The tiny table."""
    return stream.vocabulary
