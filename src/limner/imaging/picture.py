"""The finished picture, which can write itself.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Unpack

from limner.errors import InvalidRequestError
from limner.files import write_atomic
from limner.imaging._arrays import check_pixels
from limner.imaging.codec import FileOptions, encode
from limner.types import FileFormat, Pixels, Trace

__all__ = ["Picture"]

_FORMAT_OF: dict[str, FileFormat] = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Picture:
    """One picture and where it came from.

    Attributes:
        pixels_HWC: uint8 (H, W, 3), or (H, W, 4) with straight alpha.
        seed: draws this very picture again, with the same model, prompt and settings.
        prompt: the person's words, as given.
        model: the model's name.
        revised_prompt: what was drawn instead, where the model does not know all of the prompt; or None.
        timings: seconds per stage.
        trace: how it came about, if that was asked for.

    Raises:
        ImageInputError: the pixels are not a picture.
    """

    pixels_HWC: Pixels
    seed: int
    prompt: str
    model: str
    revised_prompt: str | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    trace: Trace | None = None

    def __post_init__(self) -> None:
        check_pixels(self.pixels_HWC)

    def to_bytes(
        self,
        format: FileFormat = "png",  # noqa: A002  the word that the API and Pillow use
        **options: Unpack[FileOptions],
    ) -> bytes:
        """The picture as a file, with prompt, seed and model inside; the same picture gives the same bytes.

        Args:
            format: "png", "jpeg" (transparency is laid on white) or "webp".
            **options: `quality`, `chroma`, `lossless`; see `limner.imaging.FileOptions`.

        Raises:
            InvalidRequestError: unknown format, or an option that it does not have or that is out of range.
        """
        return encode(
            self.pixels_HWC,
            format,
            metadata={"prompt": self.prompt, "seed": self.seed, "model": self.model},
            **options,
        )

    def save(self, path: str | os.PathLike[str], **options: Unpack[FileOptions]) -> None:
        """Write the picture to a file, whole or not at all; an existing file is replaced.

        Args:
            path: ends in .png, .jpg, .jpeg or .webp, which chooses the format; the folder must exist.
            **options: as for `to_bytes`.

        Raises:
            InvalidRequestError: another ending, or an option that does not fit.
            OutputError: the file could not be written.
        """
        suffix = Path(path).suffix
        if suffix.lower() not in _FORMAT_OF:
            raise InvalidRequestError(
                f"{path} must end in one of {', '.join(_FORMAT_OF)}, not in {suffix!r}", param="output"
            )
        write_atomic(path, self.to_bytes(_FORMAT_OF[suffix.lower()], **options))
