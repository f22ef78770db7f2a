"""Reading a prompt in a model's own words: what it does not know becomes the nearest thing that it does, or nothing.

What no picture can show is left out before that (`limits`).

A small model draws something for any word at all, and a wrong thing as surely as a right one. So it is told only
what it was taught, and whoever asks is told what was made of their words.

Axes in names: N words, V vector length.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from itertools import islice

from limner.text.lexicon import Name
from limner.text.limits import within_limits
from limner.text.vocabulary import Vocabulary, as_phrase
from limner.text.words import (
    ARTICLES,
    LITTLE_WORDS,
    WORD,
    WORDS_READ,
    is_deed,
    let_article_agree,
    says_something,
    stem,
    tidied,
)
from limner.types import Floats, Reading, Swap

__all__ = ["read_with"]

FARTHEST = 0.5
"""A name that is farther from a word than this does not stand in for it. Tried on a hundred words: below it are
hound and dog, ferrari and car, lake and sea; above it wizard and castle, laptop and backpack."""

SOMEWHERE = "outdoors"
"""What is read if nothing else is: a meadow under the sky, or the like."""

# They say what kind of picture is wanted, not what is to be seen in it.
_KINDS_OF_PICTURE = frozenset(
    "artwork drawing illustration image painting photo photograph "  # noqa: SIM905 (words read better in a row)
    "picture portrait render rendering scene sketch style view".split()
)


def read_with(vocabulary: Vocabulary, prompt: str, encode: Callable[[Sequence[str]], Floats]) -> Reading:
    """Put a prompt into a model's own words.

    Args:
        vocabulary: the model's.
        prompt: as it was given.
        encode: texts -> their vectors (N, V); called once, and only if there are words to look for.

    Returns:
        What to draw, and what became of each word that is not known or cannot be drawn. A prompt of which nothing is
        left is read as some place outdoors.
    """
    possible = within_limits(vocabulary.lexicon, prompt)
    known = _in_known_words(vocabulary, possible.text, encode)
    swaps = possible.swaps + known.swaps
    return Reading(text=known.text if says_something(known.text) or not swaps else SOMEWHERE, swaps=swaps)


def _in_known_words(
    vocabulary: Vocabulary, prompt: str, encode: Callable[[Sequence[str]], Floats]
) -> Reading:
    words = list(islice(WORD.finditer(prompt), WORDS_READ))
    unknown = _unknown(vocabulary, prompt, words)
    if not unknown:
        return Reading(text=prompt)
    placed = vocabulary.nearest(encode([as_phrase(word) for word in unknown]))
    swaps = {
        word: Swap(
            word=word,
            read_as=_stand_in(word, name, distance, describes=describes),
            nearest=name[0],
            distance=distance,
        )
        for (word, describes), (name, distance) in zip(unknown.items(), placed, strict=True)
    }
    end = words[-1].end() if len(words) == WORDS_READ else len(prompt)
    text = _rewritten(prompt[:end], words, swaps)
    return Reading(text=text + prompt[end:], swaps=tuple(swaps.values()))


def _unknown(vocabulary: Vocabulary, prompt: str, words: Sequence[re.Match[str]]) -> dict[str, bool]:
    """The words that the model does not know, and of each whether it describes the word after it."""
    unknown: dict[str, bool] = {}
    for number, match in enumerate(words):
        word = stem(match.group())
        if not _is_known(vocabulary, word):
            follower = _follower(prompt, words, number)
            unknown.setdefault(word, follower not in ("", *LITTLE_WORDS) and not is_deed(follower))
    return unknown


def _is_known(vocabulary: Vocabulary, word: str) -> bool:
    """Whether the model was taught a word, or each part of one with hyphens."""
    parts = re.split(r"[-'’]", word)  # noqa: RUF001
    return all(part in vocabulary.lexicon.words or part in LITTLE_WORDS or part.isdecimal() for part in parts)


def _stand_in(word: str, name: Name, distance: float, *, describes: bool) -> str:
    """What is read for a word, or "" for nothing.

    What describes another word is no thing itself; it may be a colour, which has one form only.
    """
    is_thing = name[0] != name[1]
    if distance > FARTHEST or not _is_latin(word):
        return ""
    if word in _KINDS_OF_PICTURE or is_deed(word) or (describes and is_thing):
        return ""
    several = word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return name[1] if several else name[0]


def _is_latin(word: str) -> bool:
    """Whether there is anything in it that the tokenizer knows; all other scripts have one place for all words."""
    return bool(unicodedata.normalize("NFKD", word).encode("ascii", "ignore"))


def _rewritten(prompt: str, words: Sequence[re.Match[str]], swaps: dict[str, Swap]) -> str:
    """The prompt with its swaps made; everything else stays as it was written."""
    kept: list[str] = []
    at, before = 0, None
    for number, match in enumerate(words):
        word, between = stem(match.group()), prompt[at : match.start()]
        swap, at = swaps.get(word), match.end()
        left_out = before is not None and not before.read_as
        if swap is None and not (word == "of" and left_out):
            kept += [between, match.group()]
        elif swap is not None and swap.read_as:
            kept += [between, swap.read_as]
        elif swap is not None:
            _leave_out(word, _follower(prompt, words, number), swaps, kept)
        if kept and (swap is not None or before is not None):
            let_article_agree(kept)
        before = swap
    return tidied("".join([*kept, prompt[at:]]))


def _follower(prompt: str, words: Sequence[re.Match[str]], number: int) -> str:
    """The word after a word, if nothing but space is between them."""
    if number + 1 == len(words) or prompt[words[number].end() : words[number + 1].start()].strip():
        return ""
    return stem(words[number + 1].group())


def _leave_out(word: str, follower: str, swaps: dict[str, Swap], kept: list[str]) -> None:
    """Leave out a word: its article goes too, unless the next word needs it; who holds a thing is with it."""
    needed = follower not in ("", *LITTLE_WORDS) and (follower not in swaps or swaps[follower].read_as)
    if kept and kept[-1].lower() in ARTICLES and not needed:
        kept.pop()
    elif kept and word.endswith("ing") and follower in ARTICLES:
        kept += [" ", "with"]
