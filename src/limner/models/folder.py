"""Where models are: those that ship with limner lie beside this file, any other is named by its folder."""

from __future__ import annotations

import re
from pathlib import Path

from limner.errors import ModelError
from limner.models.manifest import MANIFEST

__all__ = ["MODEL_INDEX", "PICKLES", "available", "find", "is_foreign"]

MODEL_INDEX = "model_index.json"
"""What a folder that diffusers saved has in place of a manifest."""

PICKLES = frozenset({".bin", ".ckpt", ".pt", ".pth"})
"""Endings of checkpoints that are Python pickles."""

_ON_A_HUB = re.compile(r"\w[\w.-]*/\w[\w.-]*")


def available() -> list[str]:
    """Names of the models that ship with limner."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob(f"*/{MANIFEST}"))


def is_foreign(model: str | Path) -> bool:
    """Whether this names a checkpoint that is not limner's: diffusers' folder, a file, or owner/name on a hub."""
    path = Path(model)
    if path.exists():
        return path.is_file() or (path / MODEL_INDEX).is_file()
    return _ON_A_HUB.fullmatch(path.as_posix()) is not None


def find(model: str | Path) -> Path:
    """The folder of a model.

    Args:
        model: the name of a shipped model, or the path of a folder with a manifest.

    Raises:
        ModelError: there is no such model; the message lists the shipped ones.
    """
    for folder in (Path(__file__).parent / model, Path(model)):
        if (folder / MANIFEST).is_file():
            return folder
    shipped = ", ".join(available()) or "none"
    raise ModelError(
        f"There is no model {str(model)!r}. Shipped: {shipped}; or name a folder with a {MANIFEST} (limner's) "
        f"or a {MODEL_INDEX} (diffusers')."
    )
