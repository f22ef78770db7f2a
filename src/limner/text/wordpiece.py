"""BERT's way to cut text into tokens: normalised, split into words, and words into the longest known pieces.

The steps are those of BERT (Devlin et al. 2018, https://arxiv.org/abs/1810.04805, `tokenization.py`), greedy
longest match first, with what each `tokenizer.json` says about accents and case. Why it is not a library:
docs/decisions/0004-a-tokenizer-of-our-own.md.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import category, normalize

from limner.errors import ModelError

__all__ = ["Normalizer", "Piece", "WordPiece", "read_wordpiece"]

_KINDS = {
    "normalizer": "BertNormalizer",
    "pre_tokenizer": "BertPreTokenizer",
    "post_processor": "TemplateProcessing",
    "model": "WordPiece",
}
# First and last of each block, as the `tokenizers` library has them; in BERT's own code the sixth begins at 2B820.
_IDEOGRAPHS = (
    *("\u3400\u4dbf", "\u4e00\u9fff", "\uf900\ufaff", "\U00020000\U0002a6df"),
    *("\U0002a700\U0002b81f", "\U0002b920\U0002ceaf", "\U0002f800\U0002fa1f"),
)


class Piece(NamedTuple):
    """A token, the number of its word in the text, and the characters of the text [start, stop) it stands for."""

    token: str
    word: int
    start: int
    stop: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Normalizer:
    """What happens to each character before the vocabulary is asked.

    Attributes:
        clean_text: drop control characters, and make every white space a plain one.
        handle_chinese_chars: let each ideograph be a word.
        strip_accents: drop the accents; None does so if `lowercase` is set.
        lowercase: write all in lower case.
    """

    clean_text: bool
    handle_chinese_chars: bool
    strip_accents: bool | None
    lowercase: bool

    def words(self, text: str) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The normalised words of a text, punctuation marks as words too, and where each letter comes from."""
        normal = {character: self._normal(character) for character in set(text)}
        placed = ((letter, place) for place, character in enumerate(text) for letter in normal[character])
        for blank, group in groupby(placed, key=lambda letter: _is_space(letter[0])):
            if not blank:
                letters, places = zip(*group, strict=True)
                yield "".join(letters), places

    def _normal(self, character: str) -> str:
        """What one character becomes: nothing, or letters, with spaces around those that stand alone."""
        normal = character
        if self.clean_text:
            normal = _clean(normal)
        if self.handle_chinese_chars and _is_ideograph(character):
            normal = f" {normal} "
        if self.lowercase if self.strip_accents is None else self.strip_accents:
            normal = "".join(part for part in normalize("NFD", normal) if category(part) != "Mn")
        if self.lowercase:
            normal = normal.lower()
        return "".join(f" {letter} " if _is_punctuation(letter) else letter for letter in normal)


@dataclass(frozen=True, kw_only=True, slots=True)
class WordPiece:
    """A vocabulary, and how text is cut into its tokens.

    Attributes:
        vocabulary: token -> its number.
        normalizer: how text becomes words.
        unknown: the token for a word that cannot be put together.
        prefix: what tokens inside a word begin with.
        longest_word: letters; a longer word is unknown.
        longest_token: letters, prefix included; nothing longer need be looked up.
        opening: the special tokens that go before a text.
        closing: the special tokens that go after it.
    """

    vocabulary: Mapping[str, int]
    normalizer: Normalizer
    unknown: str
    prefix: str
    longest_word: int
    longest_token: int
    opening: tuple[str, ...]
    closing: tuple[str, ...]

    def encode(self, text: str) -> list[Piece]:
        """The tokens of a text, special ones not among them."""
        return [
            Piece(token, number, places[start], places[stop - 1] + 1)
            for number, (word, places) in enumerate(self.normalizer.words(text))
            for token, start, stop in self._pieces(word)
        ]

    def _pieces(self, word: str) -> list[tuple[str, int, int]]:
        """Tokens with their letters [start, stop) of the word; the unknown token alone if any letter is left."""
        found: list[tuple[str, int, int]] = []
        stop = 0
        while stop < len(word) <= self.longest_word and (piece := self._longest(word, stop)):
            found.append(piece)
            stop = piece[2]
        return found if stop == len(word) else [(self.unknown, 0, len(word))]

    def _longest(self, word: str, start: int) -> tuple[str, int, int] | None:
        prefix = self.prefix if start else ""
        for stop in range(min(len(word), start + self.longest_token), start, -1):
            token = prefix + word[start:stop]
            if token in self.vocabulary:
                return token, start, stop
        return None


def read_wordpiece(path: Path) -> WordPiece:
    """Read a `tokenizer.json`; its padding and truncation are left to the caller.

    Raises:
        ModelError: the file is missing, damaged, or describes a tokenizer of another kind.
    """
    if not path.is_file():
        raise ModelError(f"{path} is missing: fetch the model again")
    try:
        return _wordpiece(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"{path} is damaged or not a BERT WordPiece tokenizer ({error!r}): fetch the model again"
        ) from error


def _wordpiece(config: dict[str, Any]) -> WordPiece:
    for part, kind in _KINDS.items():
        if config[part]["type"] != kind:
            raise ValueError(f"its {part} is {config[part]['type']}, not {kind}")
    if not all(token["special"] for token in config["added_tokens"]):
        raise ValueError("it has added tokens that are not special")
    model, vocabulary = config["model"], config["model"]["vocab"]
    if model["unk_token"] not in vocabulary or {*map(type, vocabulary.values())} != {int}:
        raise ValueError("its vocabulary is not one")
    flags = {flag: value for flag, value in config["normalizer"].items() if flag != "type"}
    opening, closing = _frame(config["post_processor"], vocabulary)
    return WordPiece(
        vocabulary=vocabulary,
        normalizer=Normalizer(**flags),
        unknown=model["unk_token"],
        prefix=model["continuing_subword_prefix"],
        longest_word=model["max_input_chars_per_word"],
        longest_token=max(map(len, vocabulary)),
        opening=opening,
        closing=closing,
    )


def _frame(
    template: dict[str, Any], vocabulary: Mapping[str, int]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The special tokens before and after the one place where the text goes."""
    parts = template["single"]
    middle = ["Sequence" in part for part in parts].index(True)
    names = [part["SpecialToken"]["id"] for part in parts[:middle] + parts[middle + 1 :]]
    if any(template["special_tokens"][name]["ids"] != [vocabulary[name]] for name in names):
        raise ValueError("its special tokens are not those of its vocabulary")
    return tuple(names[:middle]), tuple(names[middle:])


def _clean(character: str) -> str:
    if character not in "\t\n\r" and (category(character) in {"Cc", "Cf", "Co"} or character == "\ufffd"):
        return ""
    return " " if character.isspace() else character


def _is_ideograph(character: str) -> bool:
    return any(block[0] <= character <= block[1] for block in _IDEOGRAPHS)


def _is_space(letter: str) -> bool:
    # Python alone counts the four separators of ASCII as white space.
    return letter.isspace() and letter not in "\x1c\x1d\x1e\x1f"


def _is_punctuation(letter: str) -> bool:
    return letter in string.punctuation or category(letter).startswith("P")
