"""What is painted on the ground and the walls of a place: textures that repeat every one or two cells of the grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from limner.training.scenes.canvas import area, column_middles, columns, edges, row_middles, rows, wash
from limner.training.scenes.colour import rgb
from limner.training.scenes.concepts import SIDE
from limner.types import Floats

__all__ = ["FITTINGS", "window_pane"]

_FRAME = "#fbf6ec"
_PAVEMENT, _DASH = "#b9b6b0", "#f2e3a0"
# A light with less than this in one of its colours is that of a room at night.
_DARK = 0.9
_DASH_PERIOD, _DASH_LENGTH = 64, 36

Fitting = Callable[[Floats, int, Floats], None]
"""Paints on a canvas of any size and shape with the horizon in this row of 256, in this light (3,)."""


def _road(canvas: Floats, _horizon: int, light: Floats) -> None:
    """A pavement along the houses, and the dashes of the middle line in front."""
    area(canvas, 160, 172)[:] = rgb(_PAVEMENT) * light
    _dashes(canvas, rgb(_DASH) * light)


def _lane(canvas: Floats, _horizon: int, light: Floats) -> None:
    """A road through the fields."""
    wash(area(canvas, 176, SIDE), "#7d7f88", "#5f616b", light)
    area(canvas, 176, 180)[:] = rgb("#e9e4d4") * light
    _dashes(canvas, rgb("#f4f1e6") * light)


def _dashes(canvas: Floats, colour: Floats) -> None:
    area(canvas, 236, 242)[:, columns(canvas) % _DASH_PERIOD < _DASH_LENGTH] = colour


def _furrows(canvas: Floats, horizon: int, _light: Floats) -> None:
    field = area(canvas, horizon, SIDE)
    band = (rows(canvas)[-len(field) :] - horizon) // 8 % 2
    field *= np.where(band, 1.0, 0.93).astype(np.float32)[:, None, None]


def _boards(canvas: Floats, horizon: int, _light: Floats) -> None:
    area(canvas, horizon, SIDE)[:, columns(canvas) % 32 == 0] *= 0.88


def _tiles(canvas: Floats, horizon: int, _light: Floats) -> None:
    """A chequered floor."""
    floor = area(canvas, horizon, SIDE)
    down = rows(canvas)[-len(floor) :, None] - horizon
    floor[(down // 16 + columns(canvas) // 32) % 2 == 0] *= 0.86


def _wall_tiles(canvas: Floats, horizon: int, _light: Floats) -> None:
    """Tiles with bright joints on the wall."""
    wall = area(canvas, None, horizon - 6)
    for joints in (np.s_[rows(canvas)[: len(wall)] % 16 == 15], np.s_[:, columns(canvas) % 32 == 31]):
        wall[joints] = wall[joints] * 0.4 + 0.6 * wall.max()


def _skirting(canvas: Floats, horizon: int, light: Floats) -> None:
    area(canvas, horizon - 6, horizon)[:] = rgb(_FRAME) * light


def _blackboard(canvas: Floats, _horizon: int, light: Floats) -> None:
    area(canvas, 28, 124, 44, 212)[:] = rgb("#a8743f") * light
    wash(area(canvas, 34, 118, 50, 206), "#2f6b4f", "#27593f", light)


def _curtains(canvas: Floats, horizon: int, light: Floats) -> None:
    """Red folds at both sides, and a valance above."""
    top, *sides = edges(canvas)
    folds_W1 = (0.78 + 0.22 * np.cos(column_middles(canvas) * 2 * np.pi / 16)).astype(np.float32)[:, None]
    red_HWC = np.broadcast_to(rgb("#c5283d") * folds_W1 * light, canvas.shape)
    for left, right in ((sides[0], sides[0] + 40), (sides[1] - 40, sides[1])):
        area(canvas, top, horizon + 8, left, right)[:] = area(red_HWC, top, horizon + 8, left, right)
    area(canvas, top, top + 26)[:] = area(red_HWC, top, top + 26) * 0.92
    area(canvas, top + 26, top + 30)[:] = rgb("#f2c14e") * light


def _spotlight(canvas: Floats, horizon: int, _light: Floats) -> None:
    """A bright ellipse on the floor."""
    x, y = (at.astype(np.float32) for at in (column_middles(canvas), row_middles(canvas)[:, None]))
    inside = np.clip(1.2 - ((x - 128) / 112) ** 2 - ((y - 216) / 34) ** 2, 0, 1)
    area(inside, None, horizon)[:] = 0
    canvas += 0.22 * inside[..., None] * (1 - canvas)


def _lamp(canvas: Floats, _horizon: int, light: Floats) -> None:
    """After dark, warm light from above on wall and floor."""
    if light.min() > _DARK:
        return
    x, y = (at.astype(np.float32) for at in (column_middles(canvas), row_middles(canvas)[:, None]))
    glow = np.exp(-(((x - 112) / 130) ** 2 + ((y - 96) / 120) ** 2))[..., None]
    canvas *= 1 + glow * np.array([0.62, 0.42, 0.12], dtype=np.float32)
    np.clip(canvas, 0, 1, out=canvas)


def _lines(canvas: Floats, horizon: int, light: Floats) -> None:
    """A lawn mown in stripes, with white lines."""
    band = columns(canvas) // 32 % 2
    lawn = area(canvas, horizon, SIDE)
    lawn *= np.where(band, 1.0, 0.92).astype(np.float32)[None, :, None]
    for row in (horizon + 14, 236):
        area(canvas, row, row + 4)[:] = rgb("#f7f9f4") * light


def _fence(canvas: Floats, horizon: int, light: Floats) -> None:
    """White pickets along the horizon."""
    white = rgb("#fbf8f0") * light
    for row in (horizon - 18, horizon - 8):
        area(canvas, row, row + 4)[:] = white
    _, left, right = edges(canvas)
    for column in range(left + 4, right, 16):
        area(canvas, horizon - 26, horizon + 2, column, column + 7)[:] = white


def _path(canvas: Floats, horizon: int, light: Floats) -> None:
    """Sand that widens from the horizon towards the eye."""
    x, y = column_middles(canvas), row_middles(canvas)[:, None]
    sand = np.abs(x - 128) < 10 + (y - horizon) * 0.5
    area(sand, None, horizon)[:] = False
    canvas[sand] = rgb("#e6d3a3") * light


def _pool(canvas: Floats, horizon: int, light: Floats) -> None:
    """Light water between two kerbs."""
    wash(area(canvas, horizon + 12, horizon + 44), "#5fd0ee", "#38b6e2", light)
    for row in (horizon + 8, horizon + 44):
        area(canvas, row, row + 4)[:] = rgb("#ffffff") * light


def _counter(canvas: Floats, horizon: int, light: Floats) -> None:
    """A worktop along the wall, and the doors of the cupboards under it."""
    top, (_, left, right) = horizon - 48, edges(canvas)
    wash(area(canvas, top, horizon + 4), "#7fb3a8", "#6aa095", light)
    area(canvas, top, top + 8)[:] = rgb("#f4e6cf") * light
    for door in range(left // 64 * 64, right, 64):
        area(canvas, top + 14, horizon, door + 4, door + 60)[:] = rgb("#8fc2b6") * light
        area(canvas, top + 28, top + 32, door + 28, door + 36)[:] = rgb("#f4e6cf") * light


def _shelves(canvas: Floats, horizon: int, light: Floats) -> None:
    """Books in five colours, their backs 8 pixels wide, on boards 32 pixels apart."""
    colours = [rgb(colour) * light for colour in ("#b5443c", "#3f6fa8", "#d9a441", "#4f8a5b", "#7a4f8f")]
    top, left, right = edges(canvas)
    for row in range(top, horizon - 8, 32):
        for at, column in enumerate(range(left + 2, right - 6, 8), left // 8):
            short, colour = (at * 5 + row // 32 * 3) % 4, colours[(at * 3 + row // 32) % 5]
            area(canvas, row + 6 + 2 * short, row + 27, column, column + 7)[:] = colour
        area(canvas, row + 27, row + 32)[:] = rgb("#a36b42") * light


def _quay(canvas: Floats, horizon: int, light: Floats) -> None:
    """A wall of stone between the houses and the water."""
    area(canvas, horizon - 4, horizon + 12)[:] = rgb("#b6ab9c") * light
    area(canvas, horizon + 8, horizon + 12)[:] = rgb("#8d8478") * light


def _stands(canvas: Floats, horizon: int, light: Floats) -> None:
    """Rows of seats in three colours behind the field."""
    area(canvas, horizon - 44, horizon)[:] = rgb("#7b8796") * light
    colours = [rgb(colour) * light for colour in ("#e2574c", "#f2c14e", "#4f8fd9")]
    _, left, right = edges(canvas)
    for at, row in enumerate(range(horizon - 40, horizon - 8, 10)):
        for column in range(left + 2 + 4 * (at % 2), right, 8):
            area(canvas, row, row + 5, column, column + 5)[:] = colours[(column // 8 + at) % 3]
    area(canvas, horizon - 6, horizon)[:] = rgb("#f4f4f0") * light


def window_pane(canvas: Floats, light: Floats, sky: tuple[str, str]) -> None:
    """A window in the wall, and the sky outside from one colour to another, downwards."""
    frame = rgb(_FRAME) * light
    area(canvas, 32, 112, 160, 228)[:] = frame
    wash(area(canvas, 37, 107, 165, 223), *sky)
    area(canvas, 70, 74, 165, 223)[:] = frame
    area(canvas, 37, 107, 192, 196)[:] = frame


FITTINGS: Mapping[str, Fitting] = MappingProxyType(
    {
        "blackboard": _blackboard,
        "boards": _boards,
        "counter": _counter,
        "curtains": _curtains,
        "fence": _fence,
        "furrows": _furrows,
        "lamp": _lamp,
        "lane": _lane,
        "lines": _lines,
        "path": _path,
        "pool": _pool,
        "quay": _quay,
        "road": _road,
        "shelves": _shelves,
        "skirting": _skirting,
        "spotlight": _spotlight,
        "stands": _stands,
        "tiles": _tiles,
        "wall tiles": _wall_tiles,
    }
)
"""By their names in the table of places."""
