"""Writes docs/api-compat.md from `limner.server.contract.fields`; with --check only says whether it is up to date."""

# ruff: noqa: INP001 - a script is run, never imported

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from generated import write_or_check

from limner.server.contract.field import Field, Route
from limner.server.contract.fields import FIELDS
from limner.server.contract.models import OPENAI_NAMES, Family

__all__ = ["api_page"]

PAGE = Path(__file__).parents[1] / "docs" / "api-compat.md"
HEAD = """# The Images API, field by field

Generated from `src/limner/server/contract/fields.py` by `make docs`; edit there.

`limner serve` answers OpenAI's Images API. One model is loaded, and all of OpenAI's image model names, those that
were shut down too, are names for it; the name decides by whose rules a request is judged and answered.

| family | names | answers with |
|---|---|---|
{families}

The loaded model's own name follows the newest contract (G2). `LIMNER_ALIASES` adds names. A date behind a name is
the same name.

**Lenient mode**, the default, takes every field for every name, within the widest bounds of all families, null in
place of a value, and names that nobody knows. What it does not honour is named in the answer's header
`x-limner-ignored`. What would make another picture than was asked for is refused. **Strict mode** (`LIMNER_STRICT`,
`limner serve --strict`) refuses what OpenAI refuses, with its types, codes and texts, in its order: the model,
unknown names, the prompt, pictures, `n`, the rest in the order of these tables, and last what depends on two fields.

In the tables, *strict for* says for which families a field exists in strict mode; for all others it is
`unknown_parameter`. *In lenient mode* says what becomes of it there. *Errors* are codes; their texts are OpenAI's.
"""
ROUTES = {
    Route.GENERATIONS: (
        "POST /v1/images/generations",
        "JSON. Draws pictures of a prompt.",
    ),
    Route.EDITS: (
        "POST /v1/images/edits",
        "A multipart form, or JSON with `images`. Draws a part of a picture anew, or all of it.",
    ),
    Route.VARIATIONS: (
        "POST /v1/images/variations",
        "A multipart form. Draws more pictures like one. OpenAI has retired it; here it stays, in both modes.",
    ),
}
TABLE = """
## {title}

{what}

| field | type | values | default | null in strict mode | strict for | in lenient mode | errors | what limner does |
|---|---|---|---|---|---|---|---|---|
"""
TAIL = """
## Sizes

In strict mode G2 takes `auto` or any width x height whose sides are multiples of 16 and at most 3840, neither longer
than three times the other, with 655,360 to 8,294,400 pixels. What is drawn has exactly the pixels asked for, in every
format. `auto` is the model's own size; for an edit it is the source's size, made smaller where a side is above 4096.

## Masks

Where the mask's alpha is 0 the picture is drawn anew, and nowhere else: half transparent stays. If the result has
the source's size (`size` absent or `auto` for G names, or spelled out), every other pixel is the source's to the bit,
before the file is written; PNG keeps it so, JPEG and lossy WebP do what they do to every picture. At another size the
source is resampled first. The mask must have the source's size; EXIF orientation is applied to both.

## Where OpenAI's contract is silent

| case | here |
|---|---|
| no `model` | lenient: DALL·E 2's contract; strict: an error, for edits `gpt-image-1.5`'s contract |
| `stream` with `n` above 1 | 400 `invalid_value`, param `n` |
| a stream for a `url` name | the events hold `b64_json`; a `response_format` of `url` is set aside |
| end of a stream | no `[DONE]` |
| more than 16 pictures | 400 `array_above_max_length`; 2 to 16: 400 `unsupported_parameter`, named |
| unknown `file_id` | 400 `invalid_value` |
| a part over 50 MB | 413 `file_too_large`; a body over all limits 413 `request_too_large` |
| another content type | 415 `unsupported_content_type` |
| unknown path, wrong method | 404 `unknown_url`, 405 `method_not_supported`, in the envelope |
| a prompt of white space | drawn, as OpenAI does; what it shows is up to the model |
| more than 82,944,000 pixels in one request, ten of OpenAI's largest pictures | 400 `invalid_value`, param `n` |
| the aspect ratio is wrong | 400 `invalid_value` "The aspect ratio must be between 1:3 and 3:1." |
| an expired link | 403 `url_expired`; one that never was 404 `not_found` |
| a full queue | 429 `slow_down` with `retry-after`; shutting down or no room on disk 503 `server_is_overloaded` |
| not drawn within `LIMNER_REQUEST_TIMEOUT` | 504 `request_timeout` and `x-should-retry: false` |
| `usage` | pictures count tiles as OpenAI's published numbers do; text counts words and marks |
| the prompt is longer than the model reads | the header `x-limner-unread` tells how many characters were not read |
| an unknown deployment in an Azure path | 404 `DeploymentNotFound` |
"""
KINDS = {
    "choice": "string",
    "size": "string",
    "identifier": "string or number",
    "picture": "file, or object in JSON",
}
ERRORS: dict[str, tuple[str, ...]] = {
    "boolean": ("invalid_type",),
    "choice": ("invalid_type", "invalid_value"),
    "identifier": ("invalid_type",),
    "integer": ("invalid_type", "integer_below_min_value", "integer_above_max_value"),
    "number": ("invalid_type", "decimal_below_min_value", "decimal_above_max_value"),
    "object": ("invalid_type",),
    "picture": ("invalid_type", "invalid_image_file"),
    "pictures": (
        "invalid_type",
        "missing_required_parameter",
        "invalid_image_file",
        "unsupported_file_mimetype",
    ),
    "size": ("invalid_type", "invalid_value", "invalid_size"),
    "string": ("invalid_type",),
}
OF_FIELDS: dict[str, tuple[str, ...]] = {
    "model": ("missing_required_parameter", "invalid_value"),
    "prompt": ("missing_required_parameter", "empty_string"),
    "mask": ("invalid_mask_image_format",),
    "background": ("invalid_transparent_background_output_format",),
    "output_compression": ("invalid_png_output_compression",),
    "input_fidelity": ("invalid_input_fidelity_model",),
    "partial_images": ("unsupported_parameter",),
}


