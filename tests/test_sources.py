"""`limner.sources`: edits and variations begin with a picture and leave alone what they are told to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import limner
from limner.engines.fake import FakeEngine
from limner.errors import InvalidRequestError
from limner.pipeline import Pipeline
from limner.types import Floats, Pixels


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    """The instant engine."""
    return limner.load(engine="fake")


@pytest.fixture(scope="module")
def photo() -> Pixels:
    """(96, 160, 3): noise, so that any change shows."""
    return np.random.default_rng(0).integers(0, 256, (96, 160, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def left_half(photo: Pixels) -> NDArray[np.bool_]:
    """A mask over the left half."""
    mask_HW = np.zeros(photo.shape[:2], np.bool_)
    mask_HW[:, :80] = True
    return mask_HW


def test_outside_the_mask_nothing_changes(
    pipeline: Pipeline, photo: Pixels, left_half: NDArray[np.bool_]
) -> None:
    """The picture keeps its size, and to the bit every pixel that was not to be drawn anew."""
    [edited] = pipeline.generate("a red boat", image=photo, mask=left_half, seed=1)
    assert edited.pixels_HWC.shape == photo.shape
    assert (edited.pixels_HWC[:, 80:] == photo[:, 80:]).all()
    assert (edited.pixels_HWC[:, :80] != photo[:, :80]).mean() > 0.5


def test_transparency_stays_where_the_picture_stays(
    pipeline: Pipeline, photo: Pixels, left_half: NDArray[np.bool_]
) -> None:
    """What is drawn is opaque; a see-through pixel that stays is see-through still."""
    alpha_HW1 = np.full((*photo.shape[:2], 1), 7, np.uint8)
    [edited] = pipeline.generate(
        "a red boat", image=np.concatenate([photo, alpha_HW1], -1), mask=left_half, seed=1
    )
    assert (edited.pixels_HWC[:, :80, 3] == 255).all()
    assert (edited.pixels_HWC[:, 80:, 3] == 7).all()


def test_an_edit_comes_in_any_size(pipeline: Pipeline, photo: Pixels, left_half: NDArray[np.bool_]) -> None:
    """The exact size that was asked for, the source's part resampled."""
    [edited] = pipeline.generate("a red boat", image=photo, mask=left_half, size=(320, 192), seed=1)
    assert edited.pixels_HWC.shape == (192, 320, 3)


def test_little_strength_stays_near_the_picture(pipeline: Pipeline) -> None:
    """The further to go, the less is left of the picture."""
    [source] = pipeline.generate("a green tree", seed=3)
    distances = [
        np.abs(
            pipeline.generate("a red boat", image=source.pixels_HWC, strength=strength, steps=8, seed=4)[
                0
            ].pixels_HWC.astype(int)
            - source.pixels_HWC
        ).mean()
        for strength in (0.125, 0.5, 1.0)
    ]
    assert distances[0] < distances[1] < distances[2]


class Noting(FakeEngine):
    """Notes the shapes of the pictures that it is shown, and of what it is asked to draw."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[tuple[int, ...]] = []

    def encode_image(self, pixels_BHWC: Pixels) -> Floats:
        """As the fake engine."""
        self.shown.append(pixels_BHWC.shape[1:3])
        return super().encode_image(pixels_BHWC)

    def denoise(self, *arguments: Any, **named: Any) -> Floats:
        """As the fake engine."""
        x0_BChw = super().denoise(*arguments, **named)
        self.shown.append(x0_BChw.shape[2:])
        return x0_BChw


def test_a_wide_edit_is_seen_and_drawn_wide(photo: Pixels, left_half: NDArray[np.bool_]) -> None:
    """In the shape that is nearest to the size that comes out, which is the picture's unless another is asked for."""
    engine = Noting()
    Pipeline(engine).generate("a red boat", image=photo, mask=left_half, seed=1, steps=1)
    assert engine.shown == [(256, 448), (8, 14)]
    engine.shown.clear()
    Pipeline(engine).generate("a red boat", image=photo, mask=left_half, seed=1, steps=1, size=(64, 96))
    assert engine.shown == [(384, 256), (12, 8)]


def test_the_vector_of_a_wide_picture_is_that_of_a_square(photo: Pixels) -> None:
    """A variation is drawn wide, and what it shows is looked at as the model learned to."""
    engine = Noting()
    Pipeline(engine).generate("", image=photo, seed=1, steps=1)
    assert engine.shown == [(256, 256), (256, 448), (8, 14)]


def test_a_variation_needs_no_words(pipeline: Pipeline) -> None:
    """A picture alone makes others that differ from each other and are like it."""
    [source] = pipeline.generate("a green tree", seed=3)
    one, other = pipeline.generate("", image=source.pixels_HWC, n=2, seed=5)
    assert (one.pixels_HWC != other.pixels_HWC).any()
    vectors = pipeline.engine.embed_image(np.stack([source.pixels_HWC, one.pixels_HWC]))
    assert vectors[0] @ vectors[1] > 0.8


def test_a_negative_prompt_leads_away(pipeline: Pipeline) -> None:
    """With guidance it changes the picture, and the same one each time."""
    plain, away, again = (
        pipeline.generate("a red boat", guidance=3.0, seed=1, negative_prompt=words)[0].pixels_HWC
        for words in ("", "a tree", "a tree")
    )
    assert (plain != away).any()
    assert (away == again).all()


@pytest.mark.parametrize(
    ("arguments", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": "", "image": "photo", "mask": "mask"}, "prompt"),
        ({"prompt": "a boat", "mask": "mask"}, "mask"),
        ({"prompt": "a boat", "strength": 0.5}, "strength"),
        ({"prompt": "a boat", "image": "photo", "strength": 0.0}, "strength"),
        ({"prompt": "a boat", "image": "photo", "strength": 1.5}, "strength"),
        ({"prompt": "a boat", "image": "photo", "mask": "small"}, "mask"),
        ({"prompt": "a boat", "negative_prompt": "\x00"}, "negative_prompt"),
    ],
)
def test_what_does_not_fit_together_is_named(
    pipeline: Pipeline,
    photo: Pixels,
    left_half: NDArray[np.bool_],
    arguments: dict[str, Any],
    param: str,
) -> None:
    """An edit without words, a mask without a picture, and numbers out of range are refused by name."""
    real = {"photo": photo, "mask": left_half, "small": left_half[:-1]}
    given: dict[str, Any] = {
        name: real.get(value, value) if isinstance(value, str) else value for name, value in arguments.items()
    }
    with pytest.raises(InvalidRequestError) as caught:
        pipeline.generate(**given)
    assert caught.value.param == param
