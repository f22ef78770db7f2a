"""`limner.network.weights`: what is stored comes back under its name, and rounding twice is rounding once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from limner.network.weights import rounded, widened


def tiny() -> nn.Sequential:
    """A large matrix, a small one, gains and biases."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 80), nn.LayerNorm(80), nn.Linear(80, 3))


@pytest.mark.parametrize("int8", [(), ("",), ("0.",)])
def test_rounding_twice_is_rounding_once(int8: tuple[str, ...]) -> None:
    """A network of stored weights is stored as the very same bytes."""
    stored = rounded(tiny(), int8=int8)
    copy = tiny()
    copy.load_state_dict(widened(stored))
    again = rounded(copy, int8=int8)
    assert again.keys() == stored.keys()
    assert all(np.array_equal(again[name], stored[name]) for name in stored)


def test_small_matrices_and_vectors_are_kept_as_they_are() -> None:
    """Only matrices of 4,096 weights and more are rounded."""
    model = tiny()
    wide = widened(rounded(model, int8=("",)))
    for name, value in model.state_dict().items():
        assert torch.equal(wide[name], value) == (name != "0.weight"), name


def test_a_row_of_zeros_stays_zero() -> None:
    """With 8 bits a row without weights, or with hardly any, gives neither NaN nor noise."""
    layer = nn.Linear(64, 80)
    with torch.no_grad():
        layer.weight[0] = 0
        layer.weight[1] = 1e-20
    wide = widened(rounded(layer, int8=("",)))["weight"]
    assert wide.isfinite().all()
    assert not wide[:2].any()


def test_what_only_graphs_need_is_left_out() -> None:
    """Constants of the graphs are in the file too, and no weights."""
    stored = rounded(tiny(), int8=("",)) | {"graph.0": np.zeros(3, dtype=np.int64)}
    assert widened(stored).keys() == tiny().state_dict().keys()
