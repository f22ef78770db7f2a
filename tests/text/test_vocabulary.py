"""`limner.text.vocabulary`: names lie where their texts lie, and a file gives back what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from limner.errors import ModelError
from limner.text.lexicon import Lexicon
from limner.text.vocabulary import Vocabulary
from limner.types import Floats

NAMES = (("dog", "dogs"), ("boat", "boats"), ("red", "red"))
LEXICON = Lexicon(
    words=frozenset({"dog", "boat", "red", "on"}),
    names=NAMES,
    things={"dog": "dog", "puppies": "dog"},
    qualities={"red": "colour"},
    unpaintable={"dog": "brown black", "cat": ""},
    relations=frozenset({"on"}),
)


def vectors() -> Floats:
    """Three unit vectors that have most in common: only their last numbers tell them apart."""
    texts = np.array([[9, 1, 0, 0], [9, 0, 1, 0], [9, 0, 0, 1]], np.float32)
    unit: Floats = (texts / np.linalg.norm(texts, axis=1, keepdims=True)).astype(np.float32)
    return unit


def vocabulary() -> Vocabulary:
    """Three names."""
    return Vocabulary.of(LEXICON, vectors())


def test_a_name_is_nearest_to_itself() -> None:
    """At no distance at all."""
    for (name, distance), expected in zip(vocabulary().nearest(vectors()), NAMES, strict=True):
        assert name == expected
        assert distance == pytest.approx(0, abs=1e-4)


def test_what_all_texts_have_in_common_brings_none_of_them_nearer() -> None:
    """A text of nothing but that is far from everything."""
    common = np.array([[1, 0, 0, 0]], np.float32)
    [(_, distance)] = vocabulary().nearest(common)
    assert distance > 0.9


def test_a_file_gives_it_back(tmp_path: Path) -> None:
    """The lexicon and where its names lie; and the same vocabulary gives the same bytes."""
    path = tmp_path / "vocabulary.npz"
    path.write_bytes(vocabulary().to_bytes())
    again = Vocabulary.load(path)
    assert again.lexicon == LEXICON
    np.testing.assert_allclose(again.vectors_KV, vocabulary().vectors_KV, atol=1e-3)
    assert vocabulary().to_bytes() == vocabulary().to_bytes()


@pytest.mark.parametrize("content", [None, b"", b"no archive", b"PK\x03\x04 torn"])
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes | None) -> None:
    """Missing, empty, something else, or cut off."""
    path = tmp_path / "vocabulary.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match="copy or export the model again"):
        Vocabulary.load(path)
