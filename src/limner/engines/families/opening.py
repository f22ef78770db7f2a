"""From a folder, a file or a name on a hub to diffusers' pipeline with its weights: or one line that says why not."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import diffusers
import torch
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from limner.engines.base import EngineOptions
from limner.engines.families import FAMILIES
from limner.engines.families.checking import (
    UNUSED,
    check_complete,
    check_whole,
    explained,
    line,
    no_pickle,
)
from limner.engines.families.lora import add_lora, parse_lora
from limner.engines.families.single_file import WEIGHTS, open_file
from limner.errors import ModelError
from limner.models.folder import MODEL_INDEX, PICKLES

__all__ = ["fetched", "open_pipeline", "pipeline_class"]


def open_pipeline(model: Path, options: EngineOptions, dtype: torch.dtype, device: str) -> Any:
    """Load a checkpoint.

    Args:
        model: a folder in diffusers' layout, a checkpoint in one file, or a name on a hub, owner/name.
        options: variant, revision, LoRAs, and whether pickles may be opened.
        dtype: what its weights are turned into.
        device: where they go.

    Raises:
        ModelError: it is not there, not a model, a pickle, damaged, or of a family that diffusers does not know.
        InvalidRequestError: a LoRA is not named as it should be.
    """
    loras = [parse_lora(text) for text in options.loras]
    open_it = open_file if model.is_file() or model.suffix in WEIGHTS else _open_folder
    pipe = open_it(model, options, dtype)
    check_complete(model, pipe)
    for lora in loras:
        add_lora(pipe, lora)
    with explained(model):
        return pipe.to(device)


def _open_folder(model: Path, options: EngineOptions, dtype: torch.dtype) -> Any:
    folder = fetched(model, options)
    family = pipeline_class(folder)
    variant = f".{options.variant}" if options.variant else ""
    if not options.allow_pickle:
        _refuse_pickles(folder, variant)
    _check_weights(folder)
    if variant and not _named(folder.glob("*/*"), variant):
        raise ModelError(f"{model} has no variant {options.variant!r}: leave it out, or choose another")
    unused = dict.fromkeys(UNUSED) | {"requires_safety_checker": False}
    with explained(model):
        return getattr(diffusers, family).from_pretrained(
            folder,
            dtype=dtype,
            variant=options.variant or None,
            use_safetensors=None if options.allow_pickle else True,
            local_files_only=True,
            **(unused if family == "StableDiffusionPipeline" else {}),
        )


def fetched(model: Path, options: EngineOptions) -> Path:
    """Where a checkpoint's files lie; a hub is asked for those that are not in its cache.

    Raises:
        ModelError: it is neither here nor there, or the hub cannot be reached.
    """
    if model.exists():
        return model
    try:
        return Path(
            diffusers.DiffusionPipeline.download(
                model.as_posix(),
                use_safetensors=None if options.allow_pickle else True,
                variant=options.variant or None,
                revision=options.revision or None,
            )
        )
    except (OSError, ValueError, HfHubHTTPError, HFValidationError) as error:
        asked = "".join(f", {name} {value}" for name, value in _asked(options) if value)
        raise ModelError(
            f"{model.as_posix()}{asked} is neither a folder nor in the hub's cache, and could not be fetched "
            f"({line(error)}): check the name and the network, or name a folder"
        ) from error


def _asked(options: EngineOptions) -> list[tuple[str, str]]:
    return [("variant", options.variant), ("revision", options.revision)]


def pipeline_class(folder: Path) -> str:
    """The name of the pipeline that a folder is for.

    Raises:
        ModelError: the folder is none of diffusers', or diffusers does not know it.
    """
    path = folder / MODEL_INDEX
    try:
        family = str(json.loads(path.read_text(encoding="utf-8"))["_class_name"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{folder} is not a model: {MODEL_INDEX} is missing or damaged ({line(error)}); name a folder that "
            "diffusers saved"
        ) from error
    kind = getattr(diffusers, family, None)
    if not isinstance(kind, type) or not issubclass(kind, diffusers.DiffusionPipeline):
        raise ModelError(
            f"{folder} is a {family}, which this version of diffusers does not know: upgrade it, or choose another "
            f"model; limner draws best with: {', '.join(FAMILIES)}"
        )
    return family


def _refuse_pickles(folder: Path, variant: str) -> None:
    for part in sorted({path.parent for path in folder.glob("*/*") if path.suffix in PICKLES}):
        if part.name not in UNUSED and not _named(part.glob("*.safetensors"), variant):
            pickle = next(path for path in sorted(part.iterdir()) if path.suffix in PICKLES)
            raise ModelError(no_pickle(pickle))


def _named(paths: Iterable[Path], variant: str) -> bool:
    """Whether any of these is of the variant: ".fp16", or "" for all."""
    return any(variant in path.name for path in paths)


def _check_weights(folder: Path) -> None:
    """Read every weight file's table of contents: a truncated file is named before anything is loaded."""
    for path in sorted(folder.glob("*/*.safetensors")):
        check_whole(path)
