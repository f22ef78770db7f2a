"""The DALL·E API on your own machine: a prompt becomes a picture, and you can watch it happen.

>>> import limner
>>> pipeline = limner.load(engine="fake")
>>> [picture] = pipeline.generate("A cute puppy playing with a ball in the park", seed=7)
>>> picture.pixels_HWC.shape
(256, 256, 3)

Read `limner.pipeline` first. Importing this package imports nothing heavy: each name below is fetched
from its module when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from limner import errors

if TYPE_CHECKING:
    from limner.imaging.picture import Picture
    from limner.loading import load
    from limner.pipeline import Pipeline
    from limner.types import Trace

__all__ = ["Picture", "Pipeline", "Trace", "__version__", "errors", "load"]

__version__ = "0.1.0"

_HOMES = {
    "Picture": "limner.imaging.picture",
    "Pipeline": "limner.pipeline",
    "Trace": "limner.types",
    "load": "limner.loading",
}


def __getattr__(name: str) -> Any:
    """Fetch a public name from its module on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
