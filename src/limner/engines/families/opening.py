"""From a folder, or a name on a hub, to diffusers' pipeline with its weights: or one line that says why not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diffusers
import torch
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from safetensors import SafetensorError, safe_open
from torch import nn

from limner.engines.families import FAMILIES
from limner.errors import ModelError
from limner.models.folder import MODEL_INDEX, PICKLES

__all__ = ["open_pipeline"]

# The pipeline's own check of pictures is not run: those that limner serves are looked at in `safety`.
_UNUSED = ("safety_checker", "feature_extractor", "image_encoder")


def open_pipeline(model: Path, dtype: torch.dtype, device: str) -> Any:
    """Load a checkpoint.

    Args:
        model: a folder in diffusers' layout, or a name on a hub, owner/name.
        dtype: what its weights are turned into.
        device: where they go.

    Raises:
        ModelError: it is not there, not a model, a pickle, damaged, or of a family without an adapter.
    """
    folder = _folder(model)
    family = _family(folder)
    _refuse_pickles(folder)
    _check_weights(folder)
    unused = dict.fromkeys(_UNUSED) | {"requires_safety_checker": False}
    with _explained(model):
        pipe = getattr(diffusers, family).from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            **(unused if family == "StableDiffusionPipeline" else {}),
        )
    _check_complete(model, pipe)
    with _explained(model):
        return pipe.to(device)


def _folder(model: Path) -> Path:
    """Where the files lie; a hub is asked for those that are not in its cache."""
    if model.suffix in PICKLES:
        raise ModelError(_pickle(model))
    if model.is_file():
        raise ModelError(
            f"{model} is a single file; this engine opens folders: convert it with diffusers' from_single_file "
            "and save_pretrained"
        )
    if model.exists():
        return model
    try:
        return Path(diffusers.DiffusionPipeline.download(model.as_posix(), use_safetensors=True))
    except (OSError, ValueError, HfHubHTTPError, HFValidationError) as error:
        raise ModelError(
            f"{model.as_posix()} is neither a folder nor in the hub's cache, and could not be fetched "
            f"({_line(error)}): check the name and the network, or name a folder"
        ) from error


def _family(folder: Path) -> str:
    path = folder / MODEL_INDEX
    try:
        family = str(json.loads(path.read_text(encoding="utf-8"))["_class_name"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{folder} is not a model: {MODEL_INDEX} is missing or damaged ({_line(error)}); name a folder that "
            "diffusers saved"
        ) from error
    if family not in FAMILIES:
        raise ModelError(
            f"{folder} is a {family}, for which there is no adapter yet; there are: {', '.join(FAMILIES)}"
        )
    return family


def _refuse_pickles(folder: Path) -> None:
    for part in sorted({path.parent for path in folder.glob("*/*") if path.suffix in PICKLES}):
        if part.name not in _UNUSED and not any(part.glob("*.safetensors")):
            pickle = next(path for path in sorted(part.iterdir()) if path.suffix in PICKLES)
            raise ModelError(_pickle(pickle))


def _pickle(path: Path) -> str:
    return (
        f"{path} is a pickle, which can run any code when it is opened: get the model as safetensors, or "
        "convert it where you trust it"
    )


def _check_weights(folder: Path) -> None:
    """Read every weight file's table of contents: a truncated file is named before anything is loaded."""
    for path in sorted(folder.glob("*/*.safetensors")):
        try:
            with safe_open(path, "pt"):
                pass
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{path} is damaged ({_line(error)}): download or copy it again") from error


def _check_complete(model: Path, pipe: Any) -> None:
    """A weight that no file holds is left without numbers by diffusers, which only logs it."""
    parts = {name: part for name, part in pipe.components.items() if isinstance(part, nn.Module)}
    for name, part in parts.items():
        missing = [weight for weight, values in part.named_parameters() if values.is_meta]
        if missing:
            raise ModelError(
                f"{model} has no weights for {missing[0]} and {len(missing) - 1} others of its {name}: download or "
                "export it again"
            )


@contextmanager
def _explained(model: Path) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ModelError(f"{model} does not fit into this device's memory: choose precision bf16") from error
    except (OSError, ValueError, RuntimeError, TypeError, KeyError, AttributeError, SafetensorError) as error:
        raise ModelError(f"{model} cannot be opened ({_line(error)}): download or export it again") from error


def _line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
