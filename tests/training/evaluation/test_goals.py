"""`limner.training.evaluation.goals`: figures beside their goals."""

from __future__ import annotations

from typing import Any

from limner.training.evaluation.goals import Goal, goals_of

FEW = {"overall": 0.6, "counting": 0.8, "position": 0.7}
RESULTS: dict[str, Any] = {
    "composition": {"by_steps": {"4": FEW, "25": {"overall": 0.8}}},
    "training": {"loss": 0.34, "accuracy": 0.94},
    "seconds": {"4": 0.1},
    "denoiser_tflops": 0.2,
    "weights_mb": 30.0,
    "edits": {"unchanged_outside": 1.0, "found_inside": 0.5},
    "variations": {"cosine": 0.9, "differ": 1.0},
}


def test_a_goal_is_reached_from_its_own_side() -> None:
    """At least, or at most; what is missed says by how much."""
    more, less = Goal(what="a", value=0.7, goal=0.75), Goal(what="b", value=0.7, goal=0.75, at_least=False)
    assert not more.reached
    assert less.reached
    assert round(more.row()["missed_by"], 6) == 0.05
    assert less.row()["missed_by"] == 0


def test_the_goals_are_told_with_the_figures_at_four_steps() -> None:
    """Composition is also compared with 25 steps; which of them are reached, these figures say."""
    goals = {goal.what: goal for goal in goals_of(RESULTS)}
    assert goals["composition, 4 steps for 25"].value == 0.6 / 0.8
    reached = {what for what, goal in goals.items() if goal.reached}
    assert reached == {
        "training trace, accuracy",
        "counting, 4 steps",
        "one picture, 4 steps",
        "weights",
        "edits, unchanged outside",
        "variations, cosine to the source",
        "variations, two differ",
    }


def test_a_teacher_that_draws_nothing_right_is_not_reached() -> None:
    """Nothing of nothing is no success."""
    nothing = RESULTS | {"composition": {"by_steps": {"4": FEW, "25": {"overall": 0.0}}}}
    goals = {goal.what: goal for goal in goals_of(nothing)}
    assert not goals["composition, 4 steps for 25"].reached
