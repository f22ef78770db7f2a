"""Everything that can go wrong, as one tree.

::

    LimnerError
    ├── InvalidRequestError     what was asked for cannot be done as asked; `param` names the field
    ├── ImageInputError         a picture that was handed in is broken, hostile or too large
    ├── OutputError             a result could not be written
    ├── SettingsError           a setting or LIMNER_* variable is wrong
    ├── ModelError              a model folder is missing, incomplete or damaged
    ├── EngineError             the engine failed while it computed
    │   ├── EngineUnavailableError   its package is missing, or this machine cannot run it
    │   └── NonFiniteError           it put out NaN or infinity
    ├── DataError               art, concept table or captions are missing or wrong
    └── TrainingError           a run cannot start, go on or be resumed

    UserWarning
    └── PromptWarning           the picture is drawn, but not from every word

Every message says what to do. Exceptions of other libraries are translated in the file that met them,
with the original as `__cause__`.
"""

from __future__ import annotations

__all__ = [
    "DataError",
    "EngineError",
    "EngineUnavailableError",
    "ImageInputError",
    "InvalidRequestError",
    "LimnerError",
    "ModelError",
    "NonFiniteError",
    "OutputError",
    "PromptWarning",
    "SettingsError",
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


class InvalidRequestError(LimnerError):
    """The request cannot be honoured as it stands; `param` names the field."""

    exit_code = 2


class ImageInputError(LimnerError):
    """A picture handed in cannot be read safely."""

    exit_code = 2


class OutputError(LimnerError):
    """A result could not be written; nothing is left under the final name."""


class SettingsError(LimnerError):
    """A setting is wrong; found at start, never at the first request."""

    exit_code = 2


class ModelError(LimnerError):
    """A model folder is missing, incomplete or damaged."""


class EngineError(LimnerError):
    """The engine failed while it computed."""


class EngineUnavailableError(EngineError):
    """The engine's package is not installed, or the machine cannot run it."""


class NonFiniteError(EngineError):
    """The engine put out NaN or infinity; such a picture is never written."""


class DataError(LimnerError):
    """Art, concept table or captions are missing or wrong."""


class TrainingError(LimnerError):
    """A training run cannot start, go on or be resumed."""


class PromptWarning(UserWarning):
    """A part of the prompt did not fit into the text encoder's window and was not read."""
