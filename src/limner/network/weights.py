"""How weights are stored: matrices and kernels as float16, or matrices as int8 with one float16 scale for each row.

Whatever is small stays float32.

Axes in names: R rows of a matrix.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.errors import TrainingError

__all__ = ["Stored", "rounded", "widened"]

_SMALL = 4096
Stored = dict[str, NDArray[Any]]
"""Arrays by the names of the network's state; an int8 matrix `name` has its scales under `name.scale`."""


def rounded(module: nn.Module, *, int8: tuple[str, ...] = ()) -> Stored:
    """A network's state as it will be stored, large matrices rounded.

    Args:
        module: the network.
        int8: how the names of matrices begin that are rounded to 8 bits; ("",) is all of them.

    Raises:
        TrainingError: a weight is NaN or infinite.
    """
    stored: Stored = {}
    for name, tensor in module.state_dict().items():
        array = tensor.detach().float().numpy()
        if not np.isfinite(array).all():
            raise TrainingError(f"{name} holds NaN or infinity: export an earlier checkpoint")
        if array.ndim < 2 or array.size < _SMALL:
            stored[name] = array
        elif array.ndim == 2 and name.startswith(int8):
            scale_R = (np.abs(array).max(1) / 127).astype(np.float16)
            scale_R = np.maximum(scale_R, np.finfo(np.float16).tiny)
            stored[name] = np.clip(np.round(array / scale_R[:, None].astype(np.float32)), -127, 127).astype(
                np.int8
            )
            stored[f"{name}.scale"] = scale_R
        else:
            with np.errstate(over="ignore"):  # told below
                stored[name] = array.astype(np.float16)
        if not np.isfinite(stored[name]).all():
            raise TrainingError(f"{name} holds numbers beyond float16: export an earlier checkpoint")
    return stored


def widened(stored: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """Stored weights as float32 tensors, ready for `load_state_dict`."""
    wide = {}
    for name, array in stored.items():
        if (name.endswith(".scale") and name.removesuffix(".scale") in stored) or name.startswith("graph."):
            continue
        value = array.astype(np.float32)
        if f"{name}.scale" in stored:
            value = value * stored[f"{name}.scale"].astype(np.float32)[:, None]
        wide[name] = torch.from_numpy(value)
    return wide
