"""Drawing a scene: the backdrop, what stands around, then the things that it is about.

This makes training data. Nothing that draws pictures for people may import it.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from limner.training.scenes.art import Art
from limner.training.scenes.backdrop import LIGHT, paint_backdrop, veil
from limner.training.scenes.canvas import SQUARE, Edges, Shape, area, edges, scale_of
from limner.training.scenes.concepts import flies
from limner.training.scenes.layout import Box, arrange, seat_of
from limner.training.scenes.places import SHELTERED
from limner.training.scenes.spec import SIDE, Scene
from limner.types import Floats, Pixels

__all__ = ["compose", "shade"]

_IN_THE_SKY = {"day": "2600-fe0f", "dawn": "2600-fe0f", "night": "1f319"}
_CLOUD = "2601-fe0f"
# At least as bright is what hangs and stands in a room at night.
_LAMP = 0.7
_SUN_PX, _CLOUD_PX = 44, 56

# Where the middle of what belongs to a place or its sky is: at the picture's sides, and nearer to what it is about.
_SIDES, _INNER = (32, 224), (96, 160)

# A shadow's half axes as shares of the width that the thing touches the ground with, their least, and how dark
# its middle is. What of a thing is visible in its lowest tenth touches the ground.
_SHADOW_WIDTH, _SHADOW_HEIGHT, _SHADOW_LEAST, _SHADOW_DARK = 0.56, 0.09, 3.0, 0.32
_FOOT, _VISIBLE = 0.1, 128

# What swims fades between these shares of its height; below them it is under water. Boats' art brings blocks of
# its own water there.
_SURFACE, _SUNK = 0.3, 0.12


def compose(
    scene: Scene, art: Art, random: np.random.Generator, scale: int = 1, shape: Shape = SQUARE
) -> Pixels:
    """The scene as a picture, uint8 (32 * rows, 32 * columns, 3), or so many times as large, and more finely drawn."""
    boxes = arrange(scene, random, shape)
    canvas_HWC = paint_backdrop(scene.place, scene.condition, scale, shape)
    _paint_sky(canvas_HWC, scene, art, random)
    _paint_clutter(canvas_HWC, scene, art, random)
    if scene.condition == "fog":
        veil(canvas_HWC, scene.place)
    _paint_things(canvas_HWC, boxes, art, scene)
    pixels_HWC: Pixels = np.clip(canvas_HWC * 255 + 0.5, 0, 255).astype(np.uint8)
    return pixels_HWC


def _paint_sky(canvas_HWC: Floats, scene: Scene, art: Art, random: np.random.Generator) -> None:
    """Sun or moon at the right and clouds elsewhere, unless the scene is about something of the kind."""
    about_the_sky = any(group.concept.group == "sky" for group in scene.groups)
    if about_the_sky or scene.place.setting in SHELTERED or scene.condition == "fog":
        return
    edge, scale = edges(canvas_HWC), scale_of(canvas_HWC)
    rise, sun = -edge.top // 2, edge.right - _SIDES[0]
    if scene.condition in _IN_THE_SKY:
        sprite = art.sprite(_IN_THE_SKY[scene.condition], _SUN_PX, None, scene.style, scale)
        _paste(canvas_HWC, sprite, sun, 56 - rise)
    if scene.condition != "night":
        light, sprite = LIGHT[scene.condition], art.sprite(_CLOUD, _CLOUD_PX, None, scene.style, scale)
        middles = [middle for middle in _columns(edge, 1) if middle != sun]
        for middle in middles[: random.integers(1, 1 + _as_dense(2, edge))]:
            _paste(canvas_HWC, sprite, middle, 64 - rise, light)


def _paint_clutter(canvas_HWC: Floats, scene: Scene, art: Art, random: np.random.Generator) -> None:
    """What stands around in the place, its sides first, unless the scene is about it."""
    light, edge, scale = LIGHT[scene.condition], edges(canvas_HWC), scale_of(canvas_HWC)
    rise = -edge.top // 2 if scene.place.setting == "space" else 0
    if scene.place.setting in {"indoor", "space"}:
        light = np.maximum(light, _LAMP)
    shown = {group.concept.codepoint for group in scene.groups}
    for number, item in enumerate(scene.place.clutter):
        if item.codepoint in shown:
            continue
        sprite = art.sprite(item.codepoint, item.px, None, scene.style, scale)
        if item.at is not None:
            _paste(canvas_HWC, sprite, item.at, item.foot - rise, light)
            continue
        for middle in _columns(edge, number)[: random.integers(_as_dense(item.most, edge) + 1)]:
            _paste(canvas_HWC, sprite, middle, item.foot - rise, light)


def _columns(edge: Edges, first: int) -> list[int]:
    """The middles of what stands around, in the order in which they are taken: the sides, from the `first` on.

    Nothing in a caption tells where a tree stands. Were it now here and now there, a network that is unsure would
    draw half of one in each place.
    """
    sides, inner = (np.roll(middles, -first).tolist() for middles in (_sides(edge), _INNER))
    return [*sides, *inner]


def _sides(edge: Edges) -> tuple[int, ...]:
    """Where the middle of what stands at the sides is: in a wide picture, before those, as far from its edges."""
    outer = (edge.left + _SIDES[0], edge.right - _SIDES[0])
    return _SIDES if outer == _SIDES else outer + _SIDES


def _as_dense(most: int, edge: Edges) -> int:
    """How many there are in a wide picture at most, if there are so many in a square one."""
    return round(most * (edge.right - edge.left) / SIDE)


def _paint_things(canvas_HWC: Floats, boxes: list[Box], art: Art, scene: Scene) -> None:
    """The things in order; one that stands on another finds its top."""
    top, scale, swimming = 0, scale_of(canvas_HWC), scene.place.setting == "sea"
    for box in boxes:
        sprite = art.sprite(box.concept.codepoint, box.px, box.group.colour, scene.style, scale)
        foot = top if box.foot is None else box.foot
        if box.shadow and scene.style == "3d":
            shade(canvas_HWC, box.x, foot, sprite)
        if swimming and not flies(box.concept) and box.foot is not None:
            sprite = _half_sunk(sprite)
        _paste(canvas_HWC, sprite, box.x, foot)
        top = foot - seat_of(box, sprite.height // scale)


def _paste(canvas_HWC: Floats, sprite: Image.Image, x: int, foot: int, light: Floats | None = None) -> None:
    """Lay a sprite over the canvas, its middle at `x`, standing on `foot`; what sticks out is cut off."""
    edge, scale, (height, width) = edges(canvas_HWC), scale_of(canvas_HWC), canvas_HWC.shape[:2]
    left, bottom = (x - edge.left - sprite.width // scale // 2) * scale, (foot - edge.top) * scale
    top = bottom - sprite.height
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + sprite.width, width), min(bottom, height)
    if x0 >= x1 or y0 >= y1:
        return
    part_HWC = np.asarray(sprite, dtype=np.float32)[y0 - top : y1 - top, x0 - left : x1 - left] / 255
    colour_HWC, alpha_HW1 = part_HWC[..., :3], part_HWC[..., 3:]
    if light is not None:
        colour_HWC = colour_HWC * light
    under_HWC = canvas_HWC[y0:y1, x0:x1]
    canvas_HWC[y0:y1, x0:x1] = under_HWC + alpha_HW1 * (colour_HWC - under_HWC)


def _half_sunk(sprite: Image.Image) -> Image.Image:
    """The sprite fading away downwards, as if seen through water."""
    pixels_HWC = np.asarray(sprite).copy()
    height_H = (sprite.height - np.arange(sprite.height)) / sprite.height
    seen_H = np.clip((height_H - _SUNK) / (_SURFACE - _SUNK), 0, 1)
    pixels_HWC[..., 3] = (pixels_HWC[..., 3] * seen_H[:, None]).astype(np.uint8)
    return Image.fromarray(pixels_HWC)


def shade(canvas_HWC: Floats, middle: int, foot: int, sprite: Image.Image) -> None:
    """A soft contact shadow: an ellipse under what touches the ground."""
    edge, scale, alpha_HW = edges(canvas_HWC), scale_of(canvas_HWC), np.asarray(sprite)[..., 3]
    touching = np.flatnonzero((alpha_HW[-max(1, round(sprite.height * _FOOT)) :] >= _VISIBLE).any(0))
    if not len(touching):
        return
    x = middle + ((touching[0] + touching[-1] + 1) / 2 - sprite.width / 2) / scale
    width = float(touching[-1] - touching[0] + 1) / scale
    half_w, half_h = max(_SHADOW_LEAST * 2, width * _SHADOW_WIDTH), max(_SHADOW_LEAST, width * _SHADOW_HEIGHT)
    y0, y1 = max(edge.top, int(foot - half_h * 2)), min(SIDE, int(foot + half_h * 2))
    x0, x1 = max(edge.left, int(x - half_w * 1.2)), min(edge.right, int(x + half_w * 1.2))
    # Where the middle of each pixel lies among the middles of those of 256 x 256.
    grid = np.mgrid[y0 * scale : y1 * scale, x0 * scale : x1 * scale]
    y, columns = ((grid + 0.5) / scale - 0.5).astype(np.float32)
    distance = ((columns - x) / half_w) ** 2 + ((y - foot + 1) / half_h) ** 2
    under_HWC = area(canvas_HWC, y0, y1, x0, x1)
    under_HWC *= (1 - _SHADOW_DARK * np.clip(1.25 - distance, 0, 1))[..., None]
