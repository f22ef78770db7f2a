"""Every field of the images API, as data.

Validation walks this table, and so do the OpenAPI document, `docs/api-compat.md` and the tests. Rows stand in
the order in which OpenAI checks them, `model` and unknown names going before all.

In strict mode a field exists only for the families named in its row. In lenient mode each field exists for
every name, within the widest bounds of all families; what is not honoured even then is set aside, and the
answer says so in the header `x-limner-ignored`, or refused by name.
"""

from __future__ import annotations

from typing import Any

from limner.server.contract.field import Field, Route
from limner.server.contract.models import Family
from limner.types import MAX_GUIDANCE, MAX_SEED, MAX_STEPS

__all__ = ["FIELDS", "fields_of"]

_DALLE = frozenset({Family.D2, Family.D3})
_GPT = frozenset({Family.G1, Family.G2})
_DRAWN = frozenset({Route.GENERATIONS, Route.EDITS})
_FROM_PICTURE = frozenset({Route.EDITS, Route.VARIATIONS})


def _all(value: Any) -> dict[Family, Any]:
    return dict.fromkeys(Family, value)


def _dalle(value: Any) -> dict[Family, Any]:
    return dict.fromkeys(sorted(_DALLE), value)


def _gpt(value: Any) -> dict[Family, Any]:
    return dict.fromkeys(sorted(_GPT), value)


_PICTURES = (
    Field(
        name="image",
        kind="pictures",
        does="The picture to start from: PNG, WebP, JPEG or GIF, told by its bytes. One; more are refused.",
        routes=_FROM_PICTURE,
        forms=frozenset({"form"}),
        required=True,
        null="error",
    ),
    Field(
        name="images",
        kind="pictures",
        does="The same in a JSON body: one object with `image_url` (https or a data URL) or `file_id`.",
        routes=frozenset({Route.EDITS}),
        forms=frozenset({"json"}),
        required=True,
        null="error",
    ),
    Field(
        name="mask",
        kind="picture",
        does="Where alpha is 0 the picture is drawn anew; all else stays, to the bit at the picture's own size. "
        "Without it, a transparent picture sent to a D2 name is its own mask.",
        routes=frozenset({Route.EDITS}),
    ),
    Field(
        name="markup",
        kind="picture",
        does="Refused: the model cannot read drawn hints.",
        routes=frozenset({Route.EDITS}),
        families=_GPT,
        feature="markup",
        lenient="refused",
    ),
)

_LOOKS = (
    Field(
        name="n",
        kind="integer",
        does="So many pictures, each with a seed of its own; all together at most 82,944,000 pixels, which are ten "
        "of OpenAI's largest. With `stream` only 1.",
        default=_all(1),
        bounds=_all((1, 10)) | {Family.D3: (1, 1)},
    ),
    Field(
        name="quality",
        kind="choice",
        does="Denoising steps: half the model's own number for `low`, its own for `medium`, `standard` and "
        "`auto`, two, three and four times as many for `high` (`hd`), `xhigh` and `max`. `steps` wins over it.",
        routes=_DRAWN,
        default=_gpt("auto") | _dalle("standard"),
        choices=_gpt(("low", "medium", "high", "auto"))
        | {Family.D2: ("standard",), Family.D3: ("standard", "hd")},
        finer=("xhigh", "max"),
    ),
    Field(
        name="background",
        kind="choice",
        does="`opaque` is what is drawn, and what `auto` means; `transparent` is refused.",
        routes=_DRAWN,
        families=_GPT,
        default=_all("auto"),
        choices=_gpt(("transparent", "opaque", "auto")),
    ),
    Field(
        name="moderation",
        kind="choice",
        does="How strictly the prompt is looked at.",
        routes=_DRAWN,
        families=_GPT,
        default=_all("auto"),
        choices=_gpt(("auto", "low")),
    ),
    Field(
        name="output_format",
        kind="choice",
        does="The file's format; `gif` and `svg`, which OpenAI gives to few, are refused.",
        routes=_DRAWN,
        families=_GPT,
        default=_all("png"),
        choices=_gpt(("png", "webp", "jpeg")),
    ),
    Field(
        name="output_compression",
        kind="integer",
        does="JPEG and WebP: how good the file is, 100 the best. With PNG, which loses nothing, only 100; "
        "less is refused in strict mode and set aside in lenient mode.",
        routes=_DRAWN,
        families=_GPT,
        default=_all(100),
        bounds=_gpt((0, 100)),
    ),
    Field(
        name="size",
        kind="size",
        does="Exactly so many pixels, drawn in the nearest shape that the model has. "
        "`auto` is the model's own size, or the source picture's; "
        "lenient mode takes any from 16 to 4096 a side.",
        default=_gpt("auto") | _dalle("1024x1024"),
        choices={
            Family.D2: ("256x256", "512x512", "1024x1024"),
            Family.D3: ("1024x1024", "1792x1024", "1024x1792"),
            Family.G1: ("1024x1024", "1024x1536", "1536x1024", "auto"),
        },
    ),
)

