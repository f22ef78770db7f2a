"""What a model's captions are made of: words, and the phrases that name things, qualities, places and relations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lexicon", "Name"]

Name = tuple[str, str]
"""What a thing, a colour or a place is called: one of it, and several."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lexicon:
    """The words and phrases of the captions that a model was trained on, all in lower case.

    Attributes:
        words: every word.
        names: what can stand in for a word that it was not trained on.
        things: each phrase for one or several of a thing -> the thing's noun.
        qualities: each word for a quality of which a thing has one -> that quality: red -> colour, huge -> size.
        unpaintable: noun of each thing that is known in its own colours only -> those of them that are told of it,
            with spaces in between.
        relations: phrases for how things stand to each other.
        settings: phrases for places, lights, weathers and styles.
    """

    words: frozenset[str]
    names: tuple[Name, ...]
    things: Mapping[str, str] = field(default_factory=dict)
    qualities: Mapping[str, str] = field(default_factory=dict)
    unpaintable: Mapping[str, str] = field(default_factory=dict)
    relations: frozenset[str] = frozenset()
    settings: frozenset[str] = frozenset()

    def to_arrays(self) -> dict[str, NDArray[np.str_]]:
        """By attribute; the same lexicon gives the same arrays."""
        return {
            "words": np.array(sorted(self.words)),
            "names": _pairs(self.names),
            "things": _pairs(sorted(self.things.items())),
            "qualities": _pairs(sorted(self.qualities.items())),
            "unpaintable": _pairs(sorted(self.unpaintable.items())),
            "relations": np.array(sorted(self.relations), dtype=np.str_),
            "settings": np.array(sorted(self.settings), dtype=np.str_),
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.str_]]) -> Lexicon:
        """What `to_arrays` made.

        Raises:
            KeyError, ValueError: they are no lexicon's.
        """
        return cls(
            words=frozenset(arrays["words"].tolist()),
            names=tuple((one, several) for one, several in arrays["names"].tolist()),
            things=dict(arrays["things"].tolist()),
            qualities=dict(arrays["qualities"].tolist()),
            unpaintable=dict(arrays["unpaintable"].tolist()),
            relations=frozenset(arrays["relations"].tolist()),
            settings=frozenset(arrays["settings"].tolist()),
        )


def _pairs(pairs: object) -> NDArray[np.str_]:
    return np.array(list(pairs), dtype=np.str_).reshape(-1, 2)  # type: ignore[call-overload]
