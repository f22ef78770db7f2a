"""A request that passed validation, with nothing left to check or resolve but the pictures it refers to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from starlette.datastructures import UploadFile

from limner.server.contract.field import Route
from limner.server.contract.models import ModelName
from limner.types import FileFormat

__all__ = ["Call", "FileId", "Link", "Part", "PictureSource"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A file of the form; `param` is how errors name it."""

    file: UploadFile
    param: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """An `image_url`: https or a data URL; `param` is how errors name it."""

    url: str
    param: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FileId:
    """A file that was uploaded before; `param` is how errors name it."""

    id: str
    param: str


PictureSource: TypeAlias = Part | Link | FileId


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """What a client asks for.

    Attributes:
        route: generations, edits or variations.
        model: the name that was used, and so the contract.
        prompt: the words; "" for a variation.
        n: how many pictures.
        size: (width, height), or None for `auto`.
        quality: one of the documented ones.
        background, moderation, style: as documented, their defaults filled in.
        output_format, output_compression: the file's.
        response_format: how pictures are handed over.
        stream, partial_images: whether events are sent, and how many previews.
        input_fidelity: how near an edit stays to its picture, or None.
        safety_identifier: who is behind the request, or None.
        picture, mask: what an edit or a variation starts from.
        seed, steps, guidance_scale, negative_prompt, strength, trace: limner's own.
        set_aside: names of fields that lenient mode took and did not honour.
    """

    route: Route
    model: ModelName
    prompt: str
    n: int
    size: tuple[int, int] | None
    quality: str
    background: str
    moderation: Literal["auto", "low"]
    style: Literal["vivid", "natural"]
    output_format: FileFormat
    output_compression: int
    response_format: Literal["url", "b64_json"]
    stream: bool
    partial_images: int
    input_fidelity: Literal["high", "low"] | None = None
    safety_identifier: str | None = None
    picture: PictureSource | None = None
    mask: PictureSource | None = None
    seed: int | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    negative_prompt: str = ""
    strength: float | None = None
    trace: bool = False
    set_aside: tuple[str, ...] = ()
