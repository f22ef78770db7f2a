"""The run that made the shipped model, limner-1. Measured scores: docs/log.md and `limner models`."""

from limner.network.denoiser import DenoiserConfig
from limner.training.contrast import ContrastConfig
from limner.training.denoise import RunConfig
from limner.training.judge import JudgeTraining
from limner.training.recipe import Recipe


def recipe() -> Recipe:
    """About three hours on two cores without bf16 units."""
    return Recipe(
        name="limner-1",
        scenes=60_000,
        contrast=ContrastConfig(steps=260),
        judge_training=JudgeTraining(steps=700),
        denoiser=DenoiserConfig(width=256, layers=8, heads=4),
        run=RunConfig(epochs=20, epoch_pictures=10_240, batch=64, cooldown=0.25, compile=True),
    )
