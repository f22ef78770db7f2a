"""From a model's name to a pipeline that is ready to draw."""

from __future__ import annotations

from pathlib import Path

from limner.engines.base import EngineOptions, Precision
from limner.engines.registry import create_engine, find_engine
from limner.pipeline import Pipeline

__all__ = ["DEFAULT_MODEL", "load"]

DEFAULT_MODEL = "limner-1"


def load(
    model: str | Path = DEFAULT_MODEL,
    *,
    engine: str = "openvino",
    threads: int = 0,
    cache_dir: Path | None = None,
    precision: Precision = "auto",
) -> Pipeline:
    """Open a model.

    Args:
        model: the name of a model that ships with limner, the folder of any other, or owner/name on a hub.
        engine: who computes: one of `limner.engines.registry.ENGINES`. "fake" needs no model and draws
            gradients at once, for trying things out. A checkpoint that is not limner's is opened by
            "diffusers", whichever engine computes limner's.
        threads: processor threads to compute with; 0 takes all.
        cache_dir: where compiled networks are kept between processes; None keeps none.
        precision: "auto", "f32" or "bf16".

    Raises:
        InvalidRequestError: an argument is out of range; `param` names it.
        EngineUnavailableError: the engine's package is missing; the message says how to install it.
        ModelError: there is no such model, or its files are incomplete or damaged.
    """
    options = EngineOptions(threads=threads, cache_dir=cache_dir, precision=precision)
    name, folder = _chosen(model, engine)
    return Pipeline(create_engine(name, folder, options))


def _chosen(model: str | Path, engine: str) -> tuple[str, Path | None]:
    """Who opens the model, and where it is."""
    from limner.models import find, is_foreign

    if not find_engine(engine).needs_model:
        return engine, None
    if is_foreign(model):
        return "diffusers", Path(model)
    return engine, find(model)
