"""Reading a prompt in a model's own words: what it does not know becomes the nearest thing that it does, or nothing.

A small model draws something for any word at all, and a wrong thing as surely as a right one. So it is told only
what it was taught, and whoever asks is told what was made of their words.

Axes in names: N words, V vector length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import islice

from limner.text.vocabulary import Name, Vocabulary, as_phrase
from limner.types import Floats, Reading, Swap

__all__ = ["read_with"]

FARTHEST = 0.5
"""A name that is farther from a word than this does not stand in for it. Tried on a hundred words: below it are
hound and dog, ferrari and car, lake and sea; above it wizard and castle, laptop and backpack."""

_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")  # noqa: RUF001 (the apostrophe that word processors make)
_ARTICLES = frozenset({"a", "an", "the"})
_LITTLE_WORDS = _ARTICLES | frozenset(
    "and are as at behind beside by for from her his in inside "  # noqa: SIM905 (words read better in a row)
    "into is its near next of on or over that their this to under with".split()
)
# They say what kind of picture is wanted, not what is to be seen in it.
_KINDS_OF_PICTURE = frozenset(
    "artwork drawing illustration image painting photo photograph "  # noqa: SIM905 (as above)
    "picture portrait render rendering scene sketch style view".split()
)
# No window of tokens reads more; so much is looked at, however long a prompt is.
_WORDS_READ = 48


def read_with(vocabulary: Vocabulary, prompt: str, encode: Callable[[Sequence[str]], Floats]) -> Reading:
    """Put a prompt into a model's own words.

    Args:
        vocabulary: the model's.
        prompt: as it was given.
        encode: texts -> their vectors (N, V); called once, and only if there are words to look for.

    Returns:
        What to draw, and what became of each word that is not known. A prompt of which nothing would be left stays
        as it is.
    """
    words = list(islice(_WORD.finditer(prompt), _WORDS_READ))
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
    end = words[-1].end() if len(words) == _WORDS_READ else len(prompt)
    text = _rewritten(prompt[:end], words, swaps)
    if not _says_something(text):
        return Reading(text=prompt, swaps=tuple(swap._replace(read_as=swap.word) for swap in swaps.values()))
    return Reading(text=text + prompt[end:], swaps=tuple(swaps.values()))


def _unknown(vocabulary: Vocabulary, prompt: str, words: Sequence[re.Match[str]]) -> dict[str, bool]:
    """The words that the model does not know, and of each whether it describes the word after it."""
    unknown: dict[str, bool] = {}
    for number, match in enumerate(words):
        word = _stem(match.group())
        if not _is_known(vocabulary, word):
            follower = _follower(prompt, words, number)
            unknown.setdefault(word, follower not in ("", *_LITTLE_WORDS) and not _is_deed(follower))
    return unknown


def _stem(word: str) -> str:
    """In lower case, without the owner's s."""
    return re.sub(r"['’]s$", "", word.lower())  # noqa: RUF001


def _is_known(vocabulary: Vocabulary, word: str) -> bool:
    """Whether the model was taught a word, or each part of one with hyphens."""
    parts = re.split(r"[-'’]", word)  # noqa: RUF001
    return all(part in vocabulary.words or part in _LITTLE_WORDS or part.isdecimal() for part in parts)


def _is_deed(word: str) -> bool:
    """Whether a word has the ending of a verb or an adverb, after more than consonants: sleeping, but not king."""
    ending = next((ending for ending in ("ing", "ed", "ly") if word.endswith(ending)), "")
    return bool(ending) and not set(word.removesuffix(ending)).isdisjoint("aeiouy")


def _stand_in(word: str, name: Name, distance: float, *, describes: bool) -> str:
    """What is read for a word, or "" for nothing.

    What describes another word is no thing itself; it may be a colour, which has one form only.
    """
    is_thing = name[0] != name[1]
    if distance > FARTHEST or word in _KINDS_OF_PICTURE or _is_deed(word) or (describes and is_thing):
        return ""
    several = word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return name[1] if several else name[0]


def _rewritten(prompt: str, words: Sequence[re.Match[str]], swaps: dict[str, Swap]) -> str:
    """The prompt with its swaps made; everything else stays as it was written."""
    kept: list[str] = []
    at, before = 0, None
    for number, match in enumerate(words):
        word, between = _stem(match.group()), prompt[at : match.start()]
        swap, at = swaps.get(word), match.end()
        left_out = before is not None and not before.read_as
        if swap is None and not (word == "of" and left_out):
            kept += [between, match.group()]
        elif swap is not None and swap.read_as:
            kept += [between, swap.read_as]
        elif swap is not None:
            _leave_out(word, _follower(prompt, words, number), swaps, kept)
        if kept and (swap is not None or before is not None):
            _let_article_agree(kept)
        before = swap
    return _tidied("".join([*kept, prompt[at:]]))


def _follower(prompt: str, words: Sequence[re.Match[str]], number: int) -> str:
    """The word after a word, if nothing but space is between them."""
    if number + 1 == len(words) or prompt[words[number].end() : words[number + 1].start()].strip():
        return ""
    return _stem(words[number + 1].group())


def _leave_out(word: str, follower: str, swaps: dict[str, Swap], kept: list[str]) -> None:
    """Leave out a word: its article goes too, unless the next word needs it; who holds a thing is with it."""
    needed = follower not in ("", *_LITTLE_WORDS) and (follower not in swaps or swaps[follower].read_as)
    if kept and kept[-1].lower() in _ARTICLES and not needed:
        kept.pop()
    elif kept and word.endswith("ing") and follower in _ARTICLES:
        kept += [" ", "with"]


def _let_article_agree(kept: list[str]) -> None:
    """A before a consonant, an before a vowel."""
    if len(kept) >= 3 and kept[-3].lower() in ("a", "an") and not kept[-2].strip():
        vowel = kept[-1].lower().startswith(("a", "e", "i", "o", "um"))
        kept[-3] = kept[-3][0] + ("n" if vowel else "")


def _tidied(text: str) -> str:
    """Without what leaving out has left behind: double spaces, lonely commas, little words with nothing after them."""
    text = re.sub(r"\s+", " ", text).strip()
    lonely = "|".join(sorted(_LITTLE_WORDS))
    while (
        shorter := re.sub(rf"\s?\b(?:{lonely})(?=[,;.]|$)", "", text, flags=re.IGNORECASE).strip()
    ) != text:
        text = shorter
    text = re.sub(r"^(?:(?:and|or|of|with|as)\b|[\s,;.])+", "", text, flags=re.IGNORECASE)
    text = re.sub(r"\s+([,;.])", r"\1", text)
    return re.sub(r"([,;])(?:\s*[,;])+", r"\1", text).strip(" ,;")


def _says_something(text: str) -> bool:
    return any(_stem(word) not in _LITTLE_WORDS for word in _WORD.findall(text))
