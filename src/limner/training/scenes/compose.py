"""Drawing a scene: the backdrop, what stands around, then the things that it is about.

This makes training data. Nothing that draws pictures for people may import it.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from limner.training.scenes.art import Art
from limner.training.scenes.backdrop import LIGHT, paint_backdrop
from limner.training.scenes.layout import GRID, Box, arrange
from limner.training.scenes.spec import SHELTERED, SIDE, Scene
from limner.types import Floats, Pixels

__all__ = ["compose"]

_SUN, _MOON, _CLOUD = "2600-fe0f", "1f319", "2601-fe0f"
_SUN_PX, _CLOUD_PX = 44, 56

# Seats and backs are a little below a thing's highest point.
_SEAT_HEIGHT, _SEAT_GRID = 0.8, 16

# A shadow's half axes as shares of the thing's width, its least half height, and how dark its middle is.
_SHADOW_WIDTH, _SHADOW_HEIGHT, _SHADOW_LEAST, _SHADOW_DARK = 0.46, 0.06, 3.0, 0.32


def compose(scene: Scene, art: Art, random: np.random.Generator) -> Pixels:
    """The scene as a picture, uint8 (256, 256, 3)."""
    boxes = arrange(scene, random)
    canvas_HWC = paint_backdrop(scene.place, scene.condition, int(random.integers(4)))
    _paint_sky(canvas_HWC, scene, art, random)
    _paint_clutter(canvas_HWC, scene, art, random)
    _paint_things(canvas_HWC, boxes, art)
    pixels_HWC: Pixels = np.clip(canvas_HWC * 255 + 0.5, 0, 255).astype(np.uint8)
    return pixels_HWC


def _paint_sky(canvas_HWC: Floats, scene: Scene, art: Art, random: np.random.Generator) -> None:
    """Sun or moon and clouds, unless the scene is about something of the kind."""
    about_the_sky = any(group.concept.group == "sky" for group in scene.groups)
    if about_the_sky or scene.place.setting in SHELTERED:
        return
    column = int(random.integers(SIDE // GRID - 1))
    if scene.condition in {"day", "night"}:
        sprite = art.sprite(_SUN if scene.condition == "day" else _MOON, _SUN_PX)
        _paste(canvas_HWC, sprite, column * GRID + GRID, 56)
    if scene.condition != "night":
        light = LIGHT[scene.condition]
        for _ in range(int(random.integers(1, 3))):
            _paste(canvas_HWC, art.sprite(_CLOUD, _CLOUD_PX), int(random.integers(1, 8)) * GRID, 64, light)


def _paint_clutter(canvas_HWC: Floats, scene: Scene, art: Art, random: np.random.Generator) -> None:
    """What stands around in the place, unless the scene is about it."""
    light = LIGHT[scene.condition]
    shown = {group.concept.codepoint for group in scene.groups}
    for item in scene.place.clutter:
        if item.codepoint in shown:
            continue
        for _ in range(int(random.integers(item.most + 1))):
            sprite = art.sprite(item.codepoint, item.px)
            _paste(canvas_HWC, sprite, int(random.integers(9)) * GRID, item.foot, light)


def _paint_things(canvas_HWC: Floats, boxes: list[Box], art: Art) -> None:
    """The things in order; one that stands on another finds its top."""
    top = 0
    for box in boxes:
        sprite = art.sprite(box.concept.codepoint, box.px, box.group.colour, mirrored=box.mirrored)
        foot = top if box.foot is None else box.foot
        if box.shadow:
            _shade(canvas_HWC, box.x, foot, sprite.width)
        _paste(canvas_HWC, sprite, box.x, foot)
        top = foot - round(sprite.height * _SEAT_HEIGHT / _SEAT_GRID) * _SEAT_GRID


def _paste(canvas_HWC: Floats, sprite: Image.Image, x: int, foot: int, light: Floats | None = None) -> None:
    """Lay a sprite over the canvas, its middle at `x`, standing on `foot`; what sticks out is cut off."""
    left, top = x - sprite.width // 2, foot - sprite.height
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + sprite.width, SIDE), min(foot, SIDE)
    if x0 >= x1 or y0 >= y1:
        return
    part_HWC = np.asarray(sprite, dtype=np.float32)[y0 - top : y1 - top, x0 - left : x1 - left] / 255
    colour_HWC, alpha_HW1 = part_HWC[..., :3], part_HWC[..., 3:]
    if light is not None:
        colour_HWC = colour_HWC * light
    under_HWC = canvas_HWC[y0:y1, x0:x1]
    canvas_HWC[y0:y1, x0:x1] = under_HWC + alpha_HW1 * (colour_HWC - under_HWC)


def _shade(canvas_HWC: Floats, x: int, foot: int, width: int) -> None:
    """A soft contact shadow: an ellipse of the thing's width under its foot."""
    half_w, half_h = width * _SHADOW_WIDTH, max(_SHADOW_LEAST, width * _SHADOW_HEIGHT)
    y0, y1 = max(0, int(foot - half_h * 2)), min(SIDE, int(foot + half_h * 2))
    x0, x1 = max(0, int(x - half_w * 1.2)), min(SIDE, int(x + half_w * 1.2))
    y, columns = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    distance = ((columns - x) / half_w) ** 2 + ((y - foot + 1) / half_h) ** 2
    canvas_HWC[y0:y1, x0:x1] *= (1 - _SHADOW_DARK * np.clip(1.25 - distance, 0, 1))[..., None]
