"""Pictures <-> latents: a linear autoencoder of 32 x 32 pixel patches, fitted in closed form.

Principal components (Pearson 1901): for a linear autoencoder the best that there is (Eckart and Young 1936).
Since the scenes stand on the same grid as the patches, 192 numbers keep a patch of 3,072 at about 32 dB;
docs/log.md has the comparison with a learned one. What the denoiser draws is decoded patch by patch, and then
`Deblocking` mends the seams.

Axes in names: B batch, C latent channels, P values of a patch, N patches, h, w latent grid, H, W pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from limner.network.deblocking import Deblocking

__all__ = ["AutoencoderConfig", "PatchAutoencoder", "to_patches"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AutoencoderConfig:
    """Shapes of the autoencoder.

    Attributes:
        channels: numbers that keep a patch.
        patch: pixels across a patch, a multiple of 8.
        width, outer, inner: see `Deblocking`.
    """

    channels: int = 192
    patch: int = 32
    width: int = 64
    outer: int = 2
    inner: int = 4


class PatchAutoencoder(nn.Module):
    """Pixels from -1 to 1 <-> latents, scaled so that their overall deviation is 1."""

    mean: Tensor
    basis: Tensor
    scale: Tensor

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        size = 3 * config.patch**2
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("basis", torch.zeros(config.channels, size))
        self.register_buffer("scale", torch.ones(config.channels))
        self.deblocking = Deblocking(config.width, config.outer, config.inner)

    def encode(self, pixels_BCHW: Tensor) -> Tensor:
        """(B, 3, H, W) float from -1 to 1 -> (B, C, h, w)."""
        batch, _, height, width = pixels_BCHW.shape
        # Not `@ basis.T`: an exported graph would keep the transposed basis as a second, wider copy.
        patches_BNP = to_patches(pixels_BCHW, self.config.patch) - self.mean
        coefficients_BNC = nn.functional.linear(patches_BNP, self.basis)
        latents_BCN = (coefficients_BNC / self.scale).transpose(1, 2)
        return latents_BCN.reshape(batch, -1, height // self.config.patch, width // self.config.patch)

    def forward(self, x_BChw: Tensor) -> Tensor:
        """Decode: (B, C, h, w) -> (B, 3, H, W) float, about -1 to 1."""
        pixels_BCHW: Tensor = self.deblocking(self.decode_patches(x_BChw))
        return pixels_BCHW

    def decode_patches(self, x_BChw: Tensor) -> Tensor:
        """The same without a look at neighbours: each patch is the linear decoder's."""
        batch, _, h, w = x_BChw.shape
        rows_BNC = x_BChw.permute(0, 2, 3, 1) * self.scale
        patches = rows_BNC @ self.basis + self.mean
        side = self.config.patch
        patches = patches.view(batch, h, w, 3, side, side).permute(0, 3, 1, 4, 2, 5)
        return patches.reshape(batch, 3, h * side, w * side)

    @torch.no_grad()
    def fit(self, batches_KP: Iterable[Tensor]) -> Tensor:
        """Fit mean, basis and scale to sample patches (from -1 to 1, channels first within a patch).

        Channel k is divided by the square root of its deviation: halfway between the pixels' own scale,
        where fine detail drowns in the first noise, and whitening, where it counts as much as the sky.

        Returns:
            (C,) deviation of each latent channel.
        """
        count, total = 0, torch.zeros_like(self.mean)
        products = torch.zeros(len(total), len(total))
        for batch_KP in batches_KP:
            count += len(batch_KP)
            total += batch_KP.sum(0)
            products += batch_KP.T @ batch_KP
        self.mean.copy_(total / count)
        covariance = products / count - torch.outer(self.mean, self.mean)
        values, vectors = torch.linalg.eigh(covariance.double())
        order = values.argsort(descending=True)[: self.config.channels]
        deviation_C: Tensor = values[order].clamp(min=1e-12).sqrt().float()
        self.basis.copy_(vectors[:, order].T)
        scale_C = deviation_C.sqrt()
        self.scale.copy_(scale_C * (deviation_C / scale_C).square().mean().sqrt())
        return deviation_C / self.scale


def to_patches(pixels_BCHW: Tensor, side: int) -> Tensor:
    """(B, 3, H, W) -> (B, N, P): patches in reading order, channels first within a patch."""
    batch, channels, height, width = pixels_BCHW.shape
    grid = pixels_BCHW.view(batch, channels, height // side, side, width // side, side)
    return grid.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
