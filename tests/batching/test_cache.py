"""Prompts that were encoded before are not encoded again."""

from __future__ import annotations

import pytest

from limner.batching.cache import FeatureCache
from limner.engines.fake import FakeEngine
from limner.errors import EngineError
from limner.types import TextFeatures


def encoded(prompt: str) -> TextFeatures:
    """The fake engine's features."""
    [features] = FakeEngine().encode([prompt])
    return features


def refused() -> TextFeatures:
    """An encoder that must not be asked."""
    raise EngineError("asked")


def test_what_was_made_once_is_kept() -> None:
    """The second time the very same features come back, and the encoder is not asked."""
    cache = FeatureCache()
    first = cache.get(("fake", "a boat"), lambda: encoded("a boat"))
    assert cache.get(("fake", "a boat"), refused) is first
    assert (cache.hits, cache.misses) == (1, 1)


def test_another_model_is_another_answer() -> None:
    """The key is all of it: the same prompt of another model has to be made."""
    cache = FeatureCache()
    cache.get(("fake", "a boat"), lambda: encoded("a boat"))
    with pytest.raises(EngineError):
        cache.get(("tiny", "a boat"), refused)


def test_what_was_not_used_for_longest_goes_first() -> None:
    """The bound is kept, and use counts, not age."""
    cache = FeatureCache(2)
    for prompt in ("a", "b", "a", "c"):
        cache.get((prompt,), lambda prompt=prompt: encoded(prompt))  # type: ignore[misc]
    assert len(cache) == 2
    assert cache.get(("a",), refused).prompt == "a"
    with pytest.raises(EngineError):
        cache.get(("b",), refused)


def test_a_failure_is_not_kept() -> None:
    """After an encoder failed, the next one is asked anew."""
    cache = FeatureCache()
    with pytest.raises(EngineError):
        cache.get(("a",), refused)
    assert cache.get(("a",), lambda: encoded("a")).prompt == "a"
