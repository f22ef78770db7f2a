"""What torch computes on: which device, in which numbers, and how much room there is."""

from __future__ import annotations

import torch

from limner.engines.base import EngineOptions
from limner.errors import EngineUnavailableError

__all__ = ["dtype_for", "free_bytes", "release", "torch_device"]


def torch_device() -> str:
    """The best device that there is: "cuda", "mps" or "cpu"."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def dtype_for(device: str, options: EngineOptions) -> torch.dtype:
    """What a checkpoint's weights are turned into: f32 unless bf16 is asked for, or has units of its own.

    Raises:
        EngineUnavailableError: bf16 is asked for, and the GPU has no units for it.
    """
    has_units = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if options.precision == "bf16" and device == "cuda" and not has_units:
        raise EngineUnavailableError("This device has no bf16 units: choose precision auto or f32")
    wanted = options.precision == "bf16" or (options.precision == "auto" and has_units)
    return torch.bfloat16 if wanted else torch.float32


def free_bytes(device: str) -> int | None:
    """The bytes of a GPU that nobody has taken; None for the processor, whose memory torch does not know."""
    if device == "cuda":
        free, _ = torch.cuda.mem_get_info()
        return int(free)
    if device == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return None


def release() -> None:
    """Hand back to the device what torch keeps for models that are gone."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
