"""A contact sheet: scenes with their captions, for eyes."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from limner.imaging.picture import Picture
from limner.training.dataset import SceneStream

__all__ = ["contact_sheet"]

_COLUMNS, _SIDE, _GAP, _LINE, _LINES = 6, 256, 8, 12, 3


def contact_sheet(
    stream: SceneStream, scenes: int, progress: Callable[[int, int], None] | None = None
) -> Picture:
    """Scenes 0 to `scenes` - 1 in rows of six, each with its caption below."""
    rows = -(-scenes // _COLUMNS)
    height = _SIDE + _LINE * _LINES + _GAP
    sheet = Image.new("RGB", (_COLUMNS * (_SIDE + _GAP) + _GAP, rows * height + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for number in range(scenes):
        left, top = _GAP + number % _COLUMNS * (_SIDE + _GAP), _GAP + number // _COLUMNS * height
        sheet.paste(Image.fromarray(stream.picture(number)), (left, top))
        caption = textwrap.wrap(stream.caption(number), 42)[:_LINES]
        draw.multiline_text((left, top + _SIDE + 1), "\n".join(caption), fill="black", spacing=0)
        if progress is not None:
            progress(number + 1, scenes)
    return Picture(
        pixels_HWC=np.asarray(sheet), seed=stream.config.seed, prompt="contact sheet", model="composer"
    )
