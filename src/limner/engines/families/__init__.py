"""Families of foreign checkpoints: an adapter each, found by the class name of their pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from limner.engines.families.base import Condition, Family
from limner.engines.families.flux import Flux
from limner.engines.families.stable_diffusion import StableDiffusion
from limner.engines.families.stable_diffusion_3 import StableDiffusion3
from limner.engines.families.stable_diffusion_xl import StableDiffusionXL

__all__ = ["FAMILIES", "Condition", "Family"]

FAMILIES: Mapping[str, type[Family]] = MappingProxyType(
    {
        "StableDiffusionPipeline": StableDiffusion,
        "StableDiffusionXLPipeline": StableDiffusionXL,
        "StableDiffusion3Pipeline": StableDiffusion3,
        "FluxPipeline": Flux,
    }
)
