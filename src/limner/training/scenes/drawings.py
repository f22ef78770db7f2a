"""Vector drawings by codepoint, in the form that Iconify packs them in: names in chars.json, SVG in icons.json."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

from limner.errors import DataError

__all__ = ["Drawings"]

# What a drawing's side is where nobody says it, as Iconify has it, and the side that it is drawn at, in pixels.
_SIDE, _DRAWN_SIDE = 16, 256


class Drawings:
    """The drawings of one package; `codepoint in drawings` says whether it has one.

    Args:
        package: the folder of chars.json and icons.json. The second, which is large, is read when it is needed.

    Raises:
        DataError: chars.json is missing or damaged.
    """

    def __init__(self, package: Path) -> None:
        self._package = package
        self._names = self._json("chars.json")
        self._set: dict[str, Any] = {}

    def __contains__(self, codepoint: str) -> bool:
        return self.name(codepoint) in self._icons()

    def name(self, codepoint: str) -> str | None:
        """What the package calls it; None if it does not list it."""
        name: str | None = self._names.get(codepoint) or self._names.get(codepoint.removesuffix("-fe0f"))
        return name

    def draw(self, codepoint: str) -> Image.Image:
        """The drawing, RGBA, (256, 256).

        Raises:
            DataError: there is none, the package is damaged, or resvg-py is not installed.
        """
        try:
            from resvg_py import svg_to_bytes  # the 3D style does without it
        except ImportError as error:
            raise DataError("flat drawings need resvg-py: pip install 'limner[train]'") from error

        if codepoint not in self:
            raise DataError(f"no flat drawing of {self.name(codepoint)}: leave it out of the concept table")
        icon = self._icons()[self.name(codepoint)]
        side = icon.get("width", self._set.get("width", _SIDE))
        box = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"'
        svg = f"<svg {box}>{icon['body']}</svg>"
        png = svg_to_bytes(svg_string=svg, width=_DRAWN_SIDE, height=_DRAWN_SIDE, skip_system_fonts=True)
        with Image.open(io.BytesIO(png)) as file:
            return file.convert("RGBA")

    def _icons(self) -> dict[str | None, Any]:
        self._set = self._set or self._json("icons.json")
        icons: dict[str | None, Any] = self._set["icons"]
        return icons

    def _json(self, name: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self._package / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(
                f"the art in {self._package.parents[1]} is incomplete: delete the folder to fetch it anew"
            ) from error
        return found
