"""The place behind the things: sky, ground, water, walls, weather. (256, 256, 3) float32 from 0 to 1.

It can be painted larger, by a whole factor: the same place with finer edges.
Positions are told in pixels of 256 x 256.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from limner.training.scenes.colour import rgb
from limner.training.scenes.concepts import Place
from limner.training.scenes.spec import SIDE
from limner.types import Floats

__all__ = ["LIGHT", "paint_backdrop"]

_SKY = {
    "day": ("#4ea6f2", "#c4e6fb"),
    "sunset": ("#f0884f", "#fcd79a"),
    "night": ("#0f1236", "#2d3170"),
    "rain": ("#76828f", "#b3bdc6"),
}
_DEEP = {"day": ("#3fb4e6", "#0f5f9e"), "night": ("#16386f", "#0a1c45")}
_WALL, _FRAME = ("#f3e2c7", "#ecd3ae"), "#fbf6ec"
_PAVEMENT, _DASH = "#b9b6b0", "#f2e3a0"

# Textures repeat every one or two cells of the grid, so that each cell looks like the next.
_STARS = ((9, 13), (27, 47), (43, 22), (55, 58), (18, 33))
_DROPS = ((2, 6), (12, 22), (20, 12), (26, 28))
_DASH_PERIOD, _DASH_LENGTH = 64, 36

LIGHT = {
    "day": np.array([1.0, 1.0, 1.0], dtype=np.float32),
    "sunset": np.array([1.0, 0.84, 0.72], dtype=np.float32),
    "night": np.array([0.42, 0.45, 0.66], dtype=np.float32),
    "rain": np.array([0.78, 0.81, 0.86], dtype=np.float32),
}
"""How each condition tints what it falls on."""


def paint_backdrop(place: Place, condition: str, ridge: int, scale: int = 1) -> Floats:
    """The empty place under a condition; `ridge` (0 to 3) picks one of four outlines of the hills.

    Larger than by 1, edges are smooth: it is painted twice as large and averaged.
    """
    if scale == 1:
        return _painted(place, condition, ridge).copy()
    return _halved(_paint(place, condition, ridge, 2 * scale))


@lru_cache(maxsize=512)
def _painted(place: Place, condition: str, ridge: int) -> Floats:
    return _paint(place, condition, ridge, 1)


def _halved(canvas: Floats) -> Floats:
    side = len(canvas) // 2
    halved: Floats = canvas.reshape(side, 2, side, 2, 3).mean((1, 3), dtype=np.float32)
    return halved


def _paint(place: Place, condition: str, ridge: int, scale: int) -> Floats:
    if place.setting == "indoor":
        return _room(place, condition, scale)
    if place.setting == "underwater":
        return _underwater(place, condition, scale)
    side, horizon = SIDE * scale, place.horizon * scale
    canvas = _gradient(*_SKY[condition], side, side)
    if condition == "night":
        _stars(canvas, place.horizon, scale)
    light = LIGHT[condition]
    if place.hills:
        _hills(canvas, rgb(place.hills) * light, place.horizon, ridge)
    canvas[horizon:] = _gradient(*place.ground, side - horizon, side) * light
    if place.water:
        canvas[horizon : horizon + 32 * scale] = _gradient(*place.water, 32 * scale, side) * light
    if place.road:
        _road(canvas, light, scale)
    if place.furrows:
        canvas[horizon:] *= _stripes(side - horizon, 16 * scale, 0.93)
    if place.setting == "sea":
        canvas[horizon:] *= _waves(side - horizon, scale)
    if condition == "rain":
        _rain(canvas, scale)
    return canvas


def _gradient(top: str, bottom: str, height: int, width: int) -> Floats:
    """(height, width, 3): from one colour to another, downwards."""
    mix_H11 = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    rows_H1C = rgb(top) * (1 - mix_H11) + rgb(bottom) * mix_H11
    return np.broadcast_to(rows_H1C, (height, width, 3)).copy()


def _hills(canvas: Floats, colour: Floats, horizon: int, ridge: int) -> None:
    side, scale = len(canvas), len(canvas) // SIDE
    x = np.arange(side) * 2 * np.pi / side
    height = 14 + 8 * np.sin(x + ridge * np.pi / 2) + 4 * np.sin(2 * x + ridge)
    rows = np.arange(side)[:, None]
    canvas[(rows >= (horizon - height) * scale) & (rows < horizon * scale)] = colour


def _stars(canvas: Floats, horizon: int, scale: int) -> None:
    """The same few stars in every 64 pixels: a sky that a small network can learn."""
    for y, x in _STARS:
        for row, colour in ((y, (0.92, 0.93, 1.0)), (y + 1, (0.55, 0.57, 0.75))):
            for down, across in np.ndindex(scale, scale):
                top, left = row * scale + down, x * scale + across
                canvas[top : (horizon - 16) * scale : 64 * scale, left :: 64 * scale] = colour


def _rain(canvas: Floats, scale: int) -> None:
    """Slanting streaks that repeat every 32 pixels, over everything behind the things."""
    period = 32 * scale
    for y, x in _DROPS:
        for step, across in np.ndindex(6 * scale, scale):
            rows, columns = (y * scale + step) % period, (x * scale - step // 2 + across) % period
            canvas[rows::period, columns::period] = canvas[rows::period, columns::period] * 0.55 + 0.45 * 0.93


def _stripes(height: int, period: int, dark: float) -> Floats:
    """(height, 1, 1): horizontal bands, lighter and darker in turn."""
    band = (np.arange(height) // (period // 2)) % 2
    return np.where(band, 1.0, dark).astype(np.float32)[:, None, None]


def _waves(height: int, scale: int) -> Floats:
    """(height, 256 x scale, 1): light crests that repeat every 32 pixels."""
    y, x = np.mgrid[0:height, 0 : SIDE * scale] / scale
    crest = np.sin(2 * np.pi * (y / 16 + 0.18 * np.sin(2 * np.pi * x / 32)))
    light: Floats = (1 + 0.06 * np.clip(crest, 0, 1)).astype(np.float32)[..., None]
    return light


def _road(canvas: Floats, light: Floats, scale: int) -> None:
    """A pavement along the horizon, and the dashes of the middle line in front."""
    canvas[160 * scale : 172 * scale] = rgb(_PAVEMENT) * light
    dashes = (np.arange(SIDE * scale) % (_DASH_PERIOD * scale)) < _DASH_LENGTH * scale
    canvas[236 * scale : 242 * scale, dashes] = rgb(_DASH) * light


def _underwater(place: Place, condition: str, scale: int) -> Floats:
    """Water that darkens towards a wavy floor of sand."""
    side = SIDE * scale
    canvas = _gradient(*_DEEP[condition], side, side)
    light = LIGHT[condition]
    x = np.arange(side) * 2 * np.pi / side
    floor = (place.horizon + 6 * np.sin(2 * x)) * scale
    sand = np.arange(side)[:, None] >= floor
    canvas[sand] = (_gradient(*place.ground, side, side) * light)[sand]
    return canvas


def _room(place: Place, condition: str, scale: int) -> Floats:
    """A wall, floor boards, a skirting board and a window; at night a lamp is on."""
    light = LIGHT["day"] if condition == "day" else LIGHT["night"] * 0.5 + 0.45
    frame, side, horizon = rgb(_FRAME) * light, SIDE * scale, place.horizon * scale
    canvas = _gradient(*_WALL, side, side) * light
    canvas[horizon:] = _gradient(*place.ground, side - horizon, side) * light
    for across in range(scale):
        canvas[horizon:, across :: 32 * scale] *= 0.88
    canvas[horizon - 6 * scale : horizon] = frame
    canvas[32 * scale : 112 * scale, 160 * scale : 228 * scale] = frame
    sky = _gradient(*_SKY[condition], 70 * scale, 58 * scale)
    canvas[37 * scale : 107 * scale, 165 * scale : 223 * scale] = sky
    canvas[70 * scale : 74 * scale, 165 * scale : 223 * scale] = frame
    canvas[37 * scale : 107 * scale, 192 * scale : 196 * scale] = frame
    return canvas
