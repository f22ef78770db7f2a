"""The second run of limner-2: on from the first one's model, with more paint and another judge."""

from dataclasses import replace
from pathlib import Path

from limner.training.judge import JudgeTraining
from limner.training.recipe import Recipe, load_recipe

FIRST = ".runs/limner-2-first/model"
"""Where the first run's model lies.

`limner train recipes/limner_2.py --run .runs/limner-2-first`, then
`limner export .runs/limner-2-first .runs/limner-2-first/model`, put it there.
"""


def recipe() -> Recipe:
    """About two hours on two cores with units for bfloat16: docs/log.md."""
    first = load_recipe(Path(__file__).with_name("limner_2.py"))
    return replace(
        first,
        seed=10,
        start=FIRST,
        scenes=48_000,
        painted=0.8,
        shaped_scenes=6_000,
        judge_scenes=40_000,
        judge_training=JudgeTraining(steps=3_000),
        run=replace(first.run, epochs=19, epoch_pictures=20_480, muon_rate=0.01, adam_rate=1e-3, warmup=0.02),
    )
