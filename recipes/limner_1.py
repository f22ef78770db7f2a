"""The run that made the shipped model, limner-1. Measured scores: docs/log.md and `limner models`."""

from limner.network.denoiser import DenoiserConfig
from limner.training.contrast import ContrastConfig
from limner.training.deblocking import DeblockingConfig
from limner.training.denoise import RunConfig
from limner.training.evaluate import SamplingConfig
from limner.training.flow import FlowConfig
from limner.training.recipe import Recipe


def recipe() -> Recipe:
    """About seventy minutes on two cores with bf16 units."""
    return Recipe(
        name="limner-1",
        vocabulary="limner-1",
        scenes=60_000,
        contrast=ContrastConfig(steps=260),
        denoiser=DenoiserConfig(width=256, layers=8, heads=4),
        run=RunConfig(
            epochs=20,
            epoch_pictures=9_600,
            batch=64,
            cooldown=1.0,
            flow=FlowConfig(time_mean=1.2, time_deviation=1.6),
            compile=True,
        ),
        examined=200,
        deblocking=DeblockingConfig(steps=900),
        sampling=SamplingConfig(guidance=2.0, time_shift=12.0),
    )
