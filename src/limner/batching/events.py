"""What a listener hears of its request: one life, told in order.

::

    Queued (again whenever the place changes) -> Started -> Preview ... -> Finished
                                    anywhere on the way:                -> Failed

Exactly one `Finished` or `Failed` comes, and nothing after it.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from limner.batching.stages import Stage
from limner.errors import LimnerError
from limner.imaging.picture import Picture
from limner.types import Pixels

__all__ = ["Event", "Failed", "Finished", "Listener", "Preview", "Queued", "Started"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Queued:
    """The request waits.

    Attributes:
        position: its place in the queue; 1 is next.
        eta: seconds until its pictures should be done, from measured times; 0 while nothing is measured.
    """

    position: int
    eta: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """The request is being drawn.

    Attributes:
        unread: the end of the prompt that did not fit into the text encoder's window, "" if all was read.
    """

    unread: str = ""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Preview:
    """A picture on its way, as the engine expects it to become.

    Attributes:
        picture: which of the request's pictures, from 0.
        index: which of that picture's previews, from 0.
        pixels_HWC: uint8 (H, W, C), as large as the finished picture.
    """

    picture: int
    index: int
    pixels_HWC: Pixels


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Finished:
    """All the request's pictures are done.

    Attributes:
        pictures: as many as were asked for. Their `timings` are the seconds of each stage, of "waiting"
            before, and in "total" from the request to the picture.
        stages: what it went through.
    """

    pictures: tuple[Picture, ...]
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """There will be no pictures.

    Attributes:
        error: why; a `CancelledError`, `DeadlineError` or `ShuttingDownError`, or what the engine met.
        stages: what it went through until then.
    """

    error: LimnerError
    stages: tuple[Stage, ...] = ()


Event: TypeAlias = Queued | Started | Preview | Finished | Failed
Listener: TypeAlias = Callable[[Event], None]
"""Called with one event at a time, from a thread that all requests share: it must return at once."""
