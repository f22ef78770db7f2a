"""A body becomes a call, or the documented error.

The order of the checks is OpenAI's: the model, unknown names, the prompt, the pictures, `n`, the rest in the
order of the table, and last what depends on two fields.
"""

from __future__ import annotations

from typing import Any, NoReturn

from limner.server.contract.calls import Call
from limner.server.contract.field import Field, Route
from limner.server.contract.fields import FIELDS, fields_of
from limner.server.contract.models import Family, ModelName, ModelTable
from limner.server.contract.references import read_picture, read_pictures
from limner.server.contract.sizes import parse_size
from limner.server.contract.values import ABSENT, Reading, invalid_type, json_type, unknown_parameter
from limner.server.errors import BAD_PICTURE, refuse
from limner.server.http.bodies import Body

__all__ = ["validate"]

# Leaving one of these out would make another picture than was asked for: they are never set aside.
_OF_OTHER_ROUTES = frozenset({"image", "images", "mask", "markup"})


def validate(route: Route, body: Body, models: ModelTable, *, strict: bool) -> Call:
    """Judge a body.

    Args:
        route: where it was sent.
        body: what was sent.
        models: the names that there are.
        strict: accept only what OpenAI documents, in its words; otherwise whatever helps a client.

    Raises:
        ApiError: it is refused; the envelope names the field.
    """
    model = _model(route, body, models, strict=strict)
    check = _Check(route=route, body=body, model=model, strict=strict)
    check.names()
    values = {
        field.name: check.value(field) for field in fields_of(route, body.form) if field.name != "model"
    }
    check.together(values)
    return _call(route, model, values, tuple(check.set_aside))


def _model(route: Route, body: Body, models: ModelTable, *, strict: bool) -> ModelName:
    raw = body.files.get("model", (body.values.get("model", ABSENT),))[0]
    if raw is ABSENT or (raw is None and not strict):
        return _unnamed(route, models, strict=strict)
    if not isinstance(raw, str):
        invalid_type("model", "a string", json_type(raw))
    found = models.find(raw)
    if found is None:
        refuse(f"The model '{raw}' does not exist.", "invalid_value", "model", BAD_PICTURE)
    only_dalle2 = route == Route.VARIATIONS or (route == Route.EDITS and found.family == Family.D3)
    if strict and only_dalle2 and found.family != Family.D2:
        refuse(f"Invalid value: '{raw}'. Value must be 'dall-e-2'.", "invalid_value", "model")
    return found


def _unnamed(route: Route, models: ModelTable, *, strict: bool) -> ModelName:
    if strict and route == Route.GENERATIONS:
        refuse("Missing required parameter: 'model'.", "missing_required_parameter", "model")
    return models.unnamed_edit if strict and route == Route.EDITS else models.unnamed


