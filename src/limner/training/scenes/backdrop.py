"""The place behind the things: sky, ground, water, walls, weather, on a canvas of any size and shape."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from limner.training.scenes.canvas import (
    SQUARE,
    Shape,
    area,
    blank,
    column_middles,
    columns,
    halved,
    row_middles,
    rows,
    scale_of,
    wash,
)
from limner.training.scenes.colour import rgb
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
# The square of half a flake's width, in pixels.
_FLAKE = 3.8

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


def paint_backdrop(place: Place, condition: str, scale: int = 1, shape: Shape = SQUARE) -> Floats:
    """The empty place under a condition, always the same.

    Larger than by 1, edges are smooth: it is painted twice as large and averaged.
    """
    if scale == 1:
        return _painted(place, condition, shape).copy()
    return halved(_paint(place, condition, blank(2 * scale, shape)))


@lru_cache(maxsize=512)
def _painted(place: Place, condition: str, shape: Shape) -> Floats:
    return _paint(place, condition, blank(1, shape))


def _paint(place: Place, condition: str, canvas: Floats) -> Floats:
    _PAINTERS.get(place.setting, _landscape)(canvas, place, condition)
    if place.setting not in SHELTERED and condition in _WEATHERS:
        _WEATHERS[condition](canvas)
    return canvas


def _landscape(canvas: Floats, place: Place, condition: str) -> None:
    """Ground or water under a sky."""
    wash(canvas, *_SKY[condition])
    if condition == "night":
        _stars(canvas, place.horizon - 16)
    light, ground = LIGHT[condition], area(canvas, place.horizon, SIDE)
    if place.mountains:
        _mountains(canvas, rgb(place.mountains) * light, place.horizon)
    if place.hills:
        _hills(canvas, rgb(place.hills) * light, place.horizon)
    wash(ground, *place.ground, light)
    if place.water:
        wash(area(canvas, place.horizon, place.horizon + 32), *place.water, light)
    for fitting in place.fittings:
        FITTINGS[fitting](canvas, place.horizon, light)
    if place.setting == "sea":
        ground *= _waves(canvas, place.horizon)[-len(ground) :]


def _hills(canvas: Floats, colour: Floats, horizon: int) -> None:
    """Waves along the horizon; the ground comes over their feet."""
    x, y = column_middles(canvas) * 2 * np.pi / SIDE, row_middles(canvas)[:, None]
    height = 14 + 8 * np.sin(x) + 4 * np.sin(2 * x)
    canvas[(y >= horizon - height) & (y < horizon)] = colour


def _mountains(canvas: Floats, colour: Floats, horizon: int) -> None:
    """Peaks every 64 pixels with snow on them, the lower ones behind."""
    x, y = column_middles(canvas), row_middles(canvas)[:, None]
    for shift, high, shade in ((32, 58, 0.86), (0, 84, 1.0)):
        saw = np.abs((x + shift) % 128 - 64) / 64
        peak = horizon - high * saw
        canvas[(y >= peak) & (y < horizon)] = colour * shade
        snow = (y >= peak) & (y < horizon - high + 22 + 5 * np.cos(x * np.pi / 8))
        canvas[snow & (y < horizon)] = np.clip(colour * 0.25 + 0.72 * canvas[0, 0].max() + 0.05, 0, 1)


def _stars(canvas: Floats, lowest: int) -> None:
    """The same few stars in every 64 pixels: a sky that a small network can learn."""
    down, across = rows(canvas), columns(canvas)
    for y, x in _STARS:
        for row, colour in ((y, (0.92, 0.93, 1.0)), (y + 1, (0.55, 0.57, 0.75))):
            canvas[np.ix_((down % 64 == row) & (down < lowest), across % 64 == x)] = colour


def _rain(canvas: Floats) -> None:
    """Slanting streaks that repeat every 32 pixels, over everything behind the things."""
    scale, period = scale_of(canvas), 32 * scale_of(canvas)
    for y, x in _DROPS:
        for step, across in np.ndindex(6 * scale, scale):
            top, left = (y * scale + step) % period, (x * scale - step // 2 + across) % period
            canvas[top::period, left::period] = canvas[top::period, left::period] * 0.55 + 0.45 * 0.93


def _snow(canvas: Floats) -> None:
    """Round flakes that repeat every 64 pixels, over everything behind the things."""
    for y, x in _FLAKES:
        down, across = (
            (at - middle + 31.5) % 64 - 32
            for at, middle in ((row_middles(canvas), y), (column_middles(canvas), x))
        )
        flake = down[:, None] ** 2 + across**2 < _FLAKE
        canvas[flake] = canvas[flake] * 0.15 + 0.85


def veil(canvas: Floats, place: Place) -> None:
    """Fog before everything that is far away, thickest at the horizon."""
    y = row_middles(canvas).astype(np.float32)
    thick = np.where(y < place.horizon, 0.45 + 0.32 * y / place.horizon, 0.77 - (y - place.horizon) / 120)
    thick_H11 = np.clip(thick, 0.12, 0.9).astype(np.float32)[:, None, None]
    canvas += thick_H11 * (rgb(_MIST) - canvas)


def _waves(canvas: Floats, horizon: int) -> Floats:
    """(height, width, 1): light crests that repeat every 32 pixels."""
    x, y = column_middles(canvas), row_middles(canvas)[:, None] - horizon
    crest = np.sin(2 * np.pi * (y / 16 + 0.18 * np.sin(2 * np.pi * x / 32)))
    light: Floats = (1 + 0.06 * np.clip(crest, 0, 1)).astype(np.float32)[..., None]
    return light


def _underwater(canvas: Floats, place: Place, condition: str) -> None:
    """Water that darkens towards a wavy floor of sand."""
    wash(canvas, *_DEEP[condition])
    ground = np.zeros_like(canvas)
    wash(area(ground, 0, SIDE), *place.ground, LIGHT[condition])
    x, y = column_middles(canvas), row_middles(canvas)[:, None]
    sand = y >= place.horizon + 6 * np.sin(2 * (x * 2 * np.pi / SIDE))
    canvas[sand] = ground[sand]


def _heights(canvas: Floats, place: Place, condition: str) -> None:
    """Nothing but sky or space."""
    space = place.setting == "space"
    wash(canvas, *(place.ground if space else _SKY[condition]))
    if space or condition == "night":
        _stars(canvas, SIDE)


def _room(canvas: Floats, place: Place, condition: str) -> None:
    """A wall and a floor with what belongs there; at night a lamp is on."""
    light = LIGHT["day"] if condition == "day" else LIGHT["night"] * 0.5 + 0.45
    wash(canvas, *place.wall, light)
    wash(area(canvas, place.horizon, SIDE), *place.ground, light)
    for fitting in place.fittings:
        if fitting == "window":
            window_pane(canvas, light, _SKY[condition])
        else:
            FITTINGS[fitting](canvas, place.horizon, light)


_PAINTERS: dict[str, Callable[[Floats, Place, str], None]] = {
    "indoor": _room,
    "underwater": _underwater,
    "space": _heights,
    "sky": _heights,
}
_WEATHERS: dict[str, Callable[[Floats], None]] = {"rain": _rain, "snowfall": _snow}
