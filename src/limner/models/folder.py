"""Where models are: those that ship with limner lie beside this file, any other is named by its folder."""

from __future__ import annotations

from pathlib import Path

from limner.errors import ModelError
from limner.models.manifest import MANIFEST

__all__ = ["available", "find"]


def available() -> list[str]:
    """Names of the models that ship with limner."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob(f"*/{MANIFEST}"))


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
        f"There is no model {str(model)!r}. Shipped: {shipped}; or name a folder with a {MANIFEST}."
    )
