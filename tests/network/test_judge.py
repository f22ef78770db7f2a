"""`limner.network.judge`: each caption is scored by itself, and without training by chance."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from limner.network.judge import Judge, JudgeConfig


def tiny(seed: int = 0) -> Judge:
    """An untrained judge of pictures of 64 x 64 that knows 30 words."""
    torch.manual_seed(seed)
    judge = Judge(
        JudgeConfig(vocabulary=30, word_width=16, tokens=6, grid=2, width=32, heads=2, picture_layers=1)
    )
    judge.words.normal_()
    return judge.eval()


def questions(count: int) -> tuple[Tensor, Tensor]:
    """Ids and mask of ten captions of six words for each picture."""
    ids = torch.randint(1, 30, (count, 10, 6))
    return ids, ids > 0


def test_ten_captions_get_ten_scores() -> None:
    """A batch of pictures with ten captions each gives (B, 10) scores."""
    judge = tiny()
    seen = judge.look(torch.rand(3, 3, 64, 64) * 2 - 1)
    assert judge(seen, *questions(3)).shape == (3, 10)


def test_a_caption_is_scored_by_itself() -> None:
    """Neither its place among the ten nor padding changes a score."""
    judge = tiny()
    seen = judge.look(torch.rand(2, 3, 64, 64))
    ids, mask = questions(2)
    mask[:, :, 4:] = False
    scores = judge(seen, ids, mask)
    torch.testing.assert_close(judge(seen, ids.flip(1), mask.flip(1)).flip(1), scores)
    torch.testing.assert_close(judge(seen, ids[..., :4], mask[..., :4]), scores)


@pytest.mark.parametrize("seed", [0, 1])
def test_without_training_it_is_no_better_than_chance(seed: int) -> None:
    """Its loss is at least that of one in ten, ln 10, within what a hundred pictures can tell."""
    judge = tiny(seed)
    seen = judge.look(torch.rand(100, 3, 64, 64) * 2 - 1)
    scores = judge(seen, *questions(100))
    loss = nn.functional.cross_entropy(scores, torch.zeros(100, dtype=torch.int64))
    assert loss.item() > math.log(10) - 0.2


def test_picture_and_caption_both_count() -> None:
    """Another picture or another word gives another score."""
    judge = tiny()
    ids, mask = questions(1)
    black, white = (judge(judge.look(torch.full((1, 3, 64, 64), level)), ids, mask) for level in (-1.0, 1.0))
    assert (black - white).abs().min() > 1e-5
    assert black.unique().numel() == 10


def test_words_are_looked_for_everywhere_in_every_picture() -> None:
    """A caption's match with a picture is the mean over its words of the likeness to the most alike token."""
    judge = tiny()
    seen, words = torch.randn(3, 4, 32), torch.randn(3, 6, 32)
    mask = torch.ones(3, 6, dtype=torch.bool)
    mask[1, 2:] = False
    scores = judge.match(seen, words, mask)
    assert scores.shape == (3, 3)
    for picture in range(3):
        for caption in range(3):
            there = words[caption][mask[caption]]
            best = [max(nn.functional.cosine_similarity(w, t, 0) for t in seen[picture]) for w in there]
            expected = judge.sharpness * sum(best) / len(best)
            torch.testing.assert_close(scores[picture, caption], expected)


def test_a_caption_without_words_is_no_trouble() -> None:
    """Its score is finite."""
    judge = tiny()
    ids, mask = questions(1)
    mask[0, 3] = False
    assert judge(judge.look(torch.rand(1, 3, 64, 64)), ids, mask).isfinite().all()
