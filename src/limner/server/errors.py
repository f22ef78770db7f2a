"""One envelope for everything that goes wrong: ``{"error": {"message", "type", "param", "code"}}``.

What clients match on (types, codes, texts) is as OpenAI sends it. Nothing of the inside leaks: what is not a
`LimnerError` is logged and answered with one sentence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NoReturn

from limner.errors import (
    CancelledError,
    DatabaseError,
    DeadlineError,
    EngineError,
    ImageInputError,
    InvalidRequestError,
    LimnerError,
    ModelError,
    NotFoundError,
    QueueFullError,
    ShuttingDownError,
    StorageDownError,
    StorageFullError,
)

__all__ = [
    "BAD_PICTURE",
    "BAD_REQUEST",
    "ApiError",
    "ClientGoneError",
    "from_http",
    "from_limner",
    "internal_error",
    "noted",
    "refusal",
    "refuse",
]

BAD_REQUEST = "invalid_request_error"
BAD_PICTURE = "image_generation_user_error"

# Clients wait at most so long for a retry: the Python one gives up above 120 s, the Node one above 60 s.
_LONGEST_WAIT = 60.0
# Clients try twice more, as they come: so they outlast what takes ten seconds.
_STORAGE_WAIT = 5.0
_SERVER_SENTENCE = (
    "The server had an error while processing your request. Sorry about that! "
    "You can retry your request, and tell the operator the request ID if it happens again."
)


class ApiError(LimnerError):
    """An answer with a status of 400 or above.

    Attributes:
        status: the HTTP status.
        type, code, param: as in the envelope.
        retry_after: seconds after which trying again makes sense, or None.
        permanent: trying again cannot help; tells clients that would retry by the status alone.
        details: further keys of the error object.
        headers: further headers of the answer.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = BAD_REQUEST,  # noqa: A002  the key's own name
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        permanent: bool = False,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, param=param)
        self.status = status
        self.type = type
        self.code = code
        self.retry_after = retry_after
        self.permanent = permanent
        self.details = dict(details or {})
        self._headers = dict(headers or {})

    def envelope(self) -> dict[str, Any]:
        """The answer's JSON body."""
        error = {"message": str(self), "type": self.type, "param": self.param, "code": self.code}
        return {"error": error | self.details}

    @property
    def headers(self) -> dict[str, str]:
        """The answer's headers about trying again, and its own."""
        found = dict(self._headers)
        if self.retry_after is not None:
            wait = min(max(self.retry_after, 0.001), _LONGEST_WAIT)
            found |= {"retry-after": str(math.ceil(wait)), "retry-after-ms": str(math.ceil(wait * 1000))}
        if self.permanent:
            found["x-should-retry"] = "false"
        return found


class ClientGoneError(LimnerError):
    """Whoever asked hung up; nobody reads the answer."""


def refuse(
    message: str,
    code: str | None,
    param: str | None,
    type: str = BAD_REQUEST,  # noqa: A002  the key's own name
) -> NoReturn:
    """Raise the 400 with this message.

    Raises:
        ApiError: always.
    """
    raise ApiError(message, type=type, code=code, param=param)


def from_limner(error: LimnerError) -> ApiError:
    """How an error from below is told to a client; of what is not the client's doing, nothing is told."""
    known = error if isinstance(error, ApiError) else _of_a_job(error)
    if known is not None:
        return known
    param = _WIRE_NAMES.get(error.param or "", error.param)
    match error:
        case InvalidRequestError():
            return ApiError(str(error), code="invalid_value", param=param)
        case ImageInputError():
            return ApiError(str(error), type=BAD_PICTURE, code="invalid_image_file", param=param)
        case NotFoundError():
            return ApiError(str(error), status=404, code="not_found", param=param)
        case EngineError():
            return _generation_failed()
        case _:
            return internal_error()


def noted(error: LimnerError) -> dict[str, str]:
    """What the log says of an error: its code, the field, and, where it is the server's own, what it was."""
    told = from_limner(error)
    facts = {"error": told.code or told.type}
    if told.param:
        facts["param"] = told.param
    if told.status >= 500:
        facts["cause"] = f"{type(error).__name__}: {error}"
    return facts


def refusal(error: LimnerError) -> str | None:
    """Why a request is not taken in, in a word for the metrics; None where it is this side's fault."""
    told = from_limner(error)
    return _REFUSALS.get(told.code or "", "invalid_request") if told.status < 500 else None


_REFUSALS = {
    "rate_limit_exceeded": "rate_limit",
    "moderation_blocked": "moderation",
    "content_policy_violation": "moderation",
}


def _generation_failed() -> ApiError:
    return ApiError(
        "Image generation failed",
        status=500,
        type="image_generation_server_error",
        code="image_generation_failed",
    )


# What the pipeline's fields are called on the wire, where it is not the same.
_WIRE_NAMES = {"guidance": "guidance_scale", "image_HWC": "image", "mask_HW": "mask"}


def _of_a_job(error: LimnerError) -> ApiError | None:
    """What becomes of a request that was not drawn, though nothing was wrong with it."""
    wait = getattr(error, "retry_after", None)
    if isinstance(error, QueueFullError):
        message = "Too many pictures are waiting to be drawn: try again later."
        return ApiError(message, status=429, type="rate_limit_error", code="slow_down", retry_after=wait)
    if isinstance(error, ShuttingDownError | CancelledError):
        message = "The server is shutting down: try again soon."
        return _overloaded(message, wait or 1.0)
    if isinstance(error, DeadlineError):
        message = "The picture was not finished in time: ask for fewer pictures or steps, or try again later."
        return ApiError(message, status=504, type="server_error", code="request_timeout", permanent=True)
    if isinstance(error, DatabaseError | StorageDownError | StorageFullError):
        return _without_store(error)
    if isinstance(error, ModelError):
        # The numbers and the remedy are the operator's business, and in the log.
        message = "The model cannot be loaded: choose another one, or tell the operator of this server the request ID."
        return ApiError(message, status=503, type="server_error", code="model_not_loaded", permanent=True)
    return None


def _without_store(error: LimnerError) -> ApiError:
    """What becomes of a request that needs files or the database, where there are none."""
    if isinstance(error, DatabaseError):
        return _overloaded("The server's database does not answer just now: try again soon.", _STORAGE_WAIT)
    if isinstance(error, StorageFullError):
        message = "There is no room for more files: ask for pictures as b64_json, or try again later."
        return _overloaded(message, _LONGEST_WAIT)
    message = "Files cannot be kept or read just now: ask for pictures as b64_json, or try again soon."
    return _overloaded(message, _STORAGE_WAIT)


def _overloaded(message: str, wait: float) -> ApiError:
    return ApiError(
        message,
        status=503,
        type="service_unavailable_error",
        code="server_is_overloaded",
        retry_after=wait,
    )


def internal_error() -> ApiError:
    """The answer to a fault of the server's own: one sentence, whatever happened."""
    return ApiError(_SERVER_SENTENCE, status=500, type="server_error")


def from_http(status: int, method: str, path: str, headers: Mapping[str, str] | None = None) -> ApiError:
    """How the framework's own refusals (404, 405 and the like) are told."""
    messages = {
        404: (f"Invalid URL ({method} {path})", "unknown_url"),
        405: (f"Not allowed to {method} on {path}.", "method_not_supported"),
    }
    message, code = messages.get(status, (HTTPStatus(status).phrase, None))
    return ApiError(message, status=status, code=code, headers=headers)
