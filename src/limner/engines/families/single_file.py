"""A checkpoint in one file: the weights of all its networks in the spelling of their authors.

Such a file tells neither the shapes of the networks nor the tokenizers. They come from a folder of the same name
beside it, where there is one, else from the family's own repository on a hub, of which only the small files are
fetched.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.loaders.single_file_utils import (
    SingleFileComponentError,
    fetch_diffusers_config,
    load_single_file_checkpoint,
)
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError

from limner.engines.base import EngineOptions
from limner.engines.families.checking import UNUSED, check_whole, explained, line, no_pickle
from limner.errors import ModelError
from limner.models.folder import MODEL_INDEX, PICKLES

__all__ = ["WEIGHTS", "check_file", "description", "open_file"]

WEIGHTS = PICKLES | {".safetensors"}
"""Endings of files with weights."""

_SMALL_FILES = ("*.json", "*/*.json", "*/*.txt", "*/*.model")


def open_file(path: Path, options: EngineOptions, dtype: torch.dtype) -> Any:
    """Load all networks of a checkpoint in one file.

    Raises:
        ModelError: it is not there, a pickle, damaged, or diffusers cannot tell what it is.
    """
    check_file(path, options)
    folder = description(path)
    with explained(path):
        family = json.loads((folder / MODEL_INDEX).read_text(encoding="utf-8"))["_class_name"]
        kind = getattr(diffusers, family)
        if not hasattr(kind, "from_single_file"):
            raise ModelError(f"A {family} is not opened from one file: name a folder, as diffusers saves it")
        unused = dict.fromkeys(UNUSED) if family == "StableDiffusionPipeline" else {}
        try:
            return kind.from_single_file(str(path), config=str(folder), torch_dtype=dtype, **unused)
        except SingleFileComponentError as error:
            raise ModelError(
                f"{path} has not all networks of a {family} ({line(error)}): choose a file that is whole, or a folder"
            ) from error


def check_file(path: Path, options: EngineOptions) -> None:
    """Whether a file may be opened, and is whole.

    Raises:
        ModelError: it is not there, a pickle, or damaged.
    """
    if path.suffix in PICKLES and not options.allow_pickle:
        raise ModelError(no_pickle(path))
    if not path.is_file():
        raise ModelError(f"There is no file {path}: check its name")
    if path.suffix not in WEIGHTS:
        raise ModelError(f"{path} is not a checkpoint: name a .safetensors file, or a folder")
    if options.variant or options.revision:
        raise ModelError(f"{path} is one file, which has no variants and no revisions: leave them out")
    if path.suffix not in PICKLES:
        check_whole(path)


def description(path: Path) -> Path:
    """A folder with the networks' shapes and the tokenizers of a checkpoint in one file.

    Raises:
        ModelError: there is none, and none can be fetched.
    """
    beside = path.with_suffix("")
    if (beside / MODEL_INDEX).is_file():
        return beside
    with explained(path):
        name = fetch_diffusers_config(load_single_file_checkpoint(str(path)))["pretrained_model_name_or_path"]
    try:
        return Path(snapshot_download(name, allow_patterns=list(_SMALL_FILES)))
    except (OSError, ValueError, HfHubHTTPError) as error:
        raise ModelError(
            f"{path} looks like a {name}, whose configuration could not be fetched ({line(error)}): check the "
            f"network, or put the configuration into {beside}"
        ) from error
