"""The run that made the shipped model, limner-1. Measured scores: docs/log.md and `limner models`."""

from limner.network.denoiser import DenoiserConfig
from limner.training.contrast import ContrastConfig
from limner.training.denoise import RunConfig
from limner.training.evaluate import SamplingConfig
from limner.training.flow import FlowConfig
from limner.training.judge import JudgeTraining
from limner.training.recipe import Recipe


def recipe() -> Recipe:
    """About four hours on two cores without bf16 units."""
    return Recipe(
        name="limner-1",
        scenes=60_000,
        contrast=ContrastConfig(steps=260),
        judge_training=JudgeTraining(words_first=700, steps=350),
        denoiser=DenoiserConfig(width=256, layers=8, heads=4),
        run=RunConfig(
            epochs=20,
            epoch_pictures=20_480,
            batch=64,
            cooldown=1.0,
            flow=FlowConfig(time_mean=1.8),
            compile=True,
        ),
        examined=200,
        sampling=SamplingConfig(guidance=2.0),
    )
