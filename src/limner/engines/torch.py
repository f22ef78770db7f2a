"""The torch engine: our networks as they were trained, on CUDA, MPS or the processor.

Axes in names: B batch, T tokens, C channels, H and W pixels, h and w the latent grid.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limner.engines.base import Engine, EngineOptions, Inpaint
from limner.engines.devices import torch_device
from limner.engines.networked import Condition, NetworkEngine
from limner.errors import EngineError, ModelError
from limner.models.manifest import Manifest, read_manifest, verify
from limner.network.folder import open_networks
from limner.network.inpainting import InpaintingDenoiser
from limner.types import Floats

__all__ = ["TorchEngine", "load"]


def load(folder: Path | None, options: EngineOptions) -> Engine:
    """Open a model folder.

    Raises:
        ModelError: there is none, or a file in it is missing, damaged or of other shapes than it says.
    """
    if folder is None:
        raise ModelError("The engine torch needs a model: name one, or the folder of one")
    manifest = read_manifest(folder)
    verify(folder, manifest)
    return TorchEngine(folder, manifest, options)


class TorchEngine(NetworkEngine):
    """Kernels choose how to add up by the batch's size, so a picture in company may differ in the last bits.

    Measured with our model on a processor (torch 2.13, AVX2): estimates differ by at most 3e-6, of 5.
    """

    def __init__(self, folder: Path, manifest: Manifest, options: EngineOptions) -> None:
        super().__init__(folder, manifest, options.upscaler, batch_invariant=False)
        self._device = torch_device()
        self._dtype = torch.bfloat16 if options.precision == "bf16" else torch.float32
        if options.threads:
            torch.set_num_threads(options.threads)
        networks = open_networks(folder, manifest.networks)
        self._text_encoder = networks.text_encoder.to(self._device)
        denoiser = InpaintingDenoiser(networks.denoiser) if self._inpaints else networks.denoiser
        self._denoiser = denoiser.to(self._device)
        self._autoencoder = networks.autoencoder.to(self._device)
        self._image_tower = networks.image_tower.to(self._device)
        self._upscaler = networks.upscaler and networks.upscaler.to(self._device)

    def _run(self, network: Any, *inputs: NDArray[Any]) -> list[Floats]:
        with (
            torch.inference_mode(),
            torch.autocast(self._device, self._dtype, enabled=self._dtype != torch.float32),
        ):
            try:
                out = network(
                    *(torch.from_numpy(np.ascontiguousarray(array)).to(self._device) for array in inputs)
                )
            except RuntimeError as error:
                raise EngineError(f"torch failed: {error}") from error
        tensors: tuple[Tensor, ...] = out if isinstance(out, tuple) else (out,)
        return [tensor.float().cpu().numpy() for tensor in tensors]

    def run_text_encoder(
        self, ids_BT: NDArray[np.int64], mask_BT: NDArray[np.bool_]
    ) -> tuple[Floats, Floats]:
        """See `NetworkEngine`."""
        states_BTD, vectors_BV = self._run(self._text_encoder, ids_BT, mask_BT)
        return states_BTD, vectors_BV

    def run_denoiser(
        self, x_BChw: Floats, t_B: Floats, condition: Condition, known: Inpaint | None
    ) -> tuple[Floats, Floats]:
        """See `NetworkEngine`."""
        told = () if known is None else (known.known_BChw, known.mask_B1hw)
        x0_BChw, attention_BThw = self._run(self._denoiser, x_BChw, t_B, *condition, *told)
        return x0_BChw, attention_BThw

    def run_decoder(self, x_BChw: Floats) -> Floats:
        """See `NetworkEngine`."""
        return self._run(self._autoencoder, x_BChw)[0]

    def run_image_encoder(self, pixels_BCHW: Floats) -> Floats:
        """See `NetworkEngine`."""
        return self._run(self._autoencoder.encode, pixels_BCHW)[0]

    def run_image_tower(self, x_BChw: Floats) -> Floats:
        """See `NetworkEngine`."""
        return self._run(self._image_tower, x_BChw)[0]

    def run_upscaler(self, pixels_BCHW: Floats) -> Floats:
        """See `NetworkEngine`."""
        return self._run(self._upscaler, pixels_BCHW)[0]
