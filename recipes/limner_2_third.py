"""The third run of limner-2: on from the second one's model, with the sun where it stays."""

from dataclasses import replace
from pathlib import Path

from limner.training.recipe import Recipe, load_recipe

SECOND = ".runs/limner-2-second/model"
"""Where the second run's model lies.

`limner train recipes/limner_2_second.py --run .runs/limner-2-second`, then
`limner export .runs/limner-2-second .runs/limner-2-second/model`, put it there.
"""


def recipe() -> Recipe:
    """About an hour and a half on two cores with units for bfloat16: docs/log.md."""
    second = load_recipe(Path(__file__).with_name("limner_2_second.py"))
    # Higher rates undo at first what the runs before have settled, and take as long as those to settle it again.
    run = replace(second.run, epochs=11, muon_rate=4e-3, adam_rate=4e-4, shaped=0.1)
    return replace(second, seed=20, start=SECOND, run=run)
