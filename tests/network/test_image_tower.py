"""`limner.network.image_tower`: a picture's vector depends on what stands where."""

from __future__ import annotations

import torch

from limner.network.image_tower import ImageTower, ImageTowerConfig


def tiny() -> ImageTower:
    """One layer over 3 x 3 tokens."""
    torch.manual_seed(0)
    return ImageTower(ImageTowerConfig(channels=4, tokens=9, width=16, layers=1, heads=2, vector=8))


def test_places_count() -> None:
    """The same cells in another order give another vector of length 1."""
    x = torch.randn(1, 4, 3, 3)
    vectors = tiny()(torch.cat([x, x.flip(-1)]))
    assert (vectors[0] - vectors[1]).norm() > 1e-3
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(2))


def test_every_weight_learns() -> None:
    """A gradient reaches each parameter."""
    tower = tiny()
    tower(torch.randn(2, 4, 3, 3))[:, 0].sum().backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in tower.parameters())
