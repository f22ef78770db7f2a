"""`limner.network.autoencoder`: principal components, by their definition."""

from __future__ import annotations

import torch
from torch import Tensor

from limner.network.autoencoder import AutoencoderConfig, PatchAutoencoder, to_patches


def patches(count: int = 500) -> Tensor:
    """Correlated patches of 3 x 4 x 4 values, far from zero on average."""
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(48, 48, generator=generator) / 16
    return torch.randn(count, 48, generator=generator) @ mixing + 0.3


def fitted(channels: int) -> tuple[PatchAutoencoder, Tensor]:
    """An autoencoder of those patches, and its channels' deviations."""
    autoencoder = PatchAutoencoder(AutoencoderConfig(channels=channels, patch=4))
    return autoencoder, autoencoder.fit([patches()])


def as_pictures(patches_KP: Tensor) -> Tensor:
    """Each patch as a picture of its own, (K, 3, 4, 4)."""
    return patches_KP.view(-1, 3, 4, 4)


def test_patches_are_read_like_a_page() -> None:
    """Patch 5 of a picture of 4 x 4 patches is the second of the second row, its channels one by one."""
    pixels = torch.arange(3.0 * 8 * 8).view(1, 3, 8, 8)
    assert torch.equal(to_patches(pixels, 2)[0, 5], pixels[0, :, 2:4, 2:4].flatten())


def test_with_all_components_nothing_is_lost() -> None:
    """Encode, then decode: the same picture, however many patches it has."""
    autoencoder, _ = fitted(48)
    pixels = torch.rand(2, 3, 12, 8) * 2 - 1
    latents = autoencoder.encode(pixels)
    assert latents.shape == (2, 48, 3, 2)
    torch.testing.assert_close(autoencoder.decode_patches(latents), pixels, rtol=0, atol=1e-4)


def test_channels_are_uncorrelated() -> None:
    """Of the patches it was fitted to, each channel has mean 0 and the stated deviation, all together 1."""
    autoencoder, deviation = fitted(20)
    latents = autoencoder.encode(as_pictures(patches())).flatten(1)
    covariance = torch.cov(latents.T, correction=0)
    torch.testing.assert_close(covariance, deviation.square().diag(), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(latents.mean(0), torch.zeros(20), rtol=0, atol=1e-4)
    torch.testing.assert_close(deviation.square().mean(), torch.tensor(1.0))


def test_no_linear_autoencoder_loses_less() -> None:
    """The squared error is that of the singular values which were left out (Eckart and Young 1936)."""
    autoencoder, _ = fitted(20)
    pixels = as_pictures(patches())
    error = (autoencoder.decode_patches(autoencoder.encode(pixels)) - pixels).square().sum()
    singular = torch.linalg.svdvals(patches() - patches().mean(0))
    torch.testing.assert_close(error, singular[20:].square().sum(), rtol=1e-3, atol=0)


def test_the_fit_does_not_depend_on_the_batches() -> None:
    """Patches may come in batches of any size."""
    whole, deviation = fitted(8)
    other = PatchAutoencoder(AutoencoderConfig(channels=8, patch=4))
    torch.testing.assert_close(other.fit(patches().split(77)), deviation, rtol=1e-3, atol=1e-4)
    pixels = as_pictures(patches(10))
    mine, theirs = (each.decode_patches(each.encode(pixels)) for each in (other, whole))
    torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-3)


def test_patches_that_never_vary_are_no_trouble() -> None:
    """One colour everywhere is kept, and gives no NaN."""
    autoencoder = PatchAutoencoder(AutoencoderConfig(channels=8, patch=4))
    plain = torch.full((20, 48), 0.25)
    autoencoder.fit([plain])
    pixels = as_pictures(plain)
    torch.testing.assert_close(autoencoder.decode_patches(autoencoder.encode(pixels)), pixels)


def test_pictures_are_decoded_patch_by_patch_and_then_mended() -> None:
    """Decoding is the linear decoder and then the deblocking; before that is trained it changes nothing."""
    autoencoder = PatchAutoencoder(AutoencoderConfig(channels=5, patch=8, width=8, outer=1, inner=1))
    autoencoder.basis.normal_()
    latents = torch.randn(2, 5, 3, 2)
    patches_only = autoencoder.decode_patches(latents)
    assert torch.equal(autoencoder(latents), patches_only)
    with torch.no_grad():
        autoencoder.deblocking.leave.weight.normal_()
    torch.testing.assert_close(autoencoder(latents), autoencoder.deblocking(patches_only))
    assert not torch.allclose(autoencoder(latents), patches_only)