_ANSWER = (
    Field(
        name="stream",
        kind="boolean",
        does="The picture arrives as server-sent events.",
        routes=_DRAWN,
        families=_GPT,
        default=_all(False),  # noqa: FBT003  the field's value
    ),
    Field(
        name="partial_images",
        kind="integer",
        does="So many real previews of the picture as it is drawn come before it; needs `stream`.",
        routes=_DRAWN,
        families=_GPT,
        default=_all(0),
        bounds=_gpt((0, 3)),
    ),
    Field(
        name="input_fidelity",
        kind="choice",
        does="Without a mask: `high` stays nearer to the picture (`strength` 0.3 in place of 0.6). With one, all "
        "outside it stays anyway.",
        routes=frozenset({Route.EDITS}),
        families=_GPT,
        feature="input_fidelity",
        choices=_gpt(("high", "low")),
    ),
    Field(
        name="response_format",
        kind="choice",
        does="`url` or `b64_json`; where it is absent, the family decides.",
        families=_DALLE,
        default=_dalle("url") | _gpt("b64_json"),
        choices=_dalle(("url", "b64_json")),
        null="error",
    ),
    Field(
        name="style",
        kind="choice",
        does="`vivid` is what the model draws; `natural` takes a quarter off the colours' strength.",
        routes=frozenset({Route.GENERATIONS}),
        families=frozenset({Family.D3}),
        default=_all("vivid"),
        choices={Family.D3: ("vivid", "natural")},
        null="error",
    ),
    Field(
        name="safety_identifier",
        kind="string",
        does="In the answer and in the log; wins over `user`.",
        routes=_DRAWN,
        bounds=_all((0, 128)),
    ),
    Field(
        name="user",
        kind="identifier",
        does="The same as `safety_identifier`, by its old name.",
    ),
)

_REFUSED = (
    Field(
        name="complexity",
        kind="choice",
        does="The model has no such choice.",
        routes=_DRAWN,
        families=_GPT,
        feature="complexity",
        choices=_gpt(("low", "medium", "high")),
        lenient="set aside",
    ),
    Field(
        name="frame_count",
        kind="integer",
        does="Only animated GIFs have frames, and those are refused.",
        routes=_DRAWN,
        families=_GPT,
        feature="frames",
        bounds=_gpt((2, 16)),
        lenient="set aside",
    ),
    Field(
        name="frame_duration_ms",
        kind="integer",
        does="Only animated GIFs have frames, and those are refused.",
        routes=_DRAWN,
        families=_GPT,
        feature="frames",
        bounds=_gpt((20, 655_350)),
        lenient="set aside",
    ),
    Field(
        name="svg",
        kind="object",
        does="Only SVG output has an author model, and SVG is refused.",
        routes=_DRAWN,
        families=_GPT,
        feature="svg",
        lenient="set aside",
    ),
)

_EXTENSIONS = (
    Field(
        name="seed",
        kind="integer",
        does="The same seed draws the same picture; the answer tells each picture's own.",
        bounds=_all((0, MAX_SEED)),
        extension=True,
    ),
    Field(
        name="steps",
        kind="integer",
        does="Denoising steps; wins over `quality`.",
        bounds=_all((1, MAX_STEPS)),
        extension=True,
    ),
    Field(
        name="guidance_scale",
        kind="number",
        does="How strictly to follow the prompt; 1 is not to lead at all.",
        bounds=_all((1, MAX_GUIDANCE)),
        extension=True,
    ),
    Field(
        name="negative_prompt",
        kind="string",
        does="What to lead away from; refused where the guidance is 1, which leads nowhere.",
        bounds=_all((0, 32_000)),
        extension=True,
    ),
    Field(
        name="strength",
        kind="number",
        does="How far to go from the picture: near 0 is hardly, 1 is all the way. 1 under a mask, else 0.6.",
        routes=_FROM_PICTURE,
        bounds=_all((0.01, 1)),
        extension=True,
    ),
    Field(
        name="trace",
        kind="boolean",
        does="The answer tells of each picture how it came about.",
        default=_all(False),  # noqa: FBT003  the field's value
        extension=True,
    ),
)

FIELDS: tuple[Field, ...] = (
    Field(
        name="model",
        kind="string",
        does="Any of OpenAI's image models, the loaded model's own name, or an alias from the settings. Absent, "
        "it is `dall-e-2`'s contract in lenient mode; strict mode wants it, edits apart (`gpt-image-1.5`).",
        null="error",
    ),
    Field(
        name="prompt",
        kind="string",
        does="What is drawn.",
        routes=_DRAWN,
        required=True,
        bounds={Family.D2: (1, 1000), Family.D3: (1, 4000), Family.G1: (1, 32_000), Family.G2: (1, 32_000)},
        null="error",
    ),
    *_PICTURES,
    *_LOOKS,
    *_ANSWER,
    *_REFUSED,
    *_EXTENSIONS,
)
"""All fields, in the order in which they are checked."""


def fields_of(route: Route, form: str) -> tuple[Field, ...]:
    """The fields that a route has in a body of this form ("json" or "form")."""
    return tuple(found for found in FIELDS if route in found.routes and form in found.forms)
