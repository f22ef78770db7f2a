"""A prompt as lists of plain words, whatever tricks its letters play.

What is undone: capitals, accents, full-width and mathematical letters (Unicode Standard Annex 15, NFKC),
invisible characters, Cyrillic and Greek letters that look like Latin ones, s p e l l e d words, the commonest
digits for letters, and ages below 18.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["plain_words", "readings"]

_MARKS = ("Mn", "Me")
_FORMAT = "Cf"  # joiners, soft hyphens, marks of direction
_FILLERS = "\u115f\u1160"  # Hangul letters without a shape
_LOOKALIKES = str.maketrans("аекморстухіјѕԁαεικνορτυχıłø", "aekmopctyxijsdaeikvoptuxilo")
_DIGIT_LETTERS = str.maketrans("013457@$", "oieastas")
_UNDER_18 = (
    r"(?:1[0-7]|\d|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    r"|sixteen|seventeen)"
)
_AGE = re.compile(
    rf"\baged? {_UNDER_18}\b|(?<![^\W_]){_UNDER_18}[\s-]*(?:y[\s/.]*o\b|(?:years?|yrs?)[\s-]*old\b)"
)
_APOSTROPHE = re.compile(r"['\u2019](?:s\b)?")  # a child's -> a child; I'll -> Ill
_SPELLED = re.compile(r"(?<![^\W_])(?:[^\W\d_][\W_]){2,}[^\W\d_](?![^\W_])")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_RUN = re.compile(r"[\w@$]+")


def plain_words(text: str) -> list[str]:
    """The words of a text without tricks; a digit beside a letter is a word of its own."""
    return _WORD.findall(_undecorated(text, between=""))


def readings(prompt: str) -> list[list[str]]:
    """The ways to read a prompt, each as its words, so that a trick has to fool them all.

    An invisible character stands inside a word or between two; a digit is a digit or looks like a letter.
    """
    texts = {_undecorated(prompt, between=between) for between in ("", " ")}
    texts |= {_RUN.sub(lambda run: _lettered(run[0]), text) for text in texts}
    return [_WORD.findall(text) for text in sorted(texts)]


def _undecorated(text: str, *, between: str) -> str:
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    shown = letters.translate({ord(letter): _shown(letter, between) for letter in set(letters)})
    plain = _APOSTROPHE.sub("", shown.translate(_LOOKALIKES))
    return _SPELLED.sub(lambda run: re.sub(r"[\W_]", "", run[0]), _AGE.sub(" underage ", plain))


def _shown(letter: str, between: str) -> str:
    category = unicodedata.category(letter)
    if category in _MARKS:  # they stand on letters, never between words
        return ""
    return between if category == _FORMAT or letter in _FILLERS else letter


def _lettered(run: str) -> str:
    """Digits as letters, unless there are digits only."""
    return run.translate(_DIGIT_LETTERS) if any(map(str.isalpha, run)) else run
