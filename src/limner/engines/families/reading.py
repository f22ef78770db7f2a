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


def read(
    tokenizer: Any,
    window: int,
    prompt: str,
    *,
    frame: str = "{}",
    kept: Sequence[int] | slice = slice(None),
    small: bool = False,
) -> Reading:
    """Read a prompt with one of transformers' tokenizers, padded and cut to its window.

    Args:
        tokenizer: one with offsets.
        window: tokens in all.
        prompt: a person's words.
        frame: what the family puts around them, where "{}" stands.
        kept: the tokens whose states the denoiser looks at, of the window.
        small: the family turns prompts into small letters.
    """
    before, after = frame.split("{}")
    found = tokenizer(
        before + (_small(prompt) if small else prompt) + after,
        padding="max_length",
        max_length=window,
        truncation=True,
        return_offsets_mapping=True,
    )
    places = np.arange(window)[kept]
    spans = [(start - len(before), stop - len(before)) for start, stop in found["offset_mapping"]]
    end = max((stop for _, stop in spans), default=0)
    tokens = tokenizer.convert_ids_to_tokens(found["input_ids"])
    return Reading(
        tokens=tuple(tokens[place] for place in places),
        mask_T=np.array(found["attention_mask"], bool)[places],
        words=tuple(
            _word(match, [spans[place] for place in places]) for match in re.finditer(r"\S+", prompt)
        ),
        unread=prompt[max(end, 0) :].lstrip(),
    )


def _small(prompt: str) -> str:
    """Letter by letter, so that each stays where it stands."""
    return "".join(small if len(small := letter.lower()) == 1 else letter for letter in prompt)


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
