"""Names of models, and the contract that each name stands for.

Every name of OpenAI's image models, those that were shut down too, is another name for the first model that is
served, and says by which family's rules the client wants to be treated. Further models have their own names:

======  =====================================  ==========================================================
family  names                                  contract
======  =====================================  ==========================================================
D2      dall-e-2                               `url` answers, squares, edits with a mask, variations
D3      dall-e-3                               `url` answers, one picture, quality hd, style, revised_prompt
G1      gpt-image-1, -1.5, -1-mini, chatgpt-*  `b64_json` answers, three sizes, streams, usage
G2      gpt-image-2 and later; own names       `b64_json` answers, free sizes, streams, usage
======  =====================================  ==========================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Literal, TypeAlias

from limner.errors import SettingsError

__all__ = ["OPENAI_NAMES", "Family", "Feature", "ModelName", "ModelTable"]

Feature: TypeAlias = Literal["complexity", "frames", "input_fidelity", "markup", "max_quality", "svg"]

_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}\Z")


class Family(StrEnum):
    """Whose rules a request follows."""

    D2 = "D2"
    D3 = "D3"
    G1 = "G1"
    G2 = "G2"

    @property
    def is_dalle(self) -> bool:
        """It is one of the two DALL·E families."""
        return self in (Family.D2, Family.D3)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelName:
    """A name under which a model can be called.

    Attributes:
        id: the name.
        family: by which rules.
        created: since when the name exists, in seconds since 1970.
        features: fields and values that OpenAI has for this name beyond those of its family.
    """

    id: str
    family: Family
    created: int
    features: frozenset[Feature] = frozenset()


def _named(name: str, family: Family, released: str, *features: Feature) -> ModelName:
    midnight = datetime.combine(date.fromisoformat(released), time(), UTC)
    return ModelName(id=name, family=family, created=int(midnight.timestamp()), features=frozenset(features))


_NEWEST: tuple[Feature, ...] = ("max_quality", "markup", "complexity", "frames", "svg")

OPENAI_NAMES: tuple[ModelName, ...] = (
    _named("gpt-image-2.6-sunburst", Family.G2, "2026-11-04", *_NEWEST),
    _named("gpt-image-2.6-flare", Family.G2, "2026-11-04", *_NEWEST),
    _named("gpt-image-2.5-sunburst", Family.G2, "2026-09-08", "max_quality", "markup"),
    _named("gpt-image-2.5-flare", Family.G2, "2026-09-08", "max_quality", "markup"),
    _named("gpt-image-2", Family.G2, "2026-04-21"),
    _named("gpt-image-1.5", Family.G1, "2025-12-16", "input_fidelity"),
    _named("chatgpt-image-latest", Family.G1, "2025-12-16", "input_fidelity"),
    _named("gpt-image-1-mini", Family.G1, "2025-10-06"),
    _named("gpt-image-1", Family.G1, "2025-04-23", "input_fidelity"),
    _named("dall-e-3", Family.D3, "2023-11-06"),
    _named("dall-e-2", Family.D2, "2022-11-03"),
)
"""OpenAI's image models, newest first. A date behind a name, like `gpt-image-2-2026-04-21`, is the same model."""

_OPENAI = {name.id: name for name in OPENAI_NAMES}


class ModelTable:
    """All names under which models answer.

    Args:
        own: the first model's own name; it follows the newest contract.
        created: since when it is there, in seconds since 1970.
        openai_names: whether OpenAI's names are names for it.
        aliases: further names for it, each with the OpenAI name whose contract it follows: "painter=dall-e-3".
        more: the names of further models; they follow the newest contract, too.

    Raises:
        SettingsError: an alias is written in another way, or its contract does not exist; or two models would have
            the same name.
    """

    def __init__(
        self,
        own: str,
        *,
        created: int,
        openai_names: bool = True,
        aliases: Iterable[str] = (),
        more: Iterable[str] = (),
    ) -> None:
        self._own = own
        self._names = {own: replace(OPENAI_NAMES[0], id=own, created=created)}
        self._names |= _OPENAI if openai_names else {}
        self._names |= {name.id: name for name in map(_alias, aliases)}
        self._more = tuple(more)
        for name in self._more:
            if name in self._names:
                raise SettingsError(
                    f"LIMNER_MORE_MODELS would give two models the name {name!r}: write name=model with another name",
                    param="LIMNER_MORE_MODELS",
                )
            self._names[name] = replace(OPENAI_NAMES[0], id=name, created=created)
        # A client that names no model expects DALL·E 2's contract, which is older than the field.
        self.unnamed = replace(_OPENAI["dall-e-2"], id=own)
        # What OpenAI documents as the default of an edit that names no model.
        self.unnamed_edit = replace(_OPENAI["gpt-image-1.5"], id=own)

    def find(self, name: str) -> ModelName | None:
        """The name as it is known, or None."""
        stem = _SNAPSHOT.sub("", name)
        if stem != name and name not in self._names and stem in _OPENAI and stem in self._names:
            return replace(self._names[stem], id=name)
        return self._names.get(name)

    def drawn_by(self, name: ModelName) -> str:
        """The own name of the model that answers to a name."""
        return name.id if name.id in self._more else self._own

    def all(self) -> tuple[ModelName, ...]:
        """Every name, the first model's own first."""
        return tuple(self._names.values())


def _alias(text: str) -> ModelName:
    name, _, contract = text.partition("=")
    if not name or contract not in _OPENAI:
        raise SettingsError(
            f"LIMNER_ALIASES cannot hold {text!r}: write name=contract, the contract one of {', '.join(_OPENAI)}",
            param="LIMNER_ALIASES",
        )
    return replace(_OPENAI[contract], id=name)
