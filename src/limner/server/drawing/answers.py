"""The JSON answer to a call: what both families send, and the seed of every picture.

The answer is written piece by piece from the files themselves, so that they are never held as base64.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import StreamingResponse

from limner.imaging.picture import Picture
from limner.server.contract.calls import Call
from limner.server.contract.models import Family
from limner.server.contract.usage import usage
from limner.server.drawing.plan import resolved_quality
from limner.server.http.pieces import Base64, JsonPieces
from limner.types import Trace

__all__ = ["Drawn", "JsonAnswer", "Size", "images_response", "resolved"]

Size = tuple[int, int]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Drawn:
    """A finished picture, without its pixels.

    Attributes:
        file: it, or where it can be fetched.
        size: (width, height) in pixels.
        seed: draws it again.
        prompt: what was really drawn.
        trace: how it came about, as JSON, if that was asked for.
    """

    file: bytes | str
    size: Size
    seed: int
    prompt: str
    trace: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, picture: Picture, data: bytes, link: str | None = None) -> Drawn:
        """What is told of a picture.

        Args:
            picture: it.
            data: its file.
            link: where that can be fetched; None if it is in the answer itself.
        """
        height, width = picture.pixels_HWC.shape[:2]
        return cls(
            file=data if link is None else link,
            size=(width, height),
            seed=picture.seed,
            prompt=picture.revised_prompt or picture.prompt,
            trace=_trace(picture.trace, data) if picture.trace else None,
        )

    def file_item(self) -> dict[str, Any]:
        """The file itself, or its address."""
        return {"url": self.file} if isinstance(self.file, str) else {"b64_json": Base64(self.file)}

    def extras(self) -> dict[str, Any]:
        """The keys that are limner's own."""
        return {"seed": self.seed} | ({} if self.trace is None else {"trace": self.trace})


def _trace(trace: Trace, data: bytes) -> dict[str, Any]:
    """The trace as JSON; its last stage is the very file that is handed over."""
    told = trace.to_json()
    told["image_decoding"] |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return told


def resolved(call: Call, size: Size) -> dict[str, str]:
    """What was drawn, where the call said `auto`."""
    return {
        "background": "opaque",
        "output_format": call.output_format,
        "quality": resolved_quality(call.quality),
        "size": f"{size[0]}x{size[1]}",
    }


def images_response(
    call: Call, drawn: Sequence[Drawn], *, created: int, source: Size | None = None
) -> dict[str, Any]:
    """The answer's body, its files not yet written as base64.

    Args:
        call: what was asked for.
        drawn: its pictures.
        created: seconds since 1970.
        source: the size of the picture that was handed in, or None.
    """
    answer: dict[str, Any] = {"created": created}
    data = [_item(call, each) for each in drawn]
    if call.model.family.is_dalle:
        answer["data"] = data
    else:
        told = resolved(call, drawn[0].size)
        answer |= {"background": told.pop("background"), "data": data} | told
        answer["usage"] = usage(
            call.prompt, quality=told["quality"], size=drawn[0].size, pictures=len(drawn), source=source
        )
    return answer | ({"safety_identifier": call.safety_identifier} if call.safety_identifier else {})


def _item(call: Call, drawn: Drawn) -> dict[str, Any]:
    item: dict[str, Any] = {"revised_prompt": drawn.prompt} if call.model.family == Family.D3 else {}
    return item | drawn.file_item() | drawn.extras()


class JsonAnswer(StreamingResponse):
    """JSON with whole files in it, of a known length, sent piece by piece.

    Args:
        value: the body; `Base64` objects may stand where strings may.
        headers: further headers.
    """

    def __init__(self, value: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        pieces = JsonPieces(value, indent=2)
        sized = dict(headers or {}) | {"content-length": str(len(pieces))}
        super().__init__(_each(pieces), headers=sized, media_type="application/json")


async def _each(pieces: JsonPieces) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
