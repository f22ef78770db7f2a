"""The engines by name. All are known up front; each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from limner.engines.base import Engine, EngineOptions
from limner.errors import EngineUnavailableError, InvalidRequestError

__all__ = ["ENGINES", "EngineEntry", "create_engine", "find_engine"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineEntry:
    """Where an engine lives and what it takes.

    Attributes:
        module: its module, which has ``load(folder, options) -> Engine``.
        install: what pip must be told where its packages are missing.
        needs_model: it opens a model folder; otherwise its folder is None.
        uses_torch: it computes where torch does, on a GPU if there is one; otherwise on the processor.
    """

    module: str
    install: str
    needs_model: bool = True
    uses_torch: bool = False


ENGINES: Mapping[str, EngineEntry] = MappingProxyType(
    {
        "openvino": EngineEntry(module="limner.engines.openvino", install="limner"),
        "torch": EngineEntry(module="limner.engines.torch", install="limner[torch]", uses_torch=True),
        "diffusers": EngineEntry(
            module="limner.engines.diffusers", install="limner[diffusers]", uses_torch=True
        ),
        "converted": EngineEntry(
            module="limner.engines.converted", install="limner[diffusers]", uses_torch=True
        ),
        "fake": EngineEntry(module="limner.engines.fake", install="limner", needs_model=False),
    }
)


def find_engine(name: str) -> EngineEntry:
    """The engine's entry.

    Raises:
        InvalidRequestError: there is no such engine; the message lists those there are.
    """
    if name not in ENGINES:
        raise InvalidRequestError(
            f"There is no engine {name!r}; choose one of: {', '.join(ENGINES)}.", param="engine"
        )
    return ENGINES[name]


def create_engine(name: str, folder: Path | None, options: EngineOptions) -> Engine:
    """Import an engine and open a model with it.

    Args:
        name: one of `ENGINES`.
        folder: the model's folder; None for an engine that needs none.
        options: how it may use the machine.

    Raises:
        InvalidRequestError: there is no such engine.
        EngineUnavailableError: a package that it needs is missing or broken.
        ModelError: the folder is not a model that it can open.
    """
    entry = find_engine(name)
    try:
        engine: Engine = import_module(entry.module).load(folder, options)
    except ImportError as error:
        raise EngineUnavailableError(
            f"The engine {name!r} cannot be imported: {error}. Install it with: pip install '{entry.install}'"
        ) from error
    return engine
