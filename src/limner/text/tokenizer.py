"""Stage 2, first half: a prompt -> the token numbers that the text encoder reads, and what it could not read.

Axes in names: T tokens, as many as the encoder's window.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limner.errors import InvalidRequestError, ModelError
from limner.text.wordpiece import Piece, read_wordpiece
from limner.types import WordSpan

__all__ = ["TokenizedText", "Tokenizer"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TokenizedText:
    """A prompt as the text encoder reads it.

    Attributes:
        ids_T: (window,) int64 token numbers, padded at the end.
        mask_T: (window,) bool, True where a token stands.
        tokens: the tokens as text, special ones included; as many as mask_T has True.
        words: the prompt's words as written, each with its token span [start, stop); start == stop if it was
            cut off, and a word that the window's end cuts in two has the tokens that were kept.
        unread: the end of the prompt, as written, that did not fit into the window; "" if all was read.
    """

    ids_T: NDArray[np.int64]
    mask_T: NDArray[np.bool_]
    tokens: tuple[str, ...]
    words: tuple[WordSpan, ...]
    unread: str


class Tokenizer:
    """Reads a `tokenizer.json` once; `encode` changes nothing afterwards, so threads may share it.

    Args:
        path: the `tokenizer.json`, of the BERT kind. Its own padding and truncation are not used.
        window: tokens that the text encoder takes, special ones included.

    Raises:
        ModelError: the file is missing, damaged or of another kind, or the window holds nothing but special
            tokens.
    """

    def __init__(self, path: str | os.PathLike[str], window: int = 48) -> None:
        self._wordpiece = read_wordpiece(Path(path))
        self._room = window - len(self._wordpiece.opening) - len(self._wordpiece.closing)
        if self._room < 1:
            raise ModelError(f"{path} has no room for a word in a window of {window} tokens: make it larger")
        self.window = window

    def encode(self, prompt: str) -> TokenizedText:
        """Split a prompt into tokens.

        Names of special tokens in the prompt, such as "[SEP]", are ordinary text.

        Args:
            prompt: any Unicode text of any length; "" gives the special tokens alone.

        Raises:
            InvalidRequestError: the prompt holds a lone surrogate.
        """
        pieces = self._wordpiece.encode(_checked(prompt))
        kept, cut = pieces[: self._room], pieces[self._room :]
        opening, closing = self._wordpiece.opening, self._wordpiece.closing
        tokens = (*opening, *(piece.token for piece in kept), *closing)
        return TokenizedText(
            ids_T=self._padded(tokens),
            mask_T=np.arange(self.window) < len(tokens),
            tokens=tokens,
            words=tuple(_within(self._room, len(opening), span) for span in _words(prompt, pieces)),
            unread=prompt[cut[0].start :] if cut else "",
        )

    def _padded(self, tokens: tuple[str, ...]) -> NDArray[np.int64]:
        numbers = self._wordpiece.vocabulary
        ids_T = np.full(self.window, numbers.get("[PAD]", 0), dtype=np.int64)
        ids_T[: len(tokens)] = [numbers[token] for token in tokens]
        return ids_T


def _checked(prompt: str) -> str:
    try:
        prompt.encode()
    except (AttributeError, UnicodeEncodeError) as error:
        raise InvalidRequestError("prompt must be a string of valid Unicode text", param="prompt") from error
    return prompt


def _words(prompt: str, pieces: list[Piece]) -> list[WordSpan]:
    """The words of the whole prompt, their spans counted without special tokens."""
    words: list[WordSpan] = []
    start = 0
    for _, group in groupby(pieces, key=attrgetter("word")):
        of_word = list(group)
        stop = start + len(of_word)
        words.append(WordSpan(word=prompt[of_word[0].start : of_word[-1].stop], start=start, stop=stop))
        start = stop
    return words


def _within(room: int, first: int, span: WordSpan) -> WordSpan:
    """The span after truncation to `room` tokens, where the prompt's tokens begin at `first`."""
    return WordSpan(word=span.word, start=first + min(span.start, room), stop=first + min(span.stop, room))
