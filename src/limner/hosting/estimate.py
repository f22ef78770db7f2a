"""How much memory a model takes, before it is loaded.

::

    weights      numbers in the weight files x bytes of the dtype that they are turned into
    activations  pixels of one picture of the native size x channels of the decoder's finest layer x 8 x those bytes

The tables of contents of the files tell the numbers. The second line is a rule of thumb: the decoder's last layers
have the most pixels, and a few maps of them are alive at a time, inputs, outputs and what a convolution unrolls.
Pictures that are drawn in company are not in it, nor are compiled graphs: the margin of the limit is for those.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner.engines.base import EngineOptions
from limner.engines.registry import find_engine
from limner.loading import FOREIGN, opened_by
from limner.models import read_manifest
from limner.models.folder import MODEL_INDEX
from limner.models.hub import cached
from limner.models.weights import bytes_loaded, weight_files

__all__ = ["Estimate", "estimate"]

_MAPS = 8
_SIDE = 1024
_CHANNELS = 128
_SCALE = 8
# The colours of a picture, the finest that a decoder of patches has.
_COLOURS = 3
_NOTHING_TO_OPEN = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What a model takes.

    Attributes:
        weights: bytes of its weights.
        activations: bytes that one picture takes while it is drawn.
        width: bytes of a number.
        side: of a picture, in pixels.
        device: where: "cpu", or a GPU as torch calls it.
    """

    weights: int
    activations: int
    width: int = 4
    side: int = _SIDE
    device: str = "cpu"

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.activations


def estimate(
    model: str | Path, engine: str, options: EngineOptions, *, fetch: bool = False
) -> Estimate | None:
    """Tell how much memory a model takes.

    Args:
        model: as for `limner.loading.load`.
        engine: who computes limner's own models.
        options: how it is opened.
        fetch: a checkpoint on a hub whose files are not here is fetched; otherwise the answer is None.

    Raises:
        LimnerError: there is no such model, it cannot be fetched, or its files are damaged.
    """
    name, place = opened_by(model, engine)
    width, device = _numbers(name, options)
    if place is None:
        return _estimate(0, _NOTHING_TO_OPEN, _COLOURS, width, device)
    files = _files_of(place, options, fetch=fetch)
    if files is None:
        return None
    weights = sum(bytes_loaded(path, width) for path in weight_files(files, options.variant))
    return _estimate(weights, *_finest(files), width, device)


def _estimate(weights: int, side: int, channels: int, width: int, device: str) -> Estimate:
    activations = side * side * channels * _MAPS * width
    return Estimate(weights=weights, activations=activations, width=width, side=side, device=device)


def _numbers(engine: str, options: EngineOptions) -> tuple[int, str]:
    """Bytes of a number, and where it is."""
    if not find_engine(engine).uses_torch:
        return (2 if options.precision == "bf16" else 4), "cpu"
    try:
        from limner.engines.devices import dtype_for, torch_device
    except ImportError:
        # Nothing can be loaded either, and that error says what to install.
        return 4, "cpu"
    device = torch_device()
    # limner's own networks keep their weights in f32, whatever they compute in.
    return (dtype_for(device, options).itemsize if engine in FOREIGN else 4), device


def _files_of(place: Path, options: EngineOptions, *, fetch: bool) -> Path | None:
    """Where the model's files lie."""
    if place.exists():
        return place
    if fetch:
        from limner.engines.families.opening import fetched

        return fetched(place, options)
    return cached(place, options.revision)


def _finest(files: Path) -> tuple[int, int]:
    """The native side of a picture, and the channels of the decoder's finest layer."""
    folder = files.with_suffix("") if files.is_file() else files
    if files.is_dir() and not (files / MODEL_INDEX).is_file():
        return max(read_manifest(files).picture_size), _COLOURS
    decoder = _config(folder / "vae")
    blocks = decoder.get("decoder_block_out_channels") or decoder.get("block_out_channels")
    blocks = blocks if isinstance(blocks, list) and blocks else None
    scale = 2 ** (len(blocks) - 1) if blocks else _SCALE
    network = _config(folder / "unet") or _config(folder / "transformer")
    side = network.get("sample_size")
    side = max(side) if isinstance(side, list) and side else side
    return (side * scale if isinstance(side, int) else _SIDE), (blocks[0] if blocks else _CHANNELS)


def _config(part: Path) -> Mapping[str, Any]:
    """What a part of a checkpoint says of itself; nothing, if it says nothing that can be read."""
    try:
        found = json.loads((part / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
