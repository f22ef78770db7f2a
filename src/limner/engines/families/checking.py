"""What can be wrong with a checkpoint's files, each in one line that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from limner.errors import ModelError

__all__ = ["UNUSED", "check_complete", "check_whole", "explained", "line", "no_pickle"]

UNUSED = ("safety_checker", "feature_extractor", "image_encoder")
"""Parts that are not opened: the pipeline's own check of pictures is limner's business, in `safety`."""


def check_whole(path: Path) -> None:
    """Read a weight file's table of contents: a truncated file is named before anything is loaded.

    Raises:
        ModelError: it is damaged.
    """
    try:
        with safe_open(path, "pt"):
            pass
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} is damaged ({line(error)}): download or copy it again") from error


def check_complete(model: Path, pipe: Any) -> None:
    """A weight that no file holds is left without numbers by diffusers, which only logs it.

    Raises:
        ModelError: there is one.
    """
    parts = {name: part for name, part in pipe.components.items() if isinstance(part, nn.Module)}
    for name, part in parts.items():
        missing = [weight for weight, values in part.named_parameters() if values.is_meta]
        if missing:
            raise ModelError(
                f"{model} has no weights for {missing[0]} and {len(missing) - 1} others of its {name}: download or "
                "export it again"
            )


@contextmanager
def explained(model: Path) -> Iterator[None]:
    """What goes wrong inside, as one line of ours.

    Raises:
        ModelError: the model cannot be opened.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ModelError(f"{model} does not fit into this device's memory: choose precision bf16") from error
    except (OSError, ValueError, RuntimeError, TypeError, KeyError, AttributeError, SafetensorError) as error:
        raise ModelError(f"{model} cannot be opened ({line(error)}): download or export it again") from error


def no_pickle(path: Path) -> str:
    """Why a pickle is not opened."""
    return (
        f"{path} is a pickle, which can run any code when it is opened: get the model as safetensors, or, if you "
        "trust its maker, set LIMNER_ALLOW_PICKLE=true"
    )


def line(error: Exception) -> str:
    """The first line of an error that says something."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
