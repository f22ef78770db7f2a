"""The run that makes limner-2, with the newest vocabulary."""

from limner.network.denoiser import DenoiserConfig
from limner.training.contrast import ContrastConfig
from limner.training.deblocking import DeblockingConfig
from limner.training.denoise import RunConfig
from limner.training.evaluate import SamplingConfig
from limner.training.flow import FlowConfig
from limner.training.judge import JudgeTraining
from limner.training.recipe import Recipe
from limner.training.scenes.cells import PARTS


def recipe() -> Recipe:
    """About two hours on two cores with units for bfloat16, deblocking and upscaler aside: docs/log.md."""
    return Recipe(
        name="limner-2",
        scenes=64_000,
        painted=0.6,
        shapes=((8, 12), (12, 8), (8, 14), (14, 8)),
        shaped_scenes=8_000,
        contrast=ContrastConfig(steps=500),
        judge_training=JudgeTraining(steps=1_500),
        denoiser=DenoiserConfig(
            reach=14, width=256, layers=8, heads=4, inpaints=True, skips=False, things=689, parts=PARTS
        ),
        run=RunConfig(
            epochs=20,
            epoch_pictures=10_240,
            batch=64,
            cooldown=1.0,
            flow=FlowConfig(time_mean=1.2, time_deviation=1.6, shown=0.1, inpainted=0.15, lesson=0.5),
            shaped=0.15,
            compile=True,
        ),
        examined=200,
        judge_scenes=24_000,
        deblocking=DeblockingConfig(steps=900),
        sampling=SamplingConfig(steps=8, guidance=2.0, time_shift=3.0),
    )
