"""The body of `POST /batches`, and the lines of the file that it names: taken in, or what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from limner.bulk.wishes import numbered_lines, object_of
from limner.errors import InvalidRequestError
from limner.server.batches.lines import ENDPOINTS, read_line
from limner.server.contract.values import invalid_choice, invalid_type, json_type, unknown_parameter
from limner.server.errors import ApiError, refuse

__all__ = ["MAX_BYTES", "MAX_LINES", "WINDOWS", "Order", "Survey", "read_order", "survey"]

MAX_LINES = 50_000
MAX_BYTES = 200 * 1024 * 1024
WINDOWS: Mapping[str, int] = {"24h": 24 * 3600}
"""Within what time a batch is done, in seconds."""

_FIELDS = (
    "input_file_id",
    "endpoint",
    "completion_window",
    "metadata",
    "output_expires_after",
)
_MOST_ERRORS = 100
_PAIRS, _KEY_CHARACTERS, _VALUE_CHARACTERS = 16, 64, 512
_LIFETIMES = (3600, 30 * 24 * 3600)


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What a batch is to be made of.

    Attributes:
        input_file_id: the upload with its lines.
        endpoint: where each of them goes.
        completion_window: within what time.
        metadata: to be kept with it.
        output_seconds: how long what it puts out is kept; None is 30 days.
    """

    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str] | None
    output_seconds: int | None


def read_order(values: Mapping[str, Any]) -> Order:
    """Judge a body.

    Raises:
        ApiError: it is refused; `param` names the field.
    """
    for name in values:
        if name not in _FIELDS:
            unknown_parameter(name[:100])
    return Order(
        input_file_id=_text(values, "input_file_id"),
        endpoint=_choice(values, "endpoint", tuple(ENDPOINTS)),
        completion_window=_choice(values, "completion_window", tuple(WINDOWS)),
        metadata=_metadata(values.get("metadata")),
        output_seconds=_output_seconds(values.get("output_expires_after")),
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        refuse(f"Missing required parameter: '{name}'.", "missing_required_parameter", name)
    if not isinstance(values[name], str):
        invalid_type(name, "a string", json_type(values[name]))
    return str(values[name])


def _choice(values: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    found = _text(values, name)
    if found not in choices:
        invalid_choice(name, found[:100], choices)
    return found


def _metadata(given: Any) -> dict[str, str] | None:
    if given is None:
        return None
    if not isinstance(given, dict):
        invalid_type("metadata", "an object", json_type(given))
    if len(given) > _PAIRS:
        _invalid("metadata", f"at most {_PAIRS} pairs")
    for key, value in given.items():
        if not isinstance(value, str):
            invalid_type(f"metadata.{key[:64]}", "a string", json_type(value))
        if len(key) > _KEY_CHARACTERS or len(value) > _VALUE_CHARACTERS:
            most = f"keys of at most {_KEY_CHARACTERS} characters and values of at most {_VALUE_CHARACTERS}"
            _invalid("metadata", most)
        _check_unicode("metadata", key + value)
    return dict(given)


def _check_unicode(name: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        _invalid(name, "valid Unicode text")


def _output_seconds(given: Any) -> int | None:
    name = "output_expires_after"
    if given is None:
        return None
    if not isinstance(given, dict):
        invalid_type(name, "an object", json_type(given))
    for field in given:
        if field not in ("anchor", "seconds"):
            unknown_parameter(f"{name}.{field[:100]}")
    _choice({f"{name}.{field}": value for field, value in given.items()}, f"{name}.anchor", ("created_at",))
    seconds = given.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        invalid_type(f"{name}.seconds", "an integer", json_type(seconds))
    if not _LIFETIMES[0] <= seconds <= _LIFETIMES[1]:
        _invalid(f"{name}.seconds", f"a value from {_LIFETIMES[0]} to {_LIFETIMES[1]}")
    return int(seconds)


def _invalid(param: str, expected: str) -> NoReturn:
    refuse(f"Invalid '{param}': expected {expected}.", "invalid_value", param)


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """What there is in a file.

    Attributes:
        total: its lines.
        errors: what is wrong with them, as the API tells it; at most a hundred.
    """

    total: int
    errors: tuple[dict[str, Any], ...]


def survey(path: Path, endpoint: str) -> Survey:
    """Look at every line of a file, except at the bodies of the calls: those are judged when they are drawn."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        message = f"The file has {size:,} bytes, and at most {MAX_BYTES:,} are allowed: send it in parts."
        return Survey(total=0, errors=(_told("file_too_large", message),))
    total, errors = 0, list[dict[str, Any]]()
    ids: set[str] = set()
    for number, line in numbered_lines(path):
        total += 1
        if total > MAX_LINES:
            message = f"The file has more than {MAX_LINES:,} lines: send it in parts."
            return Survey(total=0, errors=(_told("too_many_tasks", message),))
        error = _problem(line, number, endpoint, ids)
        if error is not None and len(errors) < _MOST_ERRORS:
            errors.append(error)
    if not total:
        errors.append(_told("empty_batch", "The file has no lines: write one call on each."))
    return Survey(total=total, errors=tuple(errors))


def _problem(line: bytes, number: int, endpoint: str, ids: set[str]) -> dict[str, Any] | None:
    try:
        custom_id = read_line(object_of(line), endpoint).custom_id
    except ApiError as error:
        return _told(error.code or "invalid_request", str(error), number, error.param)
    except InvalidRequestError as error:
        return _told("invalid_json_line", f"This line is not parseable as valid JSON: {error}.", number)
    if custom_id in ids:
        message = (
            f"The custom_id for this request is a duplicate of another request: '{custom_id[:100]}'. The "
            "custom_id parameter must be unique for each request in a batch."
        )
        return _told("duplicate_custom_id", message, number, "custom_id")
    ids.add(custom_id)
    return None


def _told(code: str, message: str, line: int | None = None, param: str | None = None) -> dict[str, Any]:
    return {"code": code, "line": line, "message": _sound(message), "param": param and _sound(param)}


def _sound(text: str) -> str:
    """Without the halves of characters that no file can hold."""
    return text.encode(errors="replace").decode()
