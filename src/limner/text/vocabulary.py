"""Which words a model was trained on, and where the things that it can draw lie in the text-image space.

Axes in names: K names of things, V vector length, N words.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from limner.errors import ModelError
from limner.text.lexicon import Lexicon, Name
from limner.types import Floats

__all__ = ["VOCABULARY", "Vocabulary", "as_phrase"]

VOCABULARY = "vocabulary.npz"
"""The file of a model folder that holds it; a model without one takes every prompt as it is."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Vocabulary:
    """What a model knows by name.

    Attributes:
        lexicon: what its captions are made of.
        vectors_KV: unit vectors of the names, counted from their centre: all texts have much in common, and what
            they have in common tells nothing.
        centre_V: the mean of the names' vectors.
    """

    lexicon: Lexicon
    vectors_KV: Floats
    centre_V: Floats

    @classmethod
    def of(cls, lexicon: Lexicon, vectors_KV: Floats) -> Vocabulary:
        """From the text encoder's vectors of `as_phrase` of every name in the lexicon."""
        centre_V = vectors_KV.mean(0)
        return cls(lexicon=lexicon, vectors_KV=_unit(vectors_KV - centre_V), centre_V=centre_V)

    def nearest(self, vectors_NV: Floats) -> list[tuple[Name, float]]:
        """For each text's vector the nearest name, and how far it is: 0 the same, 1 nothing in common."""
        likeness_NK = _unit(vectors_NV - self.centre_V) @ self.vectors_KV.T
        best_N: NDArray[np.int64] = likeness_NK.argmax(1)
        return [
            (self.lexicon.names[best], round(1 - float(likeness_K[best]), 4))
            for best, likeness_K in zip(best_N, likeness_NK, strict=True)
        ]

    def to_bytes(self) -> bytes:
        """As `VOCABULARY` holds it; the same vocabulary gives the same bytes."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            **self.lexicon.to_arrays(),  # type: ignore[arg-type]
            vectors=self.vectors_KV.astype(np.float16),
            centre=self.centre_V,
        )
        return buffer.getvalue()

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read what `to_bytes` wrote.

        Raises:
            ModelError: the file is missing or damaged.
        """
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
                return cls(
                    lexicon=Lexicon.of_arrays(arrays),
                    vectors_KV=_unit(arrays["vectors"].astype(np.float32)),
                    centre_V=arrays["centre"].astype(np.float32),
                )
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise ModelError(
                f"{path} is missing or damaged ({error}): copy or export the model again"
            ) from error


def as_phrase(word: str) -> str:
    """What is encoded to place a single word: an encoder of sentences has seldom seen one alone."""
    return f"a {word}"


def _unit(vectors_NV: Floats) -> Floats:
    length_N1 = np.linalg.norm(vectors_NV, axis=1, keepdims=True)
    unit_NV: Floats = (vectors_NV / np.maximum(length_N1, 1e-12)).astype(np.float32)
    return unit_NV
