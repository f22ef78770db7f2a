"""`limner.server.contract.usage`: OpenAI's published numbers, and sums that agree."""

from __future__ import annotations

import pytest

from limner.server.contract.usage import image_tokens, text_tokens, usage


@pytest.mark.parametrize(
    ("size", "low", "medium", "high"),
    [
        ((1024, 1024), 272, 1056, 4160),
        ((1024, 1536), 408, 1584, 6240),
        ((1536, 1024), 400, 1568, 6208),
    ],
)
def test_pictures_count_what_openai_publishes(
    size: tuple[int, int], low: int, medium: int, high: int
) -> None:
    """The nine numbers of gpt-image-1."""
    assert [image_tokens(size, quality) for quality in ("low", "medium", "high")] == [low, medium, high]


def test_text_counts_words_and_marks() -> None:
    """Blanks count nothing."""
    assert text_tokens("A cat, and a dog!") == 7
    assert text_tokens("  \n") == 0


def test_sums_agree() -> None:
    """Details sum to their totals, and those to the total of all; n pictures and previews are in it."""
    told = usage("a cat", quality="low", size=(1024, 1024), pictures=3, source=(64, 64), partials=2)
    assert told["output_tokens"] == 3 * 272 + 200
    assert told["input_tokens_details"] == {"image_tokens": 6, "text_tokens": 2}
    for side in ("input", "output"):
        assert told[f"{side}_tokens"] == sum(told[f"{side}_tokens_details"].values())
    assert told["total_tokens"] == told["input_tokens"] + told["output_tokens"]
