"""A run of about two minutes on two cores: everything happens, nothing is learned well. Tests shrink it further."""

from limner.network.autoencoder import AutoencoderConfig
from limner.network.denoiser import DenoiserConfig
from limner.network.image_tower import ImageTowerConfig
from limner.network.judge import JudgeConfig
from limner.network.text_encoder import TextEncoderConfig
from limner.network.upscaler import UpscalerConfig
from limner.training.contrast import ContrastConfig
from limner.training.deblocking import DeblockingConfig
from limner.training.denoise import RunConfig
from limner.training.distil import DistilConfig
from limner.training.evaluate import SamplingConfig
from limner.training.flow import FlowConfig
from limner.training.judge import JudgeTraining
from limner.training.recipe import Recipe
from limner.training.scenes.cells import PARTS
from limner.training.upscaler import UpscalerTraining


def recipe() -> Recipe:
    """Small networks, a thousand scenes, two epochs."""
    return Recipe(
        name="debug",
        scenes=1_024,
        autoencoder_scenes=256,
        shapes=((8, 12),),
        shaped_scenes=256,
        wordings=1,
        examined=50,
        judge_scenes=512,
        from_minilm=False,
        autoencoder=AutoencoderConfig(channels=32, width=16, outer=1, inner=1),
        text_encoder=TextEncoderConfig(width=64, layers=2, heads=4, hidden=128),
        image_tower=ImageTowerConfig(channels=32, width=64, layers=1, heads=2),
        judge=JudgeConfig(width=64, heads=2, layers=1),
        denoiser=DenoiserConfig(
            channels=32,
            reach=12,
            width=64,
            layers=2,
            heads=2,
            text_width=64,
            inpaints=True,
            skips=False,
            things=689,
            parts=PARTS,
        ),
        contrast=ContrastConfig(steps=20, batch=32),
        judge_training=JudgeTraining(steps=60, batch=16),
        run=RunConfig(
            epochs=2,
            epoch_pictures=640,
            batch=32,
            flow=FlowConfig(shown=0.1, inpainted=0.2),
            shaped=0.25,
        ),
        sampling=SamplingConfig(steps=4),
        distil=DistilConfig(steps=20, batch=16, draws=2, teacher_draws=2),
        deblocking=DeblockingConfig(steps=40),
        upscaler=UpscalerConfig(width=16, outer=1, inner=1),
        upscaling=UpscalerTraining(scenes=64, steps=20),
    )