def _families() -> str:
    rows = []
    for family in Family:
        names = ", ".join(f"`{name.id}`" for name in OPENAI_NAMES if name.family == family)
        what = "`url`, `created`" if family.is_dalle else "`b64_json`, `usage`, resolved values; streams"
        what += ", `revised_prompt`" if family == Family.D3 else ""
        rows.append(f"| {family} | {names} | {what} |")
    return "\n".join(rows)


def _joined(by_family: Mapping[Family, Any]) -> str:
    """One value if all families share it, else each value with its families."""
    values: dict[str, list[str]] = {}
    for family in Family:
        if family in by_family:
            values.setdefault(str(by_family[family]), []).append(family.value)
    if len(values) == 1:
        return next(iter(values))
    return "; ".join(f"{' '.join(families)}: {value}" for value, families in values.items())


def _values(field: Field) -> str:
    if field.choices:
        told = _joined({family: ", ".join(map(_code, values)) for family, values in field.choices.items()})
        return f"{told}; from 2.5 on {', '.join(map(_code, field.finer))}" if field.finer else told
    unit = " characters" if field.kind == "string" else ""
    return _joined({family: f"{low:,} to {high:,}{unit}" for family, (low, high) in field.bounds.items()})


def _code(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`"


def _default(field: Field) -> str:
    if field.required:
        return "required"
    return _joined({family: _code(value) for family, value in field.default.items()}) or "none"


def _strict(field: Field) -> str:
    if field.extension:
        return "nobody"
    names = [name.id for name in OPENAI_NAMES if field.feature in name.features]
    if field.feature:
        return ", ".join(map(_code, names))
    return "all" if field.families == frozenset(Family) else " ".join(sorted(field.families))


def _errors(field: Field) -> str:
    codes = [*OF_FIELDS.get(field.name, ()), *ERRORS[field.kind]]
    codes += ["string_above_max_length"] if field.kind == "string" and field.bounds else []
    codes += ["unsupported_parameter"] if field.lenient != "honoured" else []
    return ", ".join(map(_code, dict.fromkeys(codes)))


def _type(field: Field) -> str:
    if field.kind == "pictures":
        return "file" if "form" in field.forms else "array of objects"
    return KINDS.get(field.kind, field.kind)


def _row(field: Field) -> str:
    cells = (
        _code(field.name) + (" (limner's own)" if field.extension else ""),
        _type(field),
        _values(field) or "any",
        _default(field),
        "an error" if field.null == "error" else "absent",
        _strict(field),
        field.lenient,
        _errors(field),
        field.does,
    )
    return f"| {' | '.join(cells)} |\n"


def _table(route: Route, fields: Iterable[Field]) -> str:
    title, what = ROUTES[route]
    rows = "".join(_row(field) for field in fields if route in field.routes)
    return TABLE.format(title=title, what=what) + rows


def api_page() -> str:
    """The page: a table for each route, and what the tables cannot say."""
    tables = "".join(_table(route, FIELDS) for route in Route)
    return HEAD.format(families=_families()) + tables + TAIL


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, api_page()))
