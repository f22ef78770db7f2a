"""Moderation of prompts by lists of words: small, quick, in the open, and easily fooled.

The lists are the files in `words/`, one for each category of OpenAI's moderation API, with a weight from 0 to
1 for each phrase. A category's score is the chance that at least one of the phrases that were found means
harm, if each does so with its weight as probability, independently: 1 - (1 - w1)(1 - w2)... . A category of a
kind, such as violence/graphic, counts as its general one, too.

`docs/moderation.md` says what this can do and what it cannot.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias

from limner.errors import DataError, InvalidRequestError
from limner.safety._readings import plain_words, readings

__all__ = ["CATEGORIES", "Level", "PromptGuard", "Verdict"]

Level: TypeAlias = Literal["auto", "low"]
Phrases: TypeAlias = Mapping[str, Mapping[str, float]]

CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
"""The categories of OpenAI's moderation API, in its order."""

_WORDS = Path(__file__).parent / "words"
_CHILDREN = "children"
_THRESHOLDS: Mapping[str, float] = MappingProxyType({"auto": 0.5, "low": 0.8})


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a guard thinks of a prompt.

    Attributes:
        categories: category -> whether the prompt is refused for it; all of `CATEGORIES`, in order.
        scores: category -> 0 to 1, the same at every level.
    """

    categories: Mapping[str, bool]
    scores: Mapping[str, float]

    @property
    def flagged(self) -> bool:
        """Whether the prompt is refused."""
        return any(self.categories.values())


class PromptGuard:
    """Looks for phrases in prompts.

    Args:
        folder: the lists, `<category>.txt` with "/" written as "_", and `children.txt`. A line is a weight
            and a phrase; of phrases that overlap the first, and of those the longest, counts, so a weight of 0
            excuses a harmless phrase such as "naked mole rat". What follows a # is a remark.

    Raises:
        DataError: a list is missing or a line cannot be understood.
    """

    def __init__(self, folder: str | os.PathLike[str] = _WORDS) -> None:
        names = {category: category.replace("/", "_") for category in CATEGORIES} | {_CHILDREN: _CHILDREN}
        phrases: dict[str, dict[str, float]] = {}
        for category, name in names.items():
            for phrase, weight in _listed(Path(folder) / f"{name}.txt"):
                phrases.setdefault(phrase, {})[category] = weight
        self._phrases: Phrases = phrases
        self._longest = max((phrase.count(" ") + 1 for phrase in phrases), default=0)

    def check(self, prompt: str, level: Level = "auto") -> Verdict:
        """Judge a prompt.

        What sexualises children is refused at every level, however weak the words.

        Args:
            prompt: any text.
            level: "auto" refuses from a score of 0.5, "low" from 0.8; the API's field `moderation`.

        Raises:
            InvalidRequestError: no such level.
        """
        if level not in _THRESHOLDS:
            raise InvalidRequestError(
                f"Invalid value: '{level}'. Supported values are: 'auto' and 'low'.", param="moderation"
            )
        # Of all readings together: a trick in one word and another in the next must not hide them both.
        found = {key: weight for words in readings(prompt) for key, weight in self._found(words).items()}
        scores = _scores(found)
        refused = {category: score >= _THRESHOLDS[level] for category, score in scores.items()}
        refused["sexual/minors"] = scores["sexual/minors"] > 0
        return Verdict(categories=refused, scores=scores)

    def _found(self, words: Sequence[str]) -> dict[tuple[str, str], float]:
        """The phrases in the words, once each: (category, phrase) -> weight."""
        found: dict[tuple[str, str], float] = {}
        read_to: dict[str, int] = {}
        for start in range(len(words)):
            for stop in range(min(start + self._longest, len(words)), start, -1):
                phrase = " ".join(words[start:stop])
                for category, weight in self._phrases.get(phrase, {}).items():
                    if read_to.get(category, 0) <= start:
                        read_to[category] = stop
                        found[category, phrase] = weight
        return found


def _scores(found: Mapping[tuple[str, str], float]) -> dict[str, float]:
    harmless = dict.fromkeys([*CATEGORIES, _CHILDREN], 1.0)
    for (category, _), weight in found.items():
        harmless[category] *= 1 - weight
    if harmless["sexual"] < 1 and harmless[_CHILDREN] < 1:
        harmless["sexual/minors"] = 0.0
    for category in CATEGORIES:
        general = category.partition("/")[0]
        harmless[general] = min(harmless[general], harmless[category])
    return {category: round(1 - harmless[category], 6) for category in CATEGORIES}


def _listed(path: Path) -> Iterator[tuple[str, float]]:
    """The phrases of a list and their weights."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}): install limner again") from error
    for number, line in enumerate(lines, start=1):
        weight, _, phrase = line.partition("#")[0].strip().partition(" ")
        if weight:
            yield " ".join(plain_words(phrase)), _weight(weight, phrase, f"{path}:{number}")


def _weight(text: str, phrase: str, where: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 <= weight <= 1 or not phrase.strip():
        raise DataError(f"{where} must be a number from 0 to 1 and a phrase, such as `0.5 a phrase`")
    return weight
