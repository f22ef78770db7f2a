"""The third run of limner-2: on from the second one's model, with the sun where it stays."""

from dataclasses import replace
from pathlib import Path

from limner.training.recipe import Recipe, load_recipe

SECOND = ".runs/limner-2-second/model"
"""Where the second run's model lies.

`limner train recipes/limner_2_more.py --run .runs/limner-2-second`, then
`limner export .runs/limner-2-second .runs/limner-2-second/model`, put it there.
"""


def recipe() -> Recipe:
    """About two hours on two cores with units for bfloat16: docs/log.md."""
    second = load_recipe(Path(__file__).with_name("limner_2_more.py"))
    return replace(second, seed=20, start=SECOND, run=replace(second.run, epochs=20))
