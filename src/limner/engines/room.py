"""What is done where a device's memory is full: fewer rows at a time, then more economy, then an error with numbers.

Axes in names: B batch.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from limner.engines.devices import free_bytes, release
from limner.errors import EngineError

__all__ = ["Room"]


class Room:
    """Computes rows together as far as memory goes, and remembers how far that was.

    Args:
        device: where they are computed, as torch calls it.
        what: is computed, in words.
        save: makes one row take less memory; False where nothing is left to be saved.
    """

    def __init__(self, device: str, what: str, save: Callable[[], bool] = lambda: False) -> None:
        self._device, self._what, self._save = device, what, save
        self._most: int | None = None

    def compute(self, rows: Callable[[slice], Tensor], count: int) -> Tensor:
        """All rows of a batch.

        Args:
            rows: computes these.
            count: how many there are.

        Raises:
            EngineError: not even one row fits.
        """
        size = min(count, self._most or count)
        parts: list[Tensor] = []
        at = 0
        while at < count:
            try:
                parts.append(rows(slice(at, min(at + size, count))))
            except torch.OutOfMemoryError as error:
                size = self._less(size, error)
                continue
            at += size
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _less(self, size: int, error: torch.OutOfMemoryError) -> int:
        """How many rows are tried next."""
        release()
        if size > 1:
            self._most = size // 2
            return self._most
        if self._save():
            return 1
        raise EngineError(
            f"The device's memory is full: {self._what} of a single picture does not fit ({_told(self._device)}; "
            f"{str(error).partition(chr(10))[0]}): choose precision bf16, a smaller model, or unload others with "
            "LIMNER_MEMORY_LIMIT"
        ) from error


def _told(device: str) -> str:
    free = free_bytes(device)
    return f"on {device}" if free is None else f"{free / 1e9:.2f} GB are free on {device}"
