"""Stage 2, first half: a prompt -> the token numbers that the text encoder reads, and what it could not read.

Axes in names: T tokens, as many as the encoder's window.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import tokenizers
from numpy.typing import NDArray

from limner.errors import InvalidRequestError, ModelError
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
        path: the `tokenizer.json`. Its own padding and truncation are not used.
        window: tokens that the text encoder takes, special ones included.

    Raises:
        ModelError: the file is missing or damaged, or the window holds nothing but special tokens.
    """

    def __init__(self, path: str | os.PathLike[str], window: int = 48) -> None:
        self._tokenizer = _load(Path(path))
        self._room = window - self._tokenizer.num_special_tokens_to_add(is_pair=False)
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
        encoding = self._encode(prompt)
        words, offsets = _words(prompt, encoding), encoding.offsets
        unread = prompt[offsets[self._room][0] :] if len(offsets) > self._room else ""
        encoding.truncate(self._room)
        encoding = self._tokenizer.post_process(encoding)
        first = encoding.special_tokens_mask.index(0) if words else 0
        return TokenizedText(
            ids_T=self._padded(encoding.ids),
            mask_T=np.arange(self.window) < len(encoding.ids),
            tokens=tuple(encoding.tokens),
            words=tuple(_within(self._room, first, span) for span in words),
            unread=unread,
        )

    def _encode(self, prompt: str) -> tokenizers.Encoding:
        try:
            return self._tokenizer.encode(prompt, add_special_tokens=False)
        except TypeError as error:
            raise InvalidRequestError(
                "prompt must be a string of valid Unicode text", param="prompt"
            ) from error

    def _padded(self, ids: list[int]) -> NDArray[np.int64]:
        ids_T = np.full(self.window, self._tokenizer.token_to_id("[PAD]") or 0, dtype=np.int64)
        ids_T[: len(ids)] = ids
        return ids_T


def _load(path: Path) -> tokenizers.Tokenizer:
    if not path.is_file():
        raise ModelError(f"{path} is missing: fetch the model again")
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exception for everything
        raise ModelError(f"{path} is damaged ({error}): fetch the model again") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    # Or a prompt could smuggle in separators by their names.
    tokenizer.encode_special_tokens = True
    return tokenizer


def _words(prompt: str, encoding: tokenizers.Encoding) -> list[WordSpan]:
    """The words of the whole prompt, their spans counted without special tokens.

    In one pass: `Encoding.word_to_tokens` would search a long prompt anew for each of its words.
    """
    words: list[WordSpan] = []
    start = 0
    numbered = zip(encoding.word_ids, encoding.offsets, strict=True)
    for _, tokens in groupby(numbered, key=itemgetter(0)):
        characters = [offsets for _, offsets in tokens]
        stop = start + len(characters)
        words.append(WordSpan(word=prompt[characters[0][0] : characters[-1][1]], start=start, stop=stop))
        start = stop
    return words


def _within(room: int, first: int, span: WordSpan) -> WordSpan:
    """The span after truncation to `room` tokens, where the prompt's tokens begin at `first`."""
    return WordSpan(word=span.word, start=first + min(span.start, room), stop=first + min(span.stop, room))
