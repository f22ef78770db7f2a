"""The figures that limner-2 is to reach, beside those that it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Goal", "goals_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Goal:
    """A figure beside its goal.

    Attributes:
        what: is measured.
        value: the figure.
        unit: what it counts, "" for a ratio.
        goal: what it must reach.
        at_least: larger is better; otherwise the goal is the most that it may be.
    """

    what: str
    value: float
    unit: str = ""
    goal: float
    at_least: bool = True

    @property
    def reached(self) -> bool:
        """The goal is."""
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    def row(self) -> dict[str, Any]:
        """Everything, and by how much it is missed: 0 if it is reached."""
        missed = 0.0 if self.reached else abs(self.value - self.goal)
        return asdict(self) | {"reached": self.reached, "missed_by": missed}


def goals_of(results: Mapping[str, Any]) -> list[Goal]:
    """The goals that an evaluation can tell of, with its figures."""
    composition, training = results["composition"], results["training"]
    few = composition["by_steps"]["4"]
    teacher = composition["by_steps"]["25"]["overall"]
    return [
        Goal(what="training trace, loss", value=training["loss"], goal=0.30, at_least=False),
        Goal(what="training trace, accuracy", value=training["accuracy"], goal=0.90),
        Goal(what="composition, 4 steps", value=few["overall"], goal=0.84),
        Goal(
            what="composition, 4 steps for 25",
            value=few["overall"] / teacher if teacher else 0.0,
            goal=0.95,
        ),
        Goal(what="counting, 4 steps", value=few["counting"], goal=0.75),
        Goal(what="position, 4 steps", value=few["position"], goal=0.75),
        Goal(what="one picture, 4 steps", value=results["seconds"]["4"], unit="s", goal=0.25, at_least=False),
        Goal(what="denoiser, one picture", value=results["denoiser_tflops"], unit="TFLOP/s", goal=1.5),
        Goal(what="weights", value=results["weights_mb"], unit="MB", goal=64, at_least=False),
        Goal(what="edits, unchanged outside", value=results["edits"]["unchanged_outside"], goal=1.0),
        Goal(what="edits, found inside", value=results["edits"]["found_inside"], goal=0.8),
        Goal(what="variations, cosine to the source", value=results["variations"]["cosine"], goal=0.8),
        Goal(what="variations, two differ", value=results["variations"]["differ"], goal=1.0),
    ]
