"""From a model's name to a pipeline that is ready to draw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from limner.engines.base import EngineOptions, Precision, UpscalerName
from limner.engines.registry import create_engine, find_engine
from limner.errors import InvalidRequestError
from limner.pipeline import Pipeline

if TYPE_CHECKING:
    from limner.settings import Settings

__all__ = ["DEFAULT_MODEL", "FOREIGN", "load", "load_chosen", "name_of", "opened_by", "options_of"]

DEFAULT_MODEL = "limner-2"

FOREIGN = ("converted", "diffusers")
"""The engines that open checkpoints of other people, and nothing else."""


def load(
    model: str | Path = DEFAULT_MODEL,
    *,
    engine: str = "openvino",
    threads: int = 0,
    cache_dir: Path | None = None,
    precision: Precision = "auto",
    upscaler: UpscalerName = "learned",
    variant: str = "",
    revision: str = "",
    allow_pickle: bool = False,
    loras: Sequence[str] = (),
    int8_weights: bool = False,
) -> Pipeline:
    """Open a model.

    Args:
        model: the name of a model that ships with limner, the folder of any other, a checkpoint in one file,
            or owner/name on a hub.
        engine: who computes: one of `limner.engines.registry.ENGINES`. "fake" needs no model and draws
            gradients at once, for trying things out. A checkpoint that is not limner's is computed by
            torch if this is "torch" or "diffusers", else by OpenVINO where there is no GPU.
        threads: processor threads to compute with; 0 takes all.
        cache_dir: where compiled networks are kept between processes; None keeps none.
        precision: "auto", "f32" or "bf16".
        upscaler: how pictures larger than the model's own are made: "learned" by its upscaler, if it has one;
            "lanczos" by resampling alone.
        variant: which of a checkpoint's sets of weights to open, such as "fp16"; "" is the usual one.
        revision: branch, tag or commit of a checkpoint on a hub; "" is its main branch.
        allow_pickle: open a checkpoint that is a pickle too, which can run any code: only what you trust.
        loras: files to add to a checkpoint, each with its weight: "ink.safetensors=0.8".
        int8_weights: round a checkpoint's weights to 8 bits, where OpenVINO computes it.

    Raises:
        InvalidRequestError: an argument is out of range; `param` names it.
        EngineUnavailableError: the engine's package is missing; the message says how to install it.
        ModelError: there is no such model, or its files are incomplete or damaged.
    """
    options = EngineOptions(
        threads=threads,
        cache_dir=cache_dir,
        precision=precision,
        upscaler=upscaler,
        variant=variant,
        revision=revision,
        allow_pickle=allow_pickle,
        loras=tuple(loras),
        int8_weights=int8_weights,
    )
    return _opened(model, engine, options)


def load_chosen(settings: Settings) -> Pipeline:
    """Open the model that the settings name, as they say; see `load`."""
    return _opened(settings.model, settings.engine, options_of(settings))


def options_of(settings: Settings) -> EngineOptions:
    """How the operator wants models to be opened."""
    return EngineOptions(
        threads=settings.threads,
        cache_dir=settings.cache_dir,
        precision=settings.precision,
        upscaler=settings.upscaler,
        variant=settings.variant,
        revision=settings.revision,
        allow_pickle=settings.allow_pickle,
        loras=settings.loras,
        int8_weights=settings.int8_weights,
    )


def _opened(model: str | Path, engine: str, options: EngineOptions) -> Pipeline:
    name, folder = opened_by(model, engine)
    foreign = options.variant or options.revision or options.loras or options.int8_weights
    if foreign and name not in FOREIGN:
        raise InvalidRequestError(
            f"variant, revision, loras and int8_weights are for checkpoints of other people, and {str(model)!r} is "
            "none: leave them out",
            param="model",
        )
    return Pipeline(create_engine(name, folder, options))


def opened_by(model: str | Path, engine: str) -> tuple[str, Path | None]:
    """The engine that opens a model, and where the model is: a folder, a file, or a name on a hub.

    Args:
        model: as for `load`.
        engine: who computes; one that needs no model has None for its place.

    Raises:
        InvalidRequestError: there is no such engine.
        ModelError: there is no such model.
    """
    from limner.models import find, is_foreign

    if not find_engine(engine).needs_model:
        return engine, None
    if is_foreign(model):
        return ("converted" if engine in ("openvino", "converted") else "diffusers"), Path(model)
    return ("openvino" if engine in FOREIGN else engine), find(model)


def name_of(model: str | Path, engine: str) -> str:
    """The name that a model has once it is loaded.

    Raises:
        InvalidRequestError: there is no such engine.
        ModelError: there is no such model, or its manifest cannot be read.
    """
    from limner.models import read_manifest

    name, place = opened_by(model, engine)
    if place is None:
        return name
    if name in FOREIGN:
        return place.stem if place.is_file() else place.name
    return read_manifest(place).name