class _Check:
    """The checks of one body, in order."""

    def __init__(self, *, route: Route, body: Body, model: ModelName, strict: bool) -> None:
        self._route = route
        self._body = body
        self._model = model
        self._strict = strict
        self._known = {field.name: field for field in fields_of(route, body.form)}
        self._reading = Reading(model, strict=strict, form=body.form == "form")
        self.set_aside: list[str] = []

    def names(self) -> None:
        """Refuse or set aside the fields that do not exist here."""
        for name in dict.fromkeys([*self._body.values, *self._body.files]):
            root = name.partition("[")[0] if self._body.form == "form" else name
            field = self._known.get(root)
            if field is None:
                self._unknown(name)
            elif self._strict and not self._exists(field):
                unknown_parameter(name)

    def _exists(self, field: Field) -> bool:
        return field.is_known_to(self._model) or _is_refused_later(field, self._model)

    def _unknown(self, name: str) -> None:
        if self._route == Route.EDITS:
            _refuse_other_forms_name(name, self._body.form)
        if self._strict or name.partition("[")[0] in _OF_OTHER_ROUTES:
            unknown_parameter(name)
        self.set_aside.append(name)

    def value(self, field: Field) -> Any:
        """The field's value, judged by itself."""
        raw = self._raw(field)
        if field.kind in ("picture", "pictures"):
            return self._picture(field, raw)
        if field.lenient == "set aside" and not self._strict:
            self._set_aside_if_there(field, raw)
            return None
        value = self._reading.read(field, raw)
        if value is not None and self._strict and not self._is_supported(field):
            self._refuse_unsupported(field)
        if field.kind == "size" and value is not None:
            return parse_size(field, value, self._model, strict=self._strict)
        return value

    def _raw(self, field: Field) -> Any:
        """What was sent for the field; if that was both text and a file, the one that is wrong there."""
        text = self._nested(field) or self._body.values.get(field.name, ABSENT)
        files = self._body.files.get(field.name)
        if field.kind in ("picture", "pictures"):
            return files if files and text is ABSENT else text
        return files[0] if files else text

    def _nested(self, field: Field) -> dict[str, Any]:
        """How a form writes an object: one field for each of its members."""
        if self._body.form != "form":
            return {}
        return {name: value for name, value in self._body.values.items() if name.startswith(f"{field.name}[")}

    def _set_aside_if_there(self, field: Field, raw: Any) -> None:
        if raw is not ABSENT and raw is not None:
            self.set_aside.append(field.name)

    def _picture(self, field: Field, raw: Any) -> Any:
        if field.kind == "pictures":
            return read_pictures(field, raw, self._body, self._model, strict=self._strict)
        found = read_picture(field, raw, self._body.form)
        if found is not None and field.lenient == "refused":
            self._refuse_unsupported(field)
        return found

    def _is_supported(self, field: Field) -> bool:
        return field.lenient == "honoured" and not _is_refused_later(field, self._model)

    def _refuse_unsupported(self, field: Field) -> NoReturn:
        code = "invalid_input_fidelity_model" if field.name == "input_fidelity" else "unsupported_parameter"
        refuse(
            f"The model '{self._model.id}' does not support the '{field.name}' parameter.",
            code,
            field.name,
            BAD_PICTURE,
        )

    def together(self, values: dict[str, Any]) -> None:
        """Refuse or set aside what does not go together."""
        if values.get("stream") and values["n"] > 1:
            refuse("Streaming is only supported with n=1.", "invalid_value", "n")
        if values.get("partial_images") and not values["stream"]:
            message = "The 'partial_images' parameter is only supported when 'stream' is true."
            refuse(message, "unsupported_parameter", "input", BAD_PICTURE)
        if values.get("background") == "transparent":
            _refuse_transparent(values["output_format"])
        if values.get("output_format") == "png" and values["output_compression"] < 100:
            self._compressed_png(values)
        if values.get("stream"):
            self._streamed_link(values)

    def _streamed_link(self, values: dict[str, Any]) -> None:
        """Events hold the picture itself, whatever the family's answers do."""
        if self._body.values.get("response_format") == "url":
            self.set_aside.append("response_format")
        values["response_format"] = "b64_json"

    def _compressed_png(self, values: dict[str, Any]) -> None:
        if self._strict:
            message = "Compression less than 100 is not supported for PNG output format"
            refuse(message, "invalid_png_output_compression", "output_compression", BAD_PICTURE)
        self.set_aside.append("output_compression")
        values["output_compression"] = 100


def _is_refused_later(field: Field, model: ModelName) -> bool:
    """`input_fidelity` on a newer name has an error of its own, and at its own place."""
    return field.name == "input_fidelity" and model.family == Family.G2


def _refuse_other_forms_name(name: str, form: str) -> None:
    if form == "json" and name in ("image", "image[]"):
        refuse(
            f"Unknown parameter: '{name}'. For application/json on /v1/images/edits, use 'images' (array).",
            "invalid_value",
            "image",
        )
    if form == "form" and name.partition("[")[0] == "images":
        refuse(
            f"Unknown parameter: '{name}'. For multipart/form-data use 'image' or 'image[]'.",
            "invalid_value",
            "images",
        )


def _refuse_transparent(output_format: str) -> None:
    if output_format == "jpeg":
        refuse(
            "Transparent background is not supported for JPEG output format",
            "invalid_transparent_background_output_format",
            "background",
            BAD_PICTURE,
        )
    refuse(
        "Transparent background is not supported for this model.", "invalid_value", "background", BAD_PICTURE
    )


_DEFAULTS = {field.name: field.default for field in FIELDS}


def _call(route: Route, model: ModelName, values: dict[str, Any], set_aside: tuple[str, ...]) -> Call:
    """What was read, and defaults for the fields that this route does not have."""

    def get(name: str) -> Any:
        value = values.get(name)
        return _DEFAULTS[name].get(model.family) if value is None else value

    pictures = values.get("image") or values.get("images")
    return Call(
        route=route,
        model=model,
        prompt=values.get("prompt", ""),
        n=get("n"),
        size=values["size"],
        quality=get("quality"),
        background=get("background"),
        moderation=get("moderation"),
        style=get("style"),
        output_format=get("output_format"),
        output_compression=get("output_compression"),
        response_format=get("response_format"),
        stream=get("stream"),
        partial_images=get("partial_images"),
        input_fidelity=get("input_fidelity"),
        safety_identifier=values.get("safety_identifier") or values.get("user") or None,
        picture=pictures[0] if pictures else None,
        mask=values.get("mask"),
        seed=get("seed"),
        steps=get("steps"),
        guidance_scale=get("guidance_scale"),
        negative_prompt=get("negative_prompt") or "",
        strength=get("strength"),
        trace=get("trace"),
        set_aside=set_aside,
    )
