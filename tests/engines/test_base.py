"""What an engine may do with the machine is checked before it starts."""

from __future__ import annotations

from typing import Any

import pytest

from limner.engines.base import EngineOptions
from limner.errors import InvalidRequestError


def test_by_default_an_engine_takes_all_threads_and_keeps_nothing() -> None:
    """No option needs to be given."""
    options = EngineOptions()
    assert (options.threads, options.cache_dir, options.precision) == (0, None, "auto")


@pytest.mark.parametrize(("name", "value"), [("threads", -1), ("precision", "int3"), ("upscaler", "magic")])
def test_impossible_options_are_refused(name: str, value: Any) -> None:
    """The error names the option."""
    with pytest.raises(InvalidRequestError) as caught:
        EngineOptions(**{name: value})
    assert caught.value.param == name
