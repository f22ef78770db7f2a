"""`limner.training.scenes.compose`: what was told is drawn, where the layout put it, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from limner.training.dataset import SceneStream
from limner.training.scenes.art import Art
from limner.training.scenes.backdrop import paint_backdrop
from limner.training.scenes.compose import compose, shade
from limner.training.scenes.concepts import CONDITIONS
from limner.training.scenes.layout import Box, arrange
from limner.training.scenes.places import SHELTERED, Clutter
from limner.training.scenes.spec import SIDE, Group, Scene, Vocabulary, scene_random

Mask = NDArray[np.bool_]


def staged(
    table: Vocabulary, noun: str, *, place: str = "room", count: int = 1, colour: str | None = None
) -> Scene:
    """A scene of the tiny table with one kind of thing."""
    [concept] = [concept for concept in table.concepts if concept.noun == noun]
    [where] = [found for found in table.places if found.name == place]
    group = Group(concept=concept, count=count, colour=colour)
    return Scene(groups=(group,), place=where, condition="day")


def drawn(scene: Scene, art: Art, index: int) -> tuple[list[Box], Mask]:
    """The boxes of a scene, and (256, 256) where its picture is not the empty place."""
    boxes = arrange(scene, scene_random(0, index))
    empty_HWC = paint_backdrop(scene.place, scene.condition) * 255
    pixels_HWC = compose(scene, art, scene_random(0, index))
    touched_HW: Mask = np.abs(pixels_HWC - empty_HWC).max(-1) > 1
    return boxes, touched_HW


def test_a_picture_is_an_array_of_bytes(stream: SceneStream, tiny_art: Art) -> None:
    """uint8 (256, 256, 3), the same for the same random numbers."""
    for index in range(20):
        scene = stream.scene(index)
        pixels = compose(scene, tiny_art, scene_random(1, index))
        assert pixels.shape == (SIDE, SIDE, 3)
        assert pixels.dtype == np.uint8
        assert (pixels == compose(scene, tiny_art, scene_random(1, index))).all()


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_as_many_are_drawn_as_were_told(stream_vocabulary: Vocabulary, tiny_art: Art, count: int) -> None:
    """A row of narrow things has as many runs of changed columns."""
    _, touched_HW = drawn(staged(stream_vocabulary, "ball", count=count), tiny_art, 0)
    columns = np.pad(touched_HW[:200].any(axis=0).astype(int), 1)
    assert (np.diff(columns) == 1).sum() == count


def test_only_the_boxes_are_painted(stream_vocabulary: Vocabulary, tiny_art: Art) -> None:
    """In a place without clutter and sky, nothing changes but the box and a shadow at its foot."""
    for index in range(20):
        [box], touched_HW = drawn(staged(stream_vocabulary, "chair"), tiny_art, index)
        left, right, foot = box.x - box.px // 2, box.x + box.px // 2, box.foot or 0
        assert touched_HW[foot - box.px : foot, left:right].any()
        touched_HW[foot - box.px : foot + 16, max(0, left - 16) : right + 16] = False
        assert not touched_HW.any()


def test_a_colour_is_seen(stream_vocabulary: Vocabulary, tiny_art: Art) -> None:
    """The same scene with a red thing has more red in it than with a blue one, and less blue."""
    red, blue = (
        compose(staged(stream_vocabulary, "dog", colour=colour), tiny_art, scene_random(0, 0)).astype(int)
        for colour in ("red", "blue")
    )
    assert (red - blue)[..., 0].sum() > 100_000
    assert (blue - red)[..., 2].sum() > 100_000


def test_the_sky_is_outdoors(stream_vocabulary: Vocabulary, tiny_art: Art) -> None:
    """Sun and clouds are in every picture by day, but not in those of a room."""
    for index in range(10):
        for place, sky in (("room", False), ("beach", True)):
            _, touched_HW = drawn(staged(stream_vocabulary, "chair", place=place), tiny_art, index)
            assert touched_HW[:65].any() == sky


def test_the_sun_is_always_at_the_same_place(stream_vocabulary: Vocabulary, tiny_art: Art) -> None:
    """In the right corner, where no caption tells that it is, and clouds are not before it."""
    corners = []
    for index in range(10):
        _, touched_HW = drawn(staged(stream_vocabulary, "chair", place="beach"), tiny_art, index)
        corners.append(touched_HW[12:56, 202:246])
    assert corners[0].any()
    assert all(np.array_equal(corner, corners[0]) for corner in corners)


def test_what_stands_around_stands_in_one_order(stream_vocabulary: Vocabulary, tiny_art: Art) -> None:
    """Of two trees at most there is none, the left one, or both: where one stands, no caption tells."""
    trees = Clutter(codepoint="e2", px=64, foot=160, most=2)
    bare = staged(stream_vocabulary, "ball", place="room")
    wooded = replace(bare, place=replace(bare.place, clutter=(trees,)))
    seen = set()
    for index in range(20):
        _, touched_HW = drawn(wooded, tiny_art, index)
        seen.add((bool(touched_HW[96:150, :40].any()), bool(touched_HW[96:150, 216:].any())))
    assert seen == {(False, False), (True, False), (True, True)}


def test_clutter_is_not_what_the_scene_is_about(stream_vocabulary: Vocabulary, tiny_art: Art) -> None:
    """A park with a tree to be counted has no other trees in it; with a dog, it has in some pictures."""
    beside = {"tree": 0, "dog": 0}
    for noun in beside:
        for index in range(20):
            [box], touched_HW = drawn(staged(stream_vocabulary, noun, place="park"), tiny_art, index)
            touched_HW[:, box.x - box.px // 2 : box.x + box.px // 2] = False
            beside[noun] += bool(touched_HW[80:160].any())
    assert beside["tree"] == 0
    assert beside["dog"] > 0


def test_what_belongs_to_a_place_for_good_is_always_there(
    stream_vocabulary: Vocabulary, tiny_art: Art
) -> None:
    """With `at`, clutter stands in the same columns of every picture."""
    scene = staged(stream_vocabulary, "ball")
    lamp = Clutter(codepoint="d2", px=64, foot=96, at=64)
    scene = replace(scene, place=replace(scene.place, clutter=(lamp,)))
    for index in range(10):
        _, touched_HW = drawn(scene, tiny_art, index)
        assert touched_HW[40:90, 40:88].any()


def test_fog_hides_what_is_far_and_not_what_is_near(stream_vocabulary: Vocabulary, tiny_art: Art) -> None:
    """The horizon turns grey; the thing itself stays as it is by day."""
    clear = staged(stream_vocabulary, "ball", place="park")
    clear = replace(clear, place=replace(clear.place, clutter=()))
    day, fog = (
        compose(replace(clear, condition=condition), tiny_art, scene_random(0, 1)).astype(int)
        for condition in ("day", "fog")
    )
    [box] = arrange(clear, scene_random(0, 1))
    assert np.ptp(fog[120, 8]) < 25 < np.ptp(day[120, 8])
    middle = (box.foot or 0) - box.px // 2
    assert (day[middle, box.x] == fog[middle, box.x]).all()


def test_styles_draw_the_same_scene_otherwise(stream_vocabulary: Vocabulary, tiny_art: Art) -> None:
    """Three styles make three pictures, of the same things in the same places."""
    scene = staged(stream_vocabulary, "dog")
    pictures = [
        compose(replace(scene, style=style), tiny_art, scene_random(0, 0)).tobytes()
        for style in ("3d", "flat", "sticker")
    ]
    assert len(set(pictures)) == 3


def test_what_sits_on_another_touches_it(stream_vocabulary: Vocabulary, tiny_art: Art) -> None:
    """The upper thing is seen above the lower one, without a gap."""
    mouse, sofa = (staged(stream_vocabulary, noun).groups[0] for noun in ("mouse", "sofa"))
    room = staged(stream_vocabulary, "sofa").place
    scene = Scene(groups=(mouse, sofa), place=room, condition="day", relation="on")
    for index in range(10):
        (seat, top), touched_HW = drawn(scene, tiny_art, index)
        rows = np.flatnonzero(touched_HW.any(axis=1))
        seat_top = (seat.foot or 0) - seat.px
        assert seat_top - top.px <= rows[0] < seat_top
        assert (np.diff(rows) == 1).all()


def test_what_swims_is_half_under_water(stream_vocabulary: Vocabulary, tiny_art: Art) -> None:
    """A boat's lowest part cannot be seen, whatever water its art brings."""
    [box], touched_HW = drawn(staged(stream_vocabulary, "boat", place="sea"), tiny_art, 0)
    rows = np.flatnonzero(touched_HW[96:].any(axis=1)) + 96
    assert box.foot is not None
    assert box.foot - box.px * 0.3 < rows[-1] < box.foot - box.px * 0.08


