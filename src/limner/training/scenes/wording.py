"""What the scenes of a vocabulary show and how often, and in which words captions say it: a file `wording.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from limner.errors import DataError
from limner.training.scenes.concepts import CONDITIONS

__all__ = ["RELATIONS", "SIZES", "STYLES", "Condition", "Shares", "Style", "Wording", "load_wording"]

RELATIONS = (
    "left of",
    "right of",
    "next to",
    "playing with",
    "in front of",
    "behind",
    "above",
    "below",
    "on",
    "near",
    "far from",
    "between",
    "under",
    "holding",
    "riding",
    "carrying",
    "chasing",
    "running from",
)
"""The ways in which one thing can stand to another; a vocabulary has some of them. Their numbers are in old runs."""

SIZES = ("big", "small")
"""What a thing can be told to be if it is larger or smaller than usual."""

STYLES = ("3d", "flat", "sticker")
"""The styles that scenes can be drawn in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """A light or weather: how often it is drawn, and how it is told, also where there is no weather."""

    share: float
    keyword: str
    phrases: tuple[str, ...]
    sheltered: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Style:
    """A style: how often it is drawn and, when it is, told; before, after and among the words of a caption."""

    share: float
    told: float = 1.0
    keyword: str = ""
    openings: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """How often a caption is a telegram, tells the place, ...; and how often a thing that can be is big or small.

    Attributes:
        telegram, place, condition, opening, capital, stop: shares of all captions.
        day: how often a caption tells that it is day: nobody does, unless it matters.
        front, verb: how often a sentence begins with the place, and has a verb.
        adjective, synonym, looks: shares of all things that are named.
        acting: how often two things that can do more than be beside each other do.
        sized: share of all things that can be.
        varied: how often a thing is drawn from those only that come in several colours, of which there is the most
            to learn.
        order: how often a wrong relation has its two things the other way round, in place of another word.
    """

    telegram: float
    place: float
    condition: float
    opening: float
    capital: float
    stop: float
    day: float
    adjective: float
    synonym: float
    front: float = 0.0
    verb: float = 0.0
    looks: float = 0.0
    acting: float = 0.0
    sized: float = 0.0
    varied: float = 0.0
    order: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """What scenes show, by name, each with the words for it.

    Attributes:
        articles, openings, adjectives: one of each is chosen.
        mass: what some articles become before a word like bread, of which there are no two.
        numbers: words for two of a thing, three, ...
        relations, conditions, sizes, styles: what there is of `RELATIONS`, `CONDITIONS`, `SIZES`, `STYLES`.
        shares: how often what is said.
    """

    articles: tuple[str, ...]
    openings: tuple[str, ...]
    adjectives: tuple[str, ...]
    numbers: Mapping[int, tuple[str, ...]]
    relations: Mapping[str, tuple[str, ...]]
    conditions: Mapping[str, Condition]
    shares: Shares
    mass: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    styles: Mapping[str, Style] = field(default_factory=lambda: {"3d": Style(share=1.0, told=0.0)})

    def __post_init__(self) -> None:
        for what, mine, known in (
            ("relations", self.relations, RELATIONS),
            ("conditions", self.conditions, CONDITIONS),
            ("sizes", self.sizes, SIZES),
            ("styles", self.styles, STYLES),
        ):
            if not set(mine) <= set(known):
                raise ValueError(f"{what} can be {list(known)}, not {sorted(set(mine) - set(known))}")


def load_wording(path: Path) -> Wording:
    """Read a file of wordings.

    Raises:
        DataError: the file is missing or not valid TOML, or a field is unknown, missing or out of place.
    """
    try:
        return _wording(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"cannot read the wordings in {path}: {error}") from error


def _wording(table: dict[str, Any]) -> Wording:
    found = _tuples(table)
    found["shares"] = Shares(**table["shares"])
    found["numbers"] = {int(number): tuple(words) for number, words in table["numbers"].items()}
    for name, kind in _TABLES.items():
        if name in table:
            found[name] = {one: kind(what) for one, what in table[name].items()}
    return Wording(**found)


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}


_TABLES: dict[str, Callable[[Any], Any]] = {
    "relations": tuple,
    "sizes": tuple,
    "conditions": lambda fields: Condition(**_tuples(fields)),
    "styles": lambda fields: Style(**_tuples(fields)),
}
