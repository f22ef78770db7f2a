"""The place behind the things: sky, ground, water, walls, weather. (256, 256, 3) float32 from 0 to 1."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from limner.training.scenes.colour import gradient, rgb
from limner.training.scenes.fittings import FITTINGS, window_pane
from limner.training.scenes.places import SHELTERED, Place
from limner.training.scenes.spec import SIDE
from limner.types import Floats

__all__ = ["LIGHT", "paint_backdrop", "veil"]

_SKY = {
    "day": ("#4ea6f2", "#c4e6fb"),
    "sunset": ("#f0884f", "#fcd79a"),
    "night": ("#0f1236", "#2d3170"),
    "rain": ("#76828f", "#b3bdc6"),
    "dawn": ("#8e9fe6", "#fbd3d8"),
    "fog": ("#bcc6cd", "#dde3e6"),
    "snowfall": ("#9fb3c8", "#dfe8f0"),
}
_DEEP = {"day": ("#3fb4e6", "#0f5f9e"), "night": ("#16386f", "#0a1c45")}
_MIST = "#dde3e6"

# Textures repeat every one or two cells of the grid, so that each cell looks like the next.
_STARS = ((9, 13), (27, 47), (43, 22), (55, 58), (18, 33))
_DROPS = ((2, 6), (12, 22), (20, 12), (26, 28))
_FLAKES = ((3, 8), (12, 40), (22, 22), (31, 55), (40, 12), (48, 35), (57, 50))
_FLAKE = ((0, 0), (0, 1), (1, 0), (1, 1), (-1, 0), (-1, 1), (2, 0), (2, 1), (0, -1), (1, -1), (0, 2), (1, 2))

LIGHT = {
    "day": np.array([1.0, 1.0, 1.0], dtype=np.float32),
    "sunset": np.array([1.0, 0.84, 0.72], dtype=np.float32),
    "night": np.array([0.42, 0.45, 0.66], dtype=np.float32),
    "rain": np.array([0.78, 0.81, 0.86], dtype=np.float32),
    "dawn": np.array([1.0, 0.9, 0.93], dtype=np.float32),
    "fog": np.array([0.9, 0.92, 0.94], dtype=np.float32),
    "snowfall": np.array([0.88, 0.91, 0.96], dtype=np.float32),
}
"""How each condition tints what it falls on."""


def paint_backdrop(place: Place, condition: str, ridge: int) -> Floats:
    """The empty place under a condition; `ridge` (0 to 3) picks one of four outlines of the hills."""
    return _painted(place, condition, ridge).copy()


@lru_cache(maxsize=512)
def _painted(place: Place, condition: str, ridge: int) -> Floats:
    canvas = _PAINTERS.get(place.setting, _landscape)(place, condition, ridge)
    if place.setting not in SHELTERED and condition in _WEATHERS:
        _WEATHERS[condition](canvas)
    return canvas


def _landscape(place: Place, condition: str, ridge: int) -> Floats:
    """Ground or water under a sky."""
    canvas = gradient(*_SKY[condition], SIDE)
    if condition == "night":
        _stars(canvas, place.horizon - 16)
    light = LIGHT[condition]
    if place.mountains:
        _mountains(canvas, rgb(place.mountains) * light, place.horizon, ridge)
    if place.hills:
        _hills(canvas, rgb(place.hills) * light, place.horizon, ridge)
    canvas[place.horizon :] = gradient(*place.ground, SIDE - place.horizon) * light
    if place.water:
        canvas[place.horizon : place.horizon + 32] = gradient(*place.water, 32) * light
    for fitting in place.fittings:
        FITTINGS[fitting](canvas, place.horizon, light)
    if place.setting == "sea":
        canvas[place.horizon :] *= _waves(SIDE - place.horizon)
    return canvas


def _hills(canvas: Floats, colour: Floats, horizon: int, ridge: int) -> None:
    x = np.arange(SIDE) * 2 * np.pi / SIDE
    height = 14 + 8 * np.sin(x + ridge * np.pi / 2) + 4 * np.sin(2 * x + ridge)
    rows = np.arange(SIDE)[:, None]
    canvas[(rows >= horizon - height) & (rows < horizon)] = colour


def _mountains(canvas: Floats, colour: Floats, horizon: int, ridge: int) -> None:
    """Peaks every 64 pixels with snow on them, the lower ones behind."""
    columns, rows = np.arange(SIDE), np.arange(SIDE)[:, None]
    for shift, high, shade in ((32, 58, 0.86), (0, 84, 1.0)):
        saw = np.abs((columns + shift + 32 * ridge) % 128 - 64) / 64
        peak = horizon - high * saw
        canvas[(rows >= peak) & (rows < horizon)] = colour * shade
        snow = (rows >= peak) & (rows < horizon - high + 22 + 5 * np.cos(columns * np.pi / 8))
        canvas[snow & (rows < horizon)] = np.clip(colour * 0.25 + 0.72 * canvas[0, 0].max() + 0.05, 0, 1)


def _stars(canvas: Floats, lowest: int) -> None:
    """The same few stars in every 64 pixels: a sky that a small network can learn."""
    for y, x in _STARS:
        canvas[y:lowest:64, x::64] = (0.92, 0.93, 1.0)
        canvas[y + 1 : lowest : 64, x::64] = (0.55, 0.57, 0.75)


def _rain(canvas: Floats) -> None:
    """Slanting streaks that repeat every 32 pixels, over everything behind the things."""
    for y, x in _DROPS:
        for step in range(6):
            rows, columns = (y + step) % 32, (x - step // 2) % 32
            canvas[rows::32, columns::32] = canvas[rows::32, columns::32] * 0.55 + 0.45 * 0.93


def _snow(canvas: Floats) -> None:
    """Round flakes that repeat every 64 pixels, over everything behind the things."""
    for y, x in _FLAKES:
        for row, column in _FLAKE:
            where = np.s_[(y + row) % 64 :: 64, (x + column) % 64 :: 64]
            canvas[where] = canvas[where] * 0.15 + 0.85


def veil(canvas: Floats, place: Place) -> None:
    """Fog before everything that is far away, thickest at the horizon."""
    rows = np.arange(SIDE, dtype=np.float32)
    thick = np.where(
        rows < place.horizon, 0.45 + 0.32 * rows / place.horizon, 0.77 - (rows - place.horizon) / 120
    )
    thick_H11 = np.clip(thick, 0.12, 0.9).astype(np.float32)[:, None, None]
    canvas += thick_H11 * (rgb(_MIST) - canvas)


def _waves(height: int) -> Floats:
    """(height, 256, 1): light crests that repeat every 32 pixels."""
    y, x = np.mgrid[0:height, 0:SIDE]
    crest = np.sin(2 * np.pi * (y / 16 + 0.18 * np.sin(2 * np.pi * x / 32)))
    light: Floats = (1 + 0.06 * np.clip(crest, 0, 1)).astype(np.float32)[..., None]
    return light


def _underwater(place: Place, condition: str, _ridge: int) -> Floats:
    """Water that darkens towards a wavy floor of sand."""
    canvas = gradient(*_DEEP[condition], SIDE)
    light = LIGHT[condition]
    x = np.arange(SIDE) * 2 * np.pi / SIDE
    floor = place.horizon + 6 * np.sin(2 * x)
    sand = np.arange(SIDE)[:, None] >= floor
    canvas[sand] = (gradient(*place.ground, SIDE) * light)[sand]
    return canvas


def _heights(place: Place, condition: str, _ridge: int) -> Floats:
    """Nothing but sky or space."""
    space = place.setting == "space"
    canvas = gradient(*(place.ground if space else _SKY[condition]), SIDE)
    if space or condition == "night":
        _stars(canvas, SIDE)
    return canvas


def _room(place: Place, condition: str, _ridge: int) -> Floats:
    """A wall and a floor with what belongs there; at night a lamp is on."""
    light = LIGHT["day"] if condition == "day" else LIGHT["night"] * 0.5 + 0.45
    canvas = gradient(*place.wall, SIDE) * light
    canvas[place.horizon :] = gradient(*place.ground, SIDE - place.horizon) * light
    for fitting in place.fittings:
        if fitting == "window":
            window_pane(canvas, light, gradient(*_SKY[condition], 70))
        else:
            FITTINGS[fitting](canvas, place.horizon, light)
    return canvas


_PAINTERS: dict[str, Callable[[Place, str, int], Floats]] = {
    "indoor": _room,
    "underwater": _underwater,
    "space": _heights,
    "sky": _heights,
}
_WEATHERS: dict[str, Callable[[Floats], None]] = {"rain": _rain, "snowfall": _snow}
