"""The vocabulary: one row of `data/concepts.csv` for each thing that can be drawn, and the places.

The table's columns `body` and `own_ground` are notes for whoever extends it; nothing here reads them.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner.errors import DataError

__all__ = [
    "COLOURS",
    "CONDITIONS",
    "Clutter",
    "Concept",
    "Place",
    "data_folder",
    "load_concepts",
    "load_places",
]

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
"""The twelve colours that a thing can be painted in."""

CONDITIONS = ("day", "sunset", "night", "rain")
"""The lights and weathers."""

_SUPPORTS = {"ground", "water", "underwater", "sky", "indoor"}
_FACINGS = {"left", "right", "front"}
_SIZES = {"1", "2", "3", "4", "5"}
_FLAGS = {"0", "1"}
_SETTINGS = {"outdoor", "sea", "underwater", "indoor"}
_COLUMNS = (
    "codepoint",
    "noun",
    "plural",
    "synonyms",
    "also",
    "group",
    "size",
    "support",
    "when",
    "facing",
    "recolour",
)
_MAY_BE_EMPTY = {"synonyms", "also", "when"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Concept:
    """A thing that can be drawn: its art, its names, and how it may stand in a scene.

    Attributes:
        codepoint: its picture's file name, without ".webp".
        noun, plural: what captions call one of it, and several.
        synonyms: other words for one of it, and for several.
        also: words for it that are true and not its own: a parrot is a bird.
        group: its kind ("animal", "vehicle", ...).
        size: 1 (an apple) to 5 (a house).
        support: where it can be: "ground", "water", "underwater", "sky", "indoor".
        when: the only conditions under which it can be seen; empty is any.
        facing: where its picture looks: "left", "right", or "front" if it must not be mirrored.
        recolour: whether its picture can be painted in another colour.
    """

    codepoint: str
    noun: str
    plural: str
    synonyms: tuple[tuple[str, str], ...]
    also: frozenset[str]
    group: str
    size: int
    support: frozenset[str]
    when: frozenset[str]
    facing: str
    recolour: bool

    @property
    def is_plural(self) -> bool:
        """Whether one of it is many already, like french fries: it has no article and is not counted."""
        return self.noun == self.plural and self.noun.endswith("s")

    @property
    def names(self) -> frozenset[str]:
        """Every word for one of it."""
        return frozenset({self.noun, *(one for one, _ in self.synonyms)})


@dataclass(frozen=True, kw_only=True, slots=True)
class Clutter:
    """What stands around in a place: up to `most` of it, `px` pixels large, with the foot in row `foot`."""

    codepoint: str
    px: int
    foot: int
    most: int


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
    clutter: tuple[Clutter, ...] = ()


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
            return tuple(_concepts(csv.DictReader(file), path))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"cannot read the concept table {path}: {error}") from error


def _concepts(rows: csv.DictReader[str], path: Path) -> Iterator[Concept]:
    named: dict[str, str] = {}
    for column in _COLUMNS:
        if column not in (rows.fieldnames or ()):
            raise DataError(f"{path}, line 1: there is no column {column}; add it")
    for row in rows:
        concept = _concept(row, f"{path}, line {rows.line_num}")
        for column, words in (("noun", [concept.noun]), ("synonyms", [one for one, _ in concept.synonyms])):
            _claim(named, words, concept.noun, f"{path}, line {rows.line_num}: column {column}")
        yield concept


def _claim(named: dict[str, str], words: Sequence[str], noun: str, where: str) -> None:
    """Note that `words` name `noun`, unless one of them names something already."""
    for word in words:
        if word in named:
            raise DataError(f"{where}: {word!r} names {named[word]!r} already; keep one")
        named[word] = noun


def _concept(row: dict[str, str], where: str) -> Concept:
    support = frozenset((row["support"] or "").split("|"))
    for column in _COLUMNS:
        # A short row has None where columns are missing.
        if row[column] is None or not (row[column] or column in _MAY_BE_EMPTY):
            raise DataError(f"{where}: column {column} is empty; fill it in")
    for column, ok in (
        ("size", row["size"] in _SIZES),
        ("support", support <= _SUPPORTS),
        ("facing", row["facing"] in _FACINGS),
        ("when", set(_words(row["when"])) <= set(CONDITIONS)),
        ("recolour", row["recolour"] in _FLAGS),
    ):
        if not ok:
            raise DataError(f"{where}: column {column} cannot be {row[column]!r}")
    return Concept(
        codepoint=row["codepoint"],
        noun=row["noun"],
        plural=row["plural"],
        synonyms=tuple(_one_and_many(word) for word in _words(row["synonyms"])),
        also=frozenset(_words(row["also"])),
        group=row["group"],
        size=int(row["size"]),
        support=support,
        when=frozenset(_words(row["when"])),
        facing=row["facing"],
        recolour=row["recolour"] == "1",
    )


def _words(cell: str) -> list[str]:
    return [word for word in cell.split("|") if word]


def _one_and_many(words: str) -> tuple[str, str]:
    """One and many, from loaf/loaves; a word with a regular plural stands alone."""
    one, _, many = words.partition("/")
    return one, many or _regular_plural(one)


def _regular_plural(noun: str) -> str:
    if noun.endswith(("s", "x", "ch", "sh", "z")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


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
    if place.setting not in _SETTINGS:
        raise ValueError(f"{name} has the setting {place.setting!r}; choose one of {sorted(_SETTINGS)}")
    return place
