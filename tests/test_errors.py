"""`limner.errors`: an error is the same on the other side of a process's border."""

from __future__ import annotations

import pickle

import pytest

from limner.errors import DoesNotFitError, InvalidRequestError, LimnerError, QueueFullError


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequestError("n must be less", param="n"),
        QueueFullError(2.5),
        DoesNotFitError("too large", needed=2, room=1),
    ],
)
def test_an_error_crosses_processes_as_it_is(error: LimnerError) -> None:
    """Message and attributes arrive, whatever the error was made from."""
    found = pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes
    assert (type(found), str(found), vars(found)) == (type(error), str(error), vars(error))
