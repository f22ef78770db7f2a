"""One value of one field: of the right type, among the choices, within bounds; or the documented error."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from limner.server.contract.field import Field, Number
from limner.server.contract.models import ModelName
from limner.server.errors import refuse

__all__ = ["ABSENT", "Reading", "invalid_choice", "invalid_type", "json_type", "listed", "unknown_parameter"]

ABSENT: Any = object()
"""What stands for a field that was not sent; None is one that was sent as null."""

_INTEGER = re.compile(r"[+-]?\d{1,20}\Z", re.ASCII)
_JSON_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a decimal number"),
    (str, "a string"),
    (Mapping, "an object"),
    (Sequence, "an array"),
)
_EXPECTED = {
    "boolean": "a boolean",
    "identifier": "a string",
    "integer": "an integer",
    "number": "a number",
    "object": "an object",
    "size": "a string",
    "string": "a string",
}


def json_type(value: Any) -> str:
    """How OpenAI's errors name the JSON type of a value; what is none of JSON's is an uploaded file."""
    if value is None:
        return "null"
    return next((name for kind, name in _JSON_TYPES if isinstance(value, kind)), "a file")


def listed(choices: Sequence[str], word: str) -> str:
    """Choices as OpenAI's errors list them: ``'a'``, ``'a' and 'b'``, ``'a', 'b', and 'c'``."""
    quoted = [f"'{choice}'" for choice in choices]
    if len(quoted) <= 2:
        return f" {word} ".join(quoted)
    return f"{', '.join(quoted[:-1])}, {word} {quoted[-1]}"


def invalid_type(param: str, expected: str, got: str) -> NoReturn:
    """Refuse a value of a wrong JSON type.

    Raises:
        ApiError: always.
    """
    refuse(f"Invalid type for '{param}': expected {expected}, but got {got} instead.", "invalid_type", param)


def invalid_choice(param: str, value: str, choices: Sequence[str]) -> NoReturn:
    """Refuse a value that is none of the choices.

    Raises:
        ApiError: always.
    """
    message = f"Invalid value: '{value}'. Supported values are: {listed(choices, 'and')}."
    refuse(message, "invalid_value", param)


def unknown_parameter(name: str) -> NoReturn:
    """Refuse a field that does not exist here.

    Raises:
        ApiError: always.
    """
    refuse(f"Unknown parameter: '{name}'.", "unknown_parameter", name)


class Reading:
    """Reads the values of one request's fields.

    Args:
        model: the name that was asked for; its family decides choices and bounds.
        strict: whether only what the family documents is accepted.
        form: the values are strings of a multipart form, not JSON.
    """

    def __init__(self, model: ModelName, *, strict: bool, form: bool) -> None:
        self._model = model
        self._strict = strict
        self._form = form
        self._readers: dict[str, Callable[[Field, Any], Any]] = {
            "boolean": self._boolean,
            "choice": self._choice,
            "identifier": self._identifier,
            "integer": self._integer,
            "number": self._number,
            "object": self._object,
            "size": self._string,
            "string": self._string,
        }

    def read(self, field: Field, raw: Any) -> Any:
        """The field's value; its family's default where it is absent.

        Raises:
            ApiError: it cannot be accepted.
        """
        if self._is_absent(field, raw):
            if field.required:
                refuse(
                    f"Missing required parameter: '{field.name}'.", "missing_required_parameter", field.name
                )
            return field.default.get(self._model.family)
        return self._readers[field.kind](field, raw)

    def _is_absent(self, field: Field, raw: Any) -> bool:
        # In a form, null can only be written as the word; OpenAI's Node client does so.
        as_word = self._form and raw == "null" and field.kind not in ("string", "identifier")
        if raw is None or (as_word and not self._strict):
            must_be_told = field.required or (field.null == "error" and self._strict)
            return not must_be_told
        return raw is ABSENT

    def _expect(self, field: Field, raw: Any, kinds: type | tuple[type, ...]) -> None:
        expected = _EXPECTED.get(field.kind) or f"one of {listed(field.choices_of(self._model), 'or')}"
        is_bool = isinstance(raw, bool) and kinds is not bool
        if is_bool or not isinstance(raw, kinds):
            invalid_type(field.name, expected, json_type(raw))

    def _boolean(self, field: Field, raw: Any) -> bool:
        if self._form and isinstance(raw, str):
            if raw.lower() not in ("true", "false"):
                self._unconvertible(field)
            return raw.lower() == "true"
        self._expect(field, raw, bool)
        return bool(raw)

    def _integer(self, field: Field, raw: Any) -> int:
        if self._form and isinstance(raw, str):
            if not _INTEGER.match(raw):
                self._unconvertible(field)
            raw = int(raw)
        self._expect(field, raw, int)
        self._within(field, raw, "integer")
        return int(raw)

    def _number(self, field: Field, raw: Any) -> float:
        if self._form and isinstance(raw, str):
            raw = _float(raw)
            if raw is None:
                self._unconvertible(field)
        self._expect(field, raw, (int, float))
        self._within(field, raw, "decimal")
        return float(raw)

    def _unconvertible(self, field: Field) -> NoReturn:
        kind = _EXPECTED[field.kind]
        refuse(
            f"Invalid type for '{field.name}': expected {kind}, but got a string value that could not be "
            f"converted into {kind}.",
            "invalid_type",
            field.name,
        )

    def _within(self, field: Field, value: Number, kind: str) -> None:
        low, high = field.bounds_of(self._model, strict=self._strict)
        if low <= value <= high:
            return
        side, most, bound = ("above", "max", f"<= {high}") if value > high else ("below", "min", f">= {low}")
        refuse(
            f"Invalid '{field.name}': {kind} {side} {most}imum value. "
            f"Expected a value {bound}, but got {value} instead.",
            f"{kind}_{side}_{most}_value",
            field.name,
        )

    def _choice(self, field: Field, raw: Any) -> str:
        self._expect(field, raw, str)
        allowed = field.choices_of(self._model) if self._strict else field.all_choices
        if raw not in allowed:
            invalid_choice(field.name, raw, field.choices_of(self._model))
        return str(raw)

    def _string(self, field: Field, raw: Any) -> str:
        self._expect(field, raw, str)
        if field.bounds:
            self._check_length(field, raw)
        return str(raw)

    def _check_length(self, field: Field, raw: str) -> None:
        low, high = field.bounds_of(self._model, strict=self._strict)
        length = len(raw.encode("utf-16-le", errors="surrogatepass")) // 2
        if length < low:
            refuse(
                f"Invalid '{field.name}': empty string. Expected a string with minimum length {low}, "
                "but got an empty string instead.",
                "empty_string",
                field.name,
            )
        if length > high:
            self._too_long(field, raw, length, high)

    def _too_long(self, field: Field, raw: str, length: int, high: Number) -> NoReturn:
        if self._strict and field.name == "prompt" and self._model.family.is_dalle:
            refuse(f"'{raw}' is too long - 'prompt'", None, None)
        refuse(
            f"Invalid '{field.name}': string too long. Expected a string with maximum length {high}, "
            f"but got a string with length {length} instead.",
            "string_above_max_length",
            field.name,
        )

    def _identifier(self, field: Field, raw: Any) -> str:
        # OpenAI tolerates a number here.
        self._expect(field, raw, (str, int, float))
        return str(raw)

    def _object(self, field: Field, raw: Any) -> Any:
        self._expect(field, raw, Mapping)
        return raw


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
