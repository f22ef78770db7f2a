"""Families of foreign checkpoints: an adapter each, found by the class name of their pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from limner.engines.families.base import Condition, Family
from limner.engines.families.flux import Flux
from limner.engines.families.pixart import PixArt
from limner.engines.families.qwen_image import QwenImage
from limner.engines.families.sana import Sana
from limner.engines.families.stable_diffusion import StableDiffusion
from limner.engines.families.stable_diffusion_3 import StableDiffusion3
from limner.engines.families.stable_diffusion_xl import StableDiffusionXL
from limner.engines.families.z_image import ZImage

__all__ = ["FAMILIES", "Condition", "Family"]

FAMILIES: Mapping[str, type[Family]] = MappingProxyType(
    {
        "StableDiffusionPipeline": StableDiffusion,
        "StableDiffusionXLPipeline": StableDiffusionXL,
        "StableDiffusion3Pipeline": StableDiffusion3,
        "FluxPipeline": Flux,
        "PixArtAlphaPipeline": PixArt,
        "PixArtSigmaPipeline": PixArt,
        "SanaPipeline": Sana,
        "ZImagePipeline": ZImage,
        "QwenImagePipeline": QwenImage,
    }
)
