"""limner-1, trained on for its colours, and by pictures' vectors in place of prompts. An experiment: docs/log.md."""

from limner.network.denoiser import DenoiserConfig
from limner.training.deblocking import DeblockingConfig
from limner.training.denoise import RunConfig
from limner.training.evaluate import SamplingConfig
from limner.training.flow import FlowConfig
from limner.training.recipe import Recipe


def recipe() -> Recipe:
    """About an hour on two cores with bf16 units."""
    return Recipe(
        name="limner-1",
        vocabulary="limner-1",
        start="limner-1",
        scenes=60_000,
        painted=0.8,
        denoiser=DenoiserConfig(width=256, layers=8, heads=4),
        run=RunConfig(
            epochs=5,
            epoch_pictures=9_600,
            batch=64,
            muon_rate=0.008,
            adam_rate=8e-4,
            cooldown=1.0,
            flow=FlowConfig(time_mean=1.2, time_deviation=1.6, shown=0.1),
            compile=True,
        ),
        examined=400,
        deblocking=DeblockingConfig(steps=320, rate=5e-4),
        sampling=SamplingConfig(guidance=2.0, time_shift=12.0),
    )
