"""A picture that the page made, and what kind of work it was."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, TypeAlias

from limner.imaging.picture import Picture
from limner.safety.provenance import with_provenance
from limner.server.contract.calls import Call
from limner.server.contract.field import Route
from limner.server.drawing.encoding import muted
from limner.studio.shown import Shown
from limner.types import FileFormat, ImageRequest

__all__ = ["FORMATS", "Kind", "Made", "caption", "made_of", "settings_told"]

Kind: TypeAlias = Literal["generations", "edits", "variations"]

FORMATS: dict[FileFormat, str] = {"png": "PNG", "jpeg": "JPEG", "webp": "WebP"}
"""The formats to download, by the names that people know."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Made:
    """A picture that the page made.

    Attributes:
        shown: the picture and its settings.
        kind: whether it was drawn from words, is an edit or a variation.
        id: names it, in the history and in the names of its files.
    """

    shown: Shown
    kind: Kind
    id: str = field(default_factory=partial(secrets.token_hex, 16))

    def to_bytes(self, file_format: FileFormat) -> bytes:
        """The file, with prompt, seed, model and provenance inside."""
        return with_provenance(self.shown.picture.to_bytes(file_format), edited=self.kind == "edits")


def made_of(picture: Picture, call: Call, wanted: ImageRequest) -> Made:
    """A finished picture, in the style that was asked for.

    Args:
        picture: as it was drawn.
        call: what was asked for.
        wanted: what that came to, its steps and guidance resolved.
    """
    if call.style == "natural" and call.route == Route.GENERATIONS:
        picture = replace(picture, pixels_HWC=muted(picture.pixels_HWC))
    height, width = picture.pixels_HWC.shape[:2]
    shown = Shown(
        picture=picture,
        prompt=call.prompt,
        steps=wanted.steps or 0,
        guidance=wanted.guidance or 1.0,
        seed=picture.seed,
        size=(width, height),
        negative_prompt=call.negative_prompt,
        style=call.style if call.route == Route.GENERATIONS else "",
    )
    return Made(shown=shown, kind=call.route.value)


def caption(shown: Shown) -> str:
    """What stands below a picture: how to have it again, and what was drawn instead of the prompt, if not that."""
    told = settings_told(seed=shown.seed, steps=shown.steps, guidance=shown.guidance, size=shown.size)
    revised = shown.picture.revised_prompt
    return f"{told} · read as: {revised}" if revised else told


def settings_told(*, seed: int, steps: int, guidance: float, size: tuple[int, int]) -> str:
    """A picture's settings in one line."""
    return f"seed {seed} · {steps} steps · guidance {guidance:g} · {size[0]}x{size[1]}"
