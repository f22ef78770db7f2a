"""The networks of a model folder, opened in torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.numpy import load_file

from limner.errors import ModelError
from limner.models.manifest import UPSCALER
from limner.network.autoencoder import AutoencoderConfig, PatchAutoencoder
from limner.network.denoiser import Denoiser, DenoiserConfig
from limner.network.image_tower import ImageTower, ImageTowerConfig
from limner.network.text_encoder import TextEncoder, TextEncoderConfig
from limner.network.upscaler import Upscaler, UpscalerConfig
from limner.network.weights import widened

__all__ = ["Networks", "open_networks"]


class Networks(NamedTuple):
    """A model's networks; each is called as its file is. Not every model has an upscaler."""

    text_encoder: TextEncoder
    denoiser: Denoiser
    autoencoder: PatchAutoencoder
    image_tower: ImageTower
    upscaler: Upscaler | None = None


def open_networks(folder: Path, shapes: Mapping[str, Mapping[str, Any]]) -> Networks:
    """The networks with their weights, on the CPU, ready to infer.

    Args:
        folder: of the model.
        shapes: each network's, as the folder's manifest has them.

    Raises:
        ModelError: a file is damaged, or of other shapes than these.
    """
    networks = _made(folder, shapes)
    for name, module in networks._asdict().items():
        if module is None:
            continue
        path = folder / f"{name}.safetensors"
        try:
            module.load_state_dict(widened(load_file(path)))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise ModelError(
                f"{path} does not fit its manifest ({error}): copy or export the model again"
            ) from error
        module.eval()
    return networks


def _made(folder: Path, shapes: Mapping[str, Mapping[str, Any]]) -> Networks:
    try:
        return Networks(
            text_encoder=TextEncoder(TextEncoderConfig(**shapes["text_encoder"])),
            denoiser=Denoiser(DenoiserConfig(**shapes["denoiser"])),
            autoencoder=PatchAutoencoder(AutoencoderConfig(**shapes["autoencoder"])),
            image_tower=ImageTower(ImageTowerConfig(**shapes["image_tower"])),
            upscaler=Upscaler(UpscalerConfig(**shapes[UPSCALER])) if UPSCALER in shapes else None,
        )
    except (KeyError, TypeError, ValueError, RuntimeError, ZeroDivisionError) as error:
        raise ModelError(
            f"{folder} describes a network that cannot be ({error}): copy or export the model again"
        ) from error
