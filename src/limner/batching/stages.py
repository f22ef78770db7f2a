"""The stages that a request and its pictures go through, with the times at which they did.

::

    waiting -> text_encoding -> of each picture: image_generation -> image_decoding
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

__all__ = ["Course", "Fact", "Stage"]

Fact: TypeAlias = int | str | tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One stage of a request, or of one of its pictures.

    Attributes:
        name: as in the module's picture.
        began, ended: by the loop's clock.
        complete: it was gone through; otherwise it was cut short by what ended the request.
        facts: what else there is to tell of it: "picture" (from 0), and of image generation the "steps" made,
            the "size" and the "batch_sizes" that it was drawn in.
    """

    name: str
    began: float
    ended: float
    complete: bool = True
    facts: Mapping[str, Fact] = field(default_factory=dict)


class Course:
    """Stages one after the other, the last of which may not have ended. Any thread may read it.

    Args:
        name: the first stage.
        now: when it begins.
    """

    def __init__(self, name: str, now: float) -> None:
        self._stages: tuple[Stage, ...] = (Stage(name=name, began=now, ended=now, complete=False),)

    def enter(self, name: str, now: float) -> None:
        """The next stage begins where the last one ends."""
        self._stages = (
            *self.told(now, complete=True),
            Stage(name=name, began=now, ended=now, complete=False),
        )

    def leave(self, now: float) -> None:
        """The last stage ends."""
        self._stages = self.told(now, complete=True)

    def told(self, now: float, *, complete: bool = False) -> tuple[Stage, ...]:
        """The stages until now; `complete` says whether one that has not ended counts as gone through."""
        # Read once: another thread may put the next ones in its place meanwhile.
        stages = self._stages
        last = stages[-1]
        return (*stages[:-1], last if last.complete else replace(last, ended=now, complete=complete))

    @property
    def seconds(self) -> dict[str, float]:
        """How long each stage took that has ended."""
        return {stage.name: stage.ended - stage.began for stage in self._stages if stage.complete}
