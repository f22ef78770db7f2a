"""From names to a pipeline."""

from __future__ import annotations

from typing import Any

import pytest

import limner
from limner.errors import InvalidRequestError, ModelError


def test_the_fake_engine_is_loaded_without_a_model() -> None:
    """No model has to be there to try limner out."""
    assert limner.load(engine="fake").engine.capabilities.model == "fake"


def test_an_unknown_model_is_an_error() -> None:
    """A name that is neither a shipped model nor a folder is refused."""
    with pytest.raises(ModelError, match="no-such-model"):
        limner.load("no-such-model")


@pytest.mark.parametrize(
    ("arguments", "param"),
    [({"engine": "abacus"}, "engine"), ({"threads": -1}, "threads"), ({"precision": "f8"}, "precision")],
)
def test_bad_arguments_are_refused_by_name(arguments: dict[str, Any], param: str) -> None:
    """Each is checked before a model is looked for."""
    with pytest.raises(InvalidRequestError) as caught:
        limner.load("no-such-model", **arguments)
    assert caught.value.param == param
