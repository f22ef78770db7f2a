"""Where training computes: on a GPU where there is one, with 16-bit products where there are units for them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch

__all__ = ["mixed_precision", "training_device"]


def training_device() -> torch.device:
    """The GPU, or else the CPU; of several GPUs that which torch's launchers count as this process's own."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def mixed_precision(device: torch.device) -> torch.autocast:
    """Matrix products in bfloat16, sums and weights in float32 (Micikevicius et al. 2018; Kalamkar et al. 2019).

    Where the device has no units for bfloat16, where it would cost time instead of saving it, nothing changes.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=_has_bfloat16_units(device))


def _has_bfloat16_units(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Older releases of torch cannot say; they train in float32, as ever.
    capabilities: Callable[[], dict[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)
    able = capabilities()
    return bool(able.get("amx_bf16", False) or able.get("avx512_bf16", False))
