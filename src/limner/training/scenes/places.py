"""The places: one table of `places.toml` for each that a scene can be set in."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner.errors import DataError
from limner.training.scenes.fittings import FITTINGS

__all__ = ["SHELTERED", "Clutter", "Place", "load_places"]

SHELTERED = frozenset({"indoor", "underwater", "space"})
"""The settings without weather: there it is day or night."""

_SETTINGS = {"outdoor", "sea", "sky", *SHELTERED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Clutter:
    """What stands around in a place: up to `most` of it, `px` pixels large, with the foot in row `foot`.

    Attributes:
        codepoint: its picture's file name, without ".webp".
        at: where its middle always is, if it belongs there for good.
    """

    codepoint: str
    px: int
    foot: int
    most: int = 1
    at: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a scene is set; see `data/places.toml` for the fields."""

    name: str
    phrases: tuple[str, ...]
    setting: str
    horizon: int
    ground: tuple[str, str]
    hills: str | None = None
    mountains: str | None = None
    water: tuple[str, str] | None = None
    wall: tuple[str, str] = ("#f3e2c7", "#ecd3ae")
    fittings: tuple[str, ...] = ()
    clutter: tuple[Clutter, ...] = ()


def load_places(path: Path) -> tuple[Place, ...]:
    """Read the table of places.

    Raises:
        DataError: the file is missing or not valid TOML, or a place has unknown or missing fields.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return tuple(_place(name, fields) for name, fields in table.items())
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"cannot read the places in {path}: {error}") from error


def _place(name: str, fields: dict[str, Any]) -> Place:
    lists = {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
    clutter = tuple(Clutter(**item) for item in fields.get("clutter", ()))
    place = Place(name=name, **(fields | lists | {"clutter": clutter}))
    for what, mine, known in (
        ("setting", {place.setting}, _SETTINGS),
        ("fittings", set(place.fittings), {*FITTINGS, "window"}),
    ):
        if not mine <= known:
            raise ValueError(f"{name} has the {what} {sorted(mine - known)}; choose of {sorted(known)}")
    return place
