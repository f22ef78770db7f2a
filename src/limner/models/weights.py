"""How large a model's weights are in memory, from the tables of contents of its files: no weight is read.

A safetensors file begins with the length of its table of contents (8 bytes, little-endian) and the table as JSON: the
dtype and shape of each tensor.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from limner.errors import ModelError
from limner.models.folder import MODEL_INDEX, PICKLES

__all__ = ["bytes_loaded", "weight_files"]

_KEPT = {"BOOL": 1, "U8": 1, "I16": 2, "U16": 2, "I32": 4, "U32": 4, "I64": 8, "U64": 8}
"""dtypes that stay what they are, with their bytes: indices, and numbers that are packed."""

_LONGEST_TABLE = 100_000_000
_USUAL = re.compile(r"(diffusion_pytorch_model|pytorch_model|model)(-\d{5}-of-\d{5})?")
# What the engine leaves out: see `engines.families.checking.UNUSED`.
_UNUSED = frozenset({"safety_checker", "feature_extractor", "image_encoder"})


def weight_files(model: Path, variant: str = "") -> list[Path]:
    """The files that are read when a model is opened.

    Args:
        model: limner's folder, diffusers' folder, or a checkpoint in one file.
        variant: which of a checkpoint's sets of weights.
    """
    if model.is_file():
        return [model]
    if not (model / MODEL_INDEX).is_file():
        return sorted(model.glob("*.safetensors"))
    parts = sorted(path for path in model.iterdir() if path.is_dir() and path.name not in _UNUSED)
    return [path for part in parts for path in _of_part(part, variant)]


def _of_part(part: Path, variant: str) -> list[Path]:
    found = sorted(part.glob("*.safetensors"))
    found = found or sorted(path for path in part.iterdir() if path.suffix in PICKLES)
    wanted = [path for path in found if variant and f".{variant}" in path.name]
    usual = [path for path in found if _USUAL.fullmatch(path.stem)]
    return wanted or usual or found


def bytes_loaded(path: Path, width: int) -> int:
    """The bytes of a file's tensors once they are loaded; of a pickle, which has no table, those of the file.

    Args:
        path: the file.
        width: bytes of each number in the dtype that weights are turned into.

    Raises:
        ModelError: it cannot be read, or is damaged.
    """
    try:
        if path.suffix in PICKLES:
            return path.stat().st_size
        return sum(_bytes(tensor, width) for name, tensor in _table(path).items() if name != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is damaged ({error}): download or copy it again") from error


def _table(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= _LONGEST_TABLE:
            raise ValueError("it has no table of contents")
        table: dict[str, Any] = json.loads(file.read(length))
    return table


def _bytes(tensor: dict[str, Any], width: int) -> int:
    numbers: int = math.prod(tensor["shape"])
    return numbers * _KEPT.get(tensor["dtype"], width)
