"""Everything that can go wrong, as one tree.

::

    LimnerError
    ├── InvalidRequestError     what was asked for cannot be done as asked; `param` names the field
    ├── ImageInputError         a picture that was handed in is broken, hostile or too large
    ├── OutputError             a result could not be written
    │   ├── DatabaseError            the database cannot be reached; later it may
    │   ├── StorageDownError         the object storage cannot be reached; later it may
    │   └── StorageFullError         the store is full, even without all that has expired
    ├── NotFoundError           there is no such picture, file or key
    │   └── ExpiredError             there was, but its time is over
    ├── SettingsError           a setting or LIMNER_* variable is wrong
    ├── ModelError              a model folder is missing, incomplete or damaged
    │   └── DoesNotFitError          it needs more memory than there is; `needed` and `room` are bytes
    ├── EngineError             the engine failed while it computed
    │   ├── EngineUnavailableError   its package is missing, or this machine cannot run it
    │   └── NonFiniteError           it put out NaN or infinity
    ├── QueueFullError          too many requests wait already; `retry_after` says when to come back
    ├── ShuttingDownError       no new work is taken; `retry_after` says when to come back
    ├── CancelledError          the request was taken back before its pictures were done
    ├── DeadlineError           its pictures were not done in time
    ├── DataError               art, concept table or captions are missing or wrong
    └── TrainingError           a run cannot start, go on or be resumed

    UserWarning
    ├── EngineWarning           the model is there, but computed in a slower way
    └── PromptWarning           the picture is drawn, but not from every word

Every message says what to do. Exceptions of other libraries are translated in the file that met them,
with the original as `__cause__`.
"""

from __future__ import annotations

import copyreg
import math
from typing import Any

__all__ = [
    "CancelledError",
    "DataError",
    "DatabaseError",
    "DeadlineError",
    "DoesNotFitError",
    "EngineError",
    "EngineUnavailableError",
    "EngineWarning",
    "ExpiredError",
    "ImageInputError",
    "InvalidRequestError",
    "LimnerError",
    "ModelError",
    "NonFiniteError",
    "NotFoundError",
    "OutputError",
    "PromptWarning",
    "QueueFullError",
    "SettingsError",
    "ShuttingDownError",
    "StorageDownError",
    "StorageFullError",
    "TrainingError",
]


class LimnerError(Exception):
    """Base of every error that limner raises on purpose.

    Attributes:
        exit_code: what the command line exits with: 2 for bad use, 1 for a failure.
        param: the request field at fault, or None.
    """

    exit_code = 1

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process gets the error as it is: what it was made from is not what it is made of."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class InvalidRequestError(LimnerError):
    """The request cannot be honoured as it stands; `param` names the field."""

    exit_code = 2


class ImageInputError(LimnerError):
    """A picture handed in cannot be read safely."""

    exit_code = 2


class OutputError(LimnerError):
    """A result could not be written; nothing is left under the final name."""


class DatabaseError(OutputError):
    """The database cannot be reached, or does not answer in time; what was asked of it may be done or not."""


class StorageDownError(OutputError):
    """The object storage cannot be reached, or fails; nothing was kept or read."""


class StorageFullError(OutputError):
    """There is no room in the store, even without all that has expired."""


class NotFoundError(LimnerError):
    """There is no such picture, file or key, or not for the one who asks."""

    exit_code = 2


class ExpiredError(NotFoundError):
    """There was such a thing, but its time is over."""


class SettingsError(LimnerError):
    """A setting is wrong; found at start, never at the first request."""

    exit_code = 2


class ModelError(LimnerError):
    """A model folder is missing, incomplete or damaged."""


class DoesNotFitError(ModelError):
    """A model needs more memory than there is for it; nothing of it was loaded.

    Attributes:
        needed: the bytes that it is estimated to take.
        room: those that it may have.
    """

    def __init__(self, message: str, *, needed: int, room: int) -> None:
        super().__init__(message)
        self.needed = needed
        self.room = room


class EngineError(LimnerError):
    """The engine failed while it computed."""


class EngineUnavailableError(EngineError):
    """The engine's package is not installed, or the machine cannot run it."""


class NonFiniteError(EngineError):
    """The engine put out NaN or infinity; such a picture is never written."""


class QueueFullError(LimnerError):
    """Too many requests wait already; nothing was begun.

    Attributes:
        retry_after: seconds after which there should be room.
    """

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"Too many requests are waiting: try again in {math.ceil(retry_after)} s")
        self.retry_after = retry_after


class ShuttingDownError(LimnerError):
    """No new work is taken, and what was waiting is sent away.

    Attributes:
        retry_after: seconds after which another process should be there.
    """

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"This process is shutting down: try again in {math.ceil(retry_after)} s")
        self.retry_after = retry_after


class CancelledError(LimnerError):
    """The request was taken back before its pictures were done."""


class DeadlineError(LimnerError):
    """The request's pictures were not done in time."""


class DataError(LimnerError):
    """Art, concept table or captions are missing or wrong."""


class TrainingError(LimnerError):
    """A training run cannot start, go on or be resumed."""


class EngineWarning(UserWarning):
    """A model is computed in a slower way than was asked for."""


class PromptWarning(UserWarning):
    """A part of the prompt did not fit into the text encoder's window and was not read."""
