"""What one field of a request is: its type, for whom it exists, and what may stand in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from limner.server.contract.models import Family, Feature, ModelName

__all__ = ["FORMS", "Field", "Kind", "Number", "Route"]

Kind: TypeAlias = Literal[
    "boolean",
    "choice",
    "identifier",
    "integer",
    "number",
    "object",
    "picture",
    "pictures",
    "size",
    "string",
]
Number: TypeAlias = int | float


class Route(StrEnum):
    """What can be asked for, by the last word of its path."""

    GENERATIONS = "generations"
    EDITS = "edits"
    VARIATIONS = "variations"


FORMS: dict[Route, tuple[str, ...]] = {
    Route.GENERATIONS: ("json",),
    Route.EDITS: ("json", "form"),
    Route.VARIATIONS: ("form",),
}
"""In which kinds of body each can be asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One field of a request.

    Attributes:
        name: as it is sent.
        kind: of which JSON type it is; an "identifier" is a string or a number, a "size" is a string.
        does: what limner does with it, for the documentation.
        routes: where it may be sent.
        forms: in which kind of body: "json", "form" (multipart), or both.
        families: for which families it exists in strict mode.
        feature: which OpenAI names of those families have it; None is all.
        required: it must be there.
        default: its value where it is absent, by family; a family that is not in it has None.
        bounds: least and greatest number, or number of characters, by family.
        choices: the values that there are, by family.
        finer: further choices of names with the feature "max_quality".
        null: what JSON null does in strict mode; in lenient mode it is as if absent unless required.
        lenient: what becomes of it in lenient mode; in strict mode what is not honoured is refused.
        extension: limner's own; OpenAI does not know it, nor does strict mode.
    """

    name: str
    kind: Kind
    does: str
    routes: frozenset[Route] = frozenset(Route)
    forms: frozenset[str] = frozenset({"json", "form"})
    families: frozenset[Family] = frozenset(Family)
    feature: Feature | None = None
    required: bool = False
    default: Mapping[Family, Any] = field(default_factory=dict)
    bounds: Mapping[Family, tuple[Number, Number]] = field(default_factory=dict)
    choices: Mapping[Family, tuple[str, ...]] = field(default_factory=dict)
    finer: tuple[str, ...] = ()
    null: Literal["absent", "error"] = "absent"
    lenient: Literal["honoured", "set aside", "refused"] = "honoured"
    extension: bool = False

    def is_known_to(self, model: ModelName) -> bool:
        """OpenAI has this field for models of this name."""
        by_feature = self.feature is None or self.feature in model.features
        return not self.extension and model.family in self.families and by_feature

    def choices_of(self, model: ModelName) -> tuple[str, ...]:
        """The documented choices; where the name has none, those of all families."""
        own = self.choices.get(model.family, ())
        if own and self.finer and "max_quality" in model.features:
            return tuple(dict.fromkeys([*(c for c in own if c != "auto"), *self.finer, *own]))
        return own or self.all_choices

    @property
    def all_choices(self) -> tuple[str, ...]:
        """The choices of all families together."""
        every = [choice for choices in self.choices.values() for choice in choices]
        return tuple(dict.fromkeys([*every, *self.finer]))

    def bounds_of(self, model: ModelName, *, strict: bool) -> tuple[Number, Number]:
        """Least and greatest: in strict mode the family's own, else the widest of all families."""
        if strict and model.family in self.bounds:
            return self.bounds[model.family]
        return min(low for low, _ in self.bounds.values()), max(high for _, high in self.bounds.values())
