"""The place behind the things: sky, ground, water, walls, weather. (256, 256, 3) float32 from 0 to 1."""

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


def paint_backdrop(place: Place, condition: str, ridge: int) -> Floats:
    """The empty place under a condition; `ridge` (0 to 3) picks one of four outlines of the hills."""
    return _painted(place, condition, ridge).copy()


@lru_cache(maxsize=512)
def _painted(place: Place, condition: str, ridge: int) -> Floats:
    if place.setting == "indoor":
        return _room(place, condition)
    if place.setting == "underwater":
        return _underwater(place, condition)
    canvas = _gradient(*_SKY[condition], SIDE)
    if condition == "night":
        _stars(canvas, place.horizon)
    light = LIGHT[condition]
    if place.hills:
        _hills(canvas, rgb(place.hills) * light, place.horizon, ridge)
    canvas[place.horizon :] = _gradient(*place.ground, SIDE - place.horizon) * light
    if place.water:
        canvas[place.horizon : place.horizon + 32] = _gradient(*place.water, 32) * light
    if place.road:
        _road(canvas, light)
    if place.furrows:
        canvas[place.horizon :] *= _stripes(SIDE - place.horizon, 16, 0.93)
    if place.setting == "sea":
        canvas[place.horizon :] *= _waves(SIDE - place.horizon)
    if condition == "rain":
        _rain(canvas)
    return canvas


def _gradient(top: str, bottom: str, height: int) -> Floats:
    """(height, 256, 3): from one colour to another, downwards."""
    mix_H11 = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    rows_H1C = rgb(top) * (1 - mix_H11) + rgb(bottom) * mix_H11
    return np.broadcast_to(rows_H1C, (height, SIDE, 3)).copy()


def _hills(canvas: Floats, colour: Floats, horizon: int, ridge: int) -> None:
    x = np.arange(SIDE) * 2 * np.pi / SIDE
    height = 14 + 8 * np.sin(x + ridge * np.pi / 2) + 4 * np.sin(2 * x + ridge)
    rows = np.arange(SIDE)[:, None]
    canvas[(rows >= horizon - height) & (rows < horizon)] = colour


def _stars(canvas: Floats, horizon: int) -> None:
    """The same few stars in every 64 pixels: a sky that a small network can learn."""
    for y, x in _STARS:
        canvas[y : horizon - 16 : 64, x::64] = (0.92, 0.93, 1.0)
        canvas[y + 1 : horizon - 16 : 64, x::64] = (0.55, 0.57, 0.75)


def _rain(canvas: Floats) -> None:
    """Slanting streaks that repeat every 32 pixels, over everything behind the things."""
    for y, x in _DROPS:
        for step in range(6):
            rows, columns = (y + step) % 32, (x - step // 2) % 32
            canvas[rows::32, columns::32] = canvas[rows::32, columns::32] * 0.55 + 0.45 * 0.93


def _stripes(height: int, period: int, dark: float) -> Floats:
    """(height, 1, 1): horizontal bands, lighter and darker in turn."""
    band = (np.arange(height) // (period // 2)) % 2
    return np.where(band, 1.0, dark).astype(np.float32)[:, None, None]


def _waves(height: int) -> Floats:
    """(height, 256, 1): light crests that repeat every 32 pixels."""
    y, x = np.mgrid[0:height, 0:SIDE]
    crest = np.sin(2 * np.pi * (y / 16 + 0.18 * np.sin(2 * np.pi * x / 32)))
    light: Floats = (1 + 0.06 * np.clip(crest, 0, 1)).astype(np.float32)[..., None]
    return light


def _road(canvas: Floats, light: Floats) -> None:
    """A pavement along the horizon, and the dashes of the middle line in front."""
    canvas[160:172] = rgb(_PAVEMENT) * light
    dashes = (np.arange(SIDE) % _DASH_PERIOD) < _DASH_LENGTH
    canvas[236:242, dashes] = rgb(_DASH) * light


def _underwater(place: Place, condition: str) -> Floats:
    """Water that darkens towards a wavy floor of sand."""
    canvas = _gradient(*_DEEP[condition], SIDE)
    light = LIGHT[condition]
    x = np.arange(SIDE) * 2 * np.pi / SIDE
    floor = place.horizon + 6 * np.sin(2 * x)
    sand = np.arange(SIDE)[:, None] >= floor
    canvas[sand] = (_gradient(*place.ground, SIDE) * light)[sand]
    return canvas


def _room(place: Place, condition: str) -> Floats:
    """A wall, floor boards, a skirting board and a window; at night a lamp is on."""
    light = LIGHT["day"] if condition == "day" else LIGHT["night"] * 0.5 + 0.45
    frame = rgb(_FRAME) * light
    canvas = _gradient(*_WALL, SIDE) * light
    canvas[place.horizon :] = _gradient(*place.ground, SIDE - place.horizon) * light
    canvas[place.horizon :, ::32] *= 0.88
    canvas[place.horizon - 6 : place.horizon] = frame
    canvas[32:112, 160:228] = frame
    canvas[37:107, 165:223] = _gradient(*_SKY[condition], 70)[:, :58]
    canvas[70:74, 165:223] = frame
    canvas[37:107, 192:196] = frame
    return canvas
