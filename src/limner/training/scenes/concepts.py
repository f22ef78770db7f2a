"""The vocabulary: one row of `data/concepts.csv` for each thing that can be drawn."""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner.errors import DataError

__all__ = ["COLOURS", "Concept", "Place", "data_folder", "load_concepts", "load_places"]

COLOURS = {
    "red": "#e5342b",
    "orange": "#f58a1f",
    "yellow": "#f7d02c",
    "green": "#45b341",
    "teal": "#22b5b0",
    "blue": "#2f7be8",
    "purple": "#8a4be0",
    "pink": "#f57fb5",
    "brown": "#8a5a35",
    "black": "#2b2b30",
    "gray": "#8d929b",
    "white": "#f4f5f7",
}

_SUPPORTS = {"ground", "water", "underwater", "sky", "indoor"}
_FACINGS = {"left", "right", "front"}
_SIZES = {"1", "2", "3", "4", "5"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Concept:
    """A thing that can be drawn: its art, its names, and how it may stand in a scene."""

    codepoint: str
    noun: str
    plural: str
    synonyms: tuple[str, ...]
    group: str
    size: int
    support: frozenset[str]
    facing: str
    recolour: bool
    own_ground: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a scene is set; see `data/places.toml` for the fields."""

    name: str
    phrases: tuple[str, ...]
    setting: str
    horizon: int
    ground: tuple[str, str]
    hills: str | None = None
    water: tuple[str, str] | None = None
    road: bool = False
    furrows: bool = False
    clutter: tuple[dict[str, Any], ...] = ()


def data_folder() -> Path:
    """Where the concept table lies: inside an installed package, else at the root of the checkout."""
    packaged = Path(__file__).parent / "data"
    return packaged if packaged.is_dir() else Path(__file__).parents[4] / "data"


def load_concepts(path: Path) -> tuple[Concept, ...]:
    """Read and check the concept table.

    Raises:
        DataError: the file is missing, or a row is wrong; the message names file, line and column.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise DataError(f"cannot read the concept table {path}: {error.strerror}") from error
    concepts = tuple(_concept(row, f"{path}, line {line}") for line, row in enumerate(rows, start=2))
    _check_unique(concepts, path)
    return concepts


def _concept(row: dict[str, str], where: str) -> Concept:
    support = frozenset(row["support"].split("|"))
    for column, ok in (
        ("support", support <= _SUPPORTS),
        ("facing", row["facing"] in _FACINGS),
        ("size", row["size"] in _SIZES),
        ("recolour", row["recolour"] in {"0", "1"}),
        ("own_ground", row["own_ground"] in {"0", "1"}),
    ):
        if not ok:
            raise DataError(f"{where}: column {column} cannot be {row[column]!r}")
    return Concept(
        codepoint=row["codepoint"],
        noun=row["noun"],
        plural=row["plural"],
        synonyms=tuple(word for word in row["synonyms"].split("|") if word),
        group=row["group"],
        size=int(row["size"]),
        support=support,
        facing=row["facing"],
        recolour=row["recolour"] == "1",
        own_ground=row["own_ground"] == "1",
    )


def _check_unique(concepts: tuple[Concept, ...], path: Path) -> None:
    seen: dict[str, str] = {}
    for concept in concepts:
        for word in (concept.noun, *concept.synonyms):
            if word in seen:
                raise DataError(f"{path}: {word!r} names both {seen[word]} and {concept.noun}; keep one")
            seen[word] = concept.noun


def load_places(path: Path) -> tuple[Place, ...]:
    """Read the table of places.

    Raises:
        DataError: the file is missing or not valid TOML, or a place has unknown fields.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return tuple(_place(name, fields) for name, fields in table.items())
    except (OSError, tomllib.TOMLDecodeError, TypeError) as error:
        raise DataError(f"cannot read the places in {path}: {error}") from error


def _place(name: str, fields: dict[str, Any]) -> Place:
    lists = {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
    return Place(name=name, **(fields | lists))
