"""How many models may be loaded, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from limner.batching.reception import LoopConfig
from limner.hosting.memory import free_bytes

__all__ = ["ShelfConfig"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ShelfConfig:
    """How many models may be loaded, and for how long.

    Attributes:
        limit: bytes that all of them may take together on each device; 0 is what is free at first, less a margin.
        idle_seconds: after which a model that nobody uses is unloaded; 0 is never.
        loop: how much each of them takes on; its `queue_size` is also how many may wait for a model to be loaded.
        free: tells how much of a device's memory is free, or None.
    """

    limit: int = 0
    idle_seconds: float = 0
    loop: LoopConfig = field(default_factory=LoopConfig)
    free: Callable[[str], int | None] = free_bytes
