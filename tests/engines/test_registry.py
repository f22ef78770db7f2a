"""Engines are known by name, and imported only when asked for."""

from __future__ import annotations

import sys

import pytest

from limner.engines.base import EngineOptions
from limner.engines.fake import FakeEngine
from limner.engines.registry import ENGINES, create_engine, find_engine
from limner.errors import EngineUnavailableError, InvalidRequestError


def test_an_engine_is_created_by_name() -> None:
    """The name "fake" gives the fake engine, without a model."""
    assert isinstance(create_engine("fake", None, EngineOptions()), FakeEngine)


@pytest.mark.parametrize("name", ["", "Fake", "onnx", "limner.engines.fake"])
def test_an_unknown_engine_is_refused_with_the_names_of_those_there_are(name: str) -> None:
    """Only the names in the table are engines; the message lists them."""
    with pytest.raises(InvalidRequestError, match="openvino, torch, diffusers, converted, fake") as caught:
        create_engine(name, None, EngineOptions())
    assert caught.value.param == "engine"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("torch", r"pip install 'limner\[torch\]'"),
        ("diffusers", r"pip install 'limner\[diffusers\]'"),
        ("converted", r"pip install 'limner\[diffusers\]'"),
        ("openvino", "pip install 'limner'"),
    ],
)
def test_a_missing_package_is_named_with_the_cure(
    name: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where an engine's module cannot be imported, the message says what to install."""
    monkeypatch.setitem(sys.modules, find_engine(name).module, None)
    with pytest.raises(EngineUnavailableError, match=hint) as caught:
        create_engine(name, None, EngineOptions())
    assert isinstance(caught.value.__cause__, ImportError)


def test_only_the_fake_engine_needs_no_model() -> None:
    """The others open a model folder."""
    assert [name for name, entry in ENGINES.items() if not entry.needs_model] == ["fake"]
