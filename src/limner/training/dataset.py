"""Scenes by number, and the cache that training reads: latents, captions, text states.

Axes in names: K scenes, C latent channels, h, w latent grid, T tokens, D token width, V vector length.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limner.training.scenes.art import Art, Artist
from limner.training.scenes.canvas import SQUARE, Shape, check_shape
from limner.training.scenes.captions import caption
from limner.training.scenes.cells import things_in_cells
from limner.training.scenes.compose import compose
from limner.training.scenes.concepts import data_folder, load_concepts
from limner.training.scenes.distractors import Choice, choices
from limner.training.scenes.facts import Numbers
from limner.training.scenes.layout import arrange
from limner.training.scenes.places import load_places
from limner.training.scenes.spec import PAINTED, Scene, SceneSampler, Vocabulary, scene_random
from limner.training.scenes.wording import load_wording
from limner.types import Pixels

__all__ = ["SceneStream", "StreamConfig", "compose_many", "find_facts", "find_things", "load_vocabulary"]

_PORTION = 512

_PICTURE, _CAPTION, _CHOICES = 1, 16, 2
"""Which random stream of a scene's index draws what; captions take 16 and up, one for each wording."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamConfig:
    """An endless, numbered sequence of scenes.

    Attributes:
        art: the folder that `fetch_art` filled.
        data: folder of the concept table, the places and the wordings; None is the newest.
        seed: another seed gives other scenes.
        painted: how often a thing that can be painted is.
        held_out: scenes from the combinations that training never sees, or from all others.
        shape: rows and columns of the pictures, in cells of 32 pixels: 8, and 8 or an even number more.
        artist: whose art the pictures are composed from; the scenes are the same.

    Raises:
        DataError: no scene is drawn in that shape.
    """

    art: Path
    data: Path | None = None
    seed: int = 0
    painted: float = PAINTED
    held_out: bool = False
    shape: Shape = SQUARE
    artist: Artist = "fluent"

    def __post_init__(self) -> None:
        check_shape(self.shape)


def load_vocabulary(folder: Path) -> Vocabulary:
    """The concepts, places and wordings of a data folder."""
    return Vocabulary(
        concepts=load_concepts(folder / "concepts.csv"),
        places=load_places(folder / "places.toml"),
        wording=load_wording(folder / "wording.toml"),
    )


class SceneStream:
    """Scene `index`, its picture and its captions: always the same, whoever asks, in whatever order."""

    def __init__(self, config: StreamConfig) -> None:
        self.config = config
        self.vocabulary = load_vocabulary(config.data or data_folder())
        self._sampler = SceneSampler(self.vocabulary, config.painted)
        self._art = Art(config.art, config.artist)
        self.numbers = Numbers(self.vocabulary)

    def scene(self, index: int) -> Scene:
        """What scene `index` shows."""
        return self._sampler.sample(self.config.seed, index, held_out=self.config.held_out)

    def picture(self, index: int, scale: int = 1) -> Pixels:
        """uint8 (32 * rows, 32 * columns, 3), or so many times as large."""
        return compose(self.scene(index), self._art, self._random(_PICTURE, index), scale, self.config.shape)

    def things(self, index: int) -> NDArray[np.uint16]:
        """(3, rows, columns): which thing stands in each cell, which part of it, in which paint; 0 for none."""
        shape, scene = self.config.shape, self.scene(index)
        boxes = arrange(scene, self._random(_PICTURE, index), shape)
        sprites = (
            self._art.sprite(box.concept.codepoint, box.px, box.group.colour, scene.style) for box in boxes
        )
        return things_in_cells(boxes, self.numbers.things, shape, [sprite.size for sprite in sprites])

    def caption(self, index: int, wording: int = 0) -> str:
        """One of the ways to say it."""
        return caption(self.scene(index), self.vocabulary.wording, self._random(_CAPTION + wording, index))

    def choices(self, index: int) -> list[Choice]:
        """Ten captions, the true one first."""
        return choices(self.scene(index), self.vocabulary, self._random(_CHOICES, index))

    def _random(self, stream: int, index: int) -> np.random.Generator:
        return scene_random(self.config.seed + (stream << 32), index)


def compose_many(
    config: StreamConfig, indices: Sequence[int], workers: int, scale: int = 1
) -> Iterator[Pixels]:
    """The pictures of many scenes, in order, drawn by parallel processes; the same for any number of them.

    Whoever takes them slowly does not fill the memory: the processes are one portion ahead at most.
    """
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=_start_worker, initargs=(config,)) as pool:
        compose_one, coming = partial(_compose_one, scale=scale), None
        for at in range(0, len(indices), _PORTION):
            ready = coming
            coming = pool.map_async(compose_one, indices[at : at + _PORTION], chunksize=_PORTION // 16)
            yield from ready.get() if ready else ()
        yield from coming.get() if coming else ()


def find_things(config: StreamConfig, indices: Sequence[int], workers: int) -> NDArray[np.uint16]:
    """Which things stand where in many scenes, (K, 3, rows, columns)."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=_start_worker, initargs=(config,)) as pool:
        return np.stack(pool.map(_things_of_one, indices, chunksize=256))


def find_facts(config: StreamConfig, indices: Sequence[int], workers: int) -> NDArray[np.int64]:
    """What many scenes show, as numbers, (K, F); see `Facts`."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=_start_worker, initargs=(config,)) as pool:
        return np.stack(pool.map(_facts_of_one, indices, chunksize=256))


class _Worker:
    """What a worker process holds between tasks."""

    stream: SceneStream


def _start_worker(config: StreamConfig) -> None:
    _Worker.stream = SceneStream(config)


def _compose_one(index: int, scale: int) -> Pixels:
    return _Worker.stream.picture(index, scale)


def _facts_of_one(index: int) -> NDArray[np.int64]:
    return _Worker.stream.numbers.facts(_Worker.stream.scene(index))


def _things_of_one(index: int) -> NDArray[np.uint16]:
    return _Worker.stream.things(index)
