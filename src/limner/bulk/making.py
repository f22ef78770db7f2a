"""From a wish to its files: by the loop of this process, or by whoever else can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from limner.bulk.easel import Easel
from limner.bulk.wishes import Wish

__all__ = ["EaselMaker", "Made", "MadeFile", "Maker"]


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeFile:
    """A picture as a file.

    Attributes:
        data: its bytes.
        seed: draws it again.
        width, height: in pixels.
    """

    data: bytes
    seed: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What came of a wish.

    Attributes:
        files: as many as were wished for.
        unread: the end of the prompt that the model did not read.
    """

    files: tuple[MadeFile, ...]
    unread: str


class Maker(Protocol):
    """Makes the files of a wish, for any number of threads at a time."""

    def make(self, wish: Wish) -> Made:
        """Draw and encode, however long it takes.

        Raises:
            LimnerError: why not: a `CancelledError` after `close`, an `EngineUnavailableError` if nobody is left who
                could; everything else is the wish's own.
        """

    def close(self) -> None:
        """Make nothing more, and let go of what is being made."""


class EaselMaker:
    """Makes them in this process.

    Args:
        easel: who draws.
    """

    def __init__(self, easel: Easel) -> None:
        self._easel = easel

    def make(self, wish: Wish) -> Made:
        """See `Maker`."""
        drawn = self._easel.draw(wish.request)
        files = [
            MadeFile(
                data=wish.encode(picture),
                seed=picture.seed,
                width=picture.pixels_HWC.shape[1],
                height=picture.pixels_HWC.shape[0],
            )
            for picture in drawn.pictures
        ]
        return Made(files=tuple(files), unread=drawn.unread)

    def close(self) -> None:
        """See `Maker`."""
        self._easel.close()
