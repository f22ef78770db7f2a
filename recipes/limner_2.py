"""The run that is to make limner-2, with the newest vocabulary. It has not been carried out yet."""

from limner.network.denoiser import DenoiserConfig
from limner.training.contrast import ContrastConfig
from limner.training.deblocking import DeblockingConfig
from limner.training.denoise import RunConfig
from limner.training.evaluate import SamplingConfig
from limner.training.flow import FlowConfig
from limner.training.judge import JudgeTraining
from limner.training.recipe import Recipe


def recipe() -> Recipe:
    """limner-1's networks, a wider denoiser, three times the scenes and five times the pictures. For a GPU."""
    return Recipe(
        name="limner-2",
        scenes=180_000,
        wordings=3,
        contrast=ContrastConfig(steps=1_200),
        judge_training=JudgeTraining(steps=4_000),
        denoiser=DenoiserConfig(width=384, layers=10, heads=6),
        run=RunConfig(
            epochs=20,
            epoch_pictures=51_200,
            batch=128,
            cooldown=1.0,
            flow=FlowConfig(time_mean=1.2, time_deviation=1.6),
            compile=True,
        ),
        examined=300,
        deblocking=DeblockingConfig(steps=900),
        sampling=SamplingConfig(guidance=2.0, time_shift=12.0),
    )
