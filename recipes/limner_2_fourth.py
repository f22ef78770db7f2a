"""The fourth run of limner-2: on from the third one's model, whose memory learns how paint changes what it knows."""

from dataclasses import replace
from pathlib import Path

from limner.training.deblocking import DeblockingConfig
from limner.training.recipe import Recipe, load_recipe
from limner.training.scenes.cells import PAINTS

THIRD = ".runs/limner-2-third/model"
"""Where the third run's model lies.

`limner train recipes/limner_2_third.py --run .runs/limner-2-third`, then
`limner export .runs/limner-2-third .runs/limner-2-third/model`, put it there.
"""


def recipe() -> Recipe:
    """About an hour and a half on two cores with units for bfloat16: docs/log.md."""
    third = load_recipe(Path(__file__).with_name("limner_2_third.py"))
    return replace(
        third,
        seed=30,
        start=THIRD,
        examined=400,
        shaped_scenes=5_000,
        denoiser=replace(third.denoiser, painted=138, paints=PAINTS),
        run=replace(third.run, epochs=7, muon_rate=2e-3, adam_rate=2e-4),
        deblocking=DeblockingConfig(steps=800, noisy=0.3, level_max=0.9, draws=4),
    )