def test_a_shadow_is_as_wide_as_the_foot() -> None:
    """What stands on a narrow stem throws a narrow shadow."""
    widths = []
    for stem in (8, 60):
        sprite = Image.new("RGBA", (64, 64))
        sprite.paste("red", (0, 0, 64, 40))
        sprite.paste("red", (32 - stem // 2, 40, 32 + stem // 2, 64))
        canvas_HWC = np.ones((SIDE, SIDE, 3), dtype=np.float32)
        shade(canvas_HWC, 128, 200, sprite)
        widths.append(int((canvas_HWC.min(-1) < 1).any(0).sum()))
    assert 8 < widths[0] < 20
    assert 60 < widths[1] < 90


@pytest.mark.parametrize("style", ["3d", "flat", "sticker"])
def test_a_larger_picture_shows_the_same_scene(stream: SceneStream, tiny_art: Art, style: str) -> None:
    """Twice as large, and, made small again, the picture itself but for edges: nothing moves by half a pixel."""
    for index, condition in enumerate((*CONDITIONS, *CONDITIONS)):
        scene = stream.scene(index)
        if scene.place.setting not in SHELTERED:
            scene = replace(scene, condition=condition)
        scene = replace(scene, style=style)
        plain, large = (
            compose(scene, tiny_art, scene_random(0, index), scale).astype(np.float32) for scale in (1, 2)
        )
        assert large.shape == (2 * SIDE, 2 * SIDE, 3)
        difference = large.reshape(SIDE, 2, SIDE, 2, 3).mean((1, 3)) - plain
        assert np.abs(difference).mean() < 2.5
        assert np.abs(difference.reshape(16, 16, 16, 16, 3).mean((1, 3))).max() < 6
