"""Which shape is drawn for which size."""

from __future__ import annotations

from dataclasses import replace

import pytest

from limner.engines.fake import FakeEngine
from limner.engines.shapes import nearest_shape, picture_size

ABLE = FakeEngine().capabilities


@pytest.mark.parametrize(
    ("size", "grid"),
    [
        (None, (8, 8)),
        ((16, 16), (8, 8)),
        ((1024, 1024), (8, 8)),
        ((300, 256), (8, 8)),
        ((1536, 1024), (8, 12)),
        ((1024, 768), (8, 12)),
        ((1792, 1024), (8, 14)),
        ((1920, 1080), (8, 14)),
        ((4096, 16), (8, 14)),
        ((1024, 1536), (12, 8)),
        ((768, 1024), (12, 8)),
        ((1024, 1792), (14, 8)),
        ((16, 4096), (14, 8)),
    ],
)
def test_the_nearest_proportions_are_drawn(size: tuple[int, int] | None, grid: tuple[int, int]) -> None:
    """Squares, and whoever names no size, get the model's own shape; others the one of which least is cut off."""
    assert nearest_shape(ABLE, size) == (3, *grid)


@pytest.mark.parametrize("size", [(1792, 1024), (1024, 1792), (512, 512), (17, 333)])
def test_a_model_of_one_shape_draws_that(size: tuple[int, int]) -> None:
    """Whatever is asked of it."""
    assert nearest_shape(replace(ABLE, shapes=()), size) == (3, 8, 8)


def test_each_shape_has_pictures_of_one_size() -> None:
    """Of the grid's proportions, and then it is the nearest to them."""
    sizes = [picture_size(ABLE, grid) for grid in ((8, 8), *ABLE.shapes)]
    assert sizes == [(256, 256), (384, 256), (256, 384), (448, 256), (256, 448)]
    assert [nearest_shape(ABLE, size)[1:] for size in sizes] == [(8, 8), *ABLE.shapes]
