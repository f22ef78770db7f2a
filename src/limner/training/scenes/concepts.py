"""The things: one row of a table `concepts.csv` for each that can be drawn.

The column `own_ground` is a note for whoever extends the table; nothing here reads it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from limner.errors import DataError

__all__ = [
    "COLOURS",
    "CONDITIONS",
    "SIDE",
    "Concept",
    "data_folder",
    "flies",
    "is_many",
    "is_mass",
    "load_concepts",
]

SIDE = 256
"""Height and width of a scene's picture in pixels."""

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

CONDITIONS = ("day", "sunset", "night", "rain", "dawn", "fog", "snowfall")
"""The lights and weathers that can be drawn; a vocabulary has some of them."""

_SUPPORTS = {"ground", "water", "underwater", "sky", "indoor", "space"}
_FACINGS = {"left", "right", "front"}
_SIZES = {"1", "2", "3", "4", "5"}
_FLAGS = {"0", "1"}

# Backs and seats are a little below a thing's highest point, in percent.
_USUAL_SEAT = 80
_BODIES = {"full", "bust", "waist", "head", "cut"}
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
    "body",
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
        support: where it can be: "ground", "water", "underwater", "sky", "indoor", "space".
        when: the only conditions under which it can be seen; empty is any.
        facing: where its picture looks: "left", "right", or "front" if it must not be mirrored.
        body: "full"; "bust", an animal's head; "waist" and "head", a person cut off there; "cut" off at the right.
        recolour: whether its picture can be painted in another colour.
        looks: adjectives that are true of its own picture.
        seat: how high what is on it sits, as a share of its height.
        names: every word for one of it.
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
    body: str
    recolour: bool
    looks: tuple[str, ...] = ()
    seat: float = 0.8
    names: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = frozenset({self.noun, *(one for one, _ in self.synonyms)})
        object.__setattr__(self, "names", names)  # asked for much too often to be put together each time

    @property
    def is_plural(self) -> bool:
        """Whether one of it is many already, like french fries: it has no article and is not counted."""
        return is_many(self.noun, self.plural)


def is_many(one: str, several: str) -> bool:
    """Whether a word for one of a thing is a plural, like french fries."""
    return one == several and one.endswith("s")


def is_mass(one: str, several: str) -> bool:
    """Whether a word takes "some" in place of "a", since several of it are slices or bowls of it, like bread."""
    return several.endswith(f" of {one}")


def flies(concept: Concept) -> bool:
    """Whether a thing belongs into the air, or into space, and cannot stand on the ground."""
    return bool(concept.support & {"sky", "space"}) and "ground" not in concept.support


def data_folder(vocabulary: str = "") -> Path:
    """Where a vocabulary's tables lie: inside an installed package, else at the root of the checkout.

    Args:
        vocabulary: "" for the newest, else the name of a model that was taught an older one.

    Raises:
        DataError: there is no such vocabulary.
    """
    packaged = Path(__file__).parent / "data"
    folder = (packaged if packaged.is_dir() else Path(__file__).parents[4] / "data") / vocabulary
    if not (folder / "concepts.csv").is_file():
        raise DataError(f"there is no vocabulary {vocabulary!r}: {folder} has no concepts.csv")
    return folder


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
        ("body", row["body"] in _BODIES),
        ("recolour", row["recolour"] in _FLAGS),
        ("seat", (row.get("seat") or "0").isdecimal()),
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
        body=row["body"],
        recolour=row["recolour"] == "1",
        looks=tuple(_words(row.get("looks") or "")),
        seat=int(row.get("seat") or _USUAL_SEAT) / 100,
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
