"""What a tokenizer made of a prompt: its tokens, the prompt's words among them, and what was not read.

Axes in names: T tokens, as many as the tokenizer's window.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.types import WordSpan

__all__ = ["Reading", "read"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Reading:
    """A prompt as one tokenizer reads it.

    Attributes:
        tokens: all of the window, padding included.
        mask_T: (T,) bool, False for padding.
        words: the prompt's words with their token spans, counted from this tokenizer's first token.
        unread: the end of the prompt that did not fit, "" if all did.
    """

    tokens: tuple[str, ...]
    mask_T: NDArray[np.bool_]
    words: tuple[WordSpan, ...]
    unread: str


def read(tokenizer: Any, window: int, prompt: str) -> Reading:
    """Read a prompt with one of transformers' tokenizers, padded and cut to its window."""
    found = tokenizer(
        prompt, padding="max_length", max_length=window, truncation=True, return_offsets_mapping=True
    )
    spans = found["offset_mapping"]
    end = max((stop for _, stop in spans), default=0)
    return Reading(
        tokens=tuple(tokenizer.convert_ids_to_tokens(found["input_ids"])),
        mask_T=np.array(found["attention_mask"], bool),
        words=tuple(_word(match, spans) for match in re.finditer(r"\S+", prompt)),
        unread=prompt[end:].lstrip(),
    )


def _word(match: re.Match[str], spans: Sequence[tuple[int, int]]) -> WordSpan:
    """A word and the tokens whose characters overlap with its own."""
    touching = [
        at
        for at, (start, stop) in enumerate(spans)
        if start < match.end() and stop > max(start, match.start())
    ]
    if not touching:
        return WordSpan(word=match.group(), start=len(spans), stop=len(spans))
    return WordSpan(word=match.group(), start=touching[0], stop=touching[-1] + 1)
