"""Words and how they go together in a sentence: enough English to leave something out of a prompt."""

from __future__ import annotations

import re

__all__ = [
    "ARTICLES",
    "LITTLE_WORDS",
    "WORD",
    "WORDS_READ",
    "is_deed",
    "let_article_agree",
    "phrase_of",
    "says_something",
    "stem",
    "tidied",
]

WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")  # noqa: RUF001 (the apostrophe that word processors make)

ARTICLES = frozenset({"a", "an", "the"})

LITTLE_WORDS = ARTICLES | frozenset(
    "and are as at behind beside by for from her his in inside "  # noqa: SIM905 (words read better in a row)
    "into is its near next of on or over that their this to under with".split()
)

WORDS_READ = 48
"""No window of tokens reads more; so much is looked at, however long a prompt is."""


def stem(word: str) -> str:
    """In lower case, without the owner's s."""
    return re.sub(r"['’]s$", "", word.lower())  # noqa: RUF001


def phrase_of(text: str) -> str:
    """A text's words, stemmed, in a row: what phrases are compared by."""
    return " ".join(stem(word) for word in WORD.findall(text))


def is_deed(word: str) -> bool:
    """Whether a word has the ending of a verb or an adverb, after more than consonants: sleeping, but not king."""
    ending = next((ending for ending in ("ing", "ed", "ly") if word.endswith(ending)), "")
    return bool(ending) and not set(word.removesuffix(ending)).isdisjoint("aeiouy")


def let_article_agree(kept: list[str]) -> None:
    """A before a consonant, an before a vowel, where the last three parts of a text are article, space and word."""
    if len(kept) >= 3 and kept[-3].lower() in ("a", "an") and not kept[-2].strip():
        vowel = kept[-1].lower().startswith(("a", "e", "i", "o", "um"))
        kept[-3] = kept[-3][0] + ("n" if vowel else "")


def tidied(text: str) -> str:
    """Without what leaving out has left behind: double spaces, lonely commas, little words with nothing after them."""
    text = re.sub(r"\s+", " ", text).strip()
    lonely = "|".join(sorted(LITTLE_WORDS))
    while (
        shorter := re.sub(rf"\s?\b(?:{lonely})(?=[,;.]|$)", "", text, flags=re.IGNORECASE).strip()
    ) != text:
        text = shorter
    text = re.sub(r"^(?:(?:and|or|of|with|as)\b|[\s,;.])+", "", text, flags=re.IGNORECASE)
    text = re.sub(r"\s+([,;.])", r"\1", text)
    return re.sub(r"([,;])(?:\s*[,;])+", r"\1", text).strip(" ,;")


def says_something(text: str) -> bool:
    """Whether there is any word in it but little ones."""
    return any(stem(word) not in LITTLE_WORDS for word in WORD.findall(text))
