"""`scripts/model_card.py`: the measured part of docs/model-card.md comes from the evaluation and the manifest."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"
GOALS = [
    {"what": "one picture, 4 steps", "value": 0.123, "unit": "s", "goal": 0.25, "at_least": False}
    | {"reached": True, "missed_by": 0.0},
    {"what": "counting, 4 steps", "value": 0.5, "unit": "", "goal": 0.75, "at_least": True}
    | {"reached": False, "missed_by": 0.25},
]
SHARES = {"counting": 0.5, "overall": 0.5}
STEPS = ("4", "12", "25")
MATCH = {"loss": 0.5, "accuracy": 0.75}
NUMBERS: dict[str, Any] = {
    "date": "2030-01-02T03:04:05+00:00",
    "denoiser_sha256": "abc",
    "cores": 2,
    "pictures": 32,
    "captions": 192,
    "own_steps": 12,
    "goals": GOALS,
    "seconds": dict.fromkeys(STEPS, 0.1),
    "composition": {
        "ceiling": {"counting": 0.9, "overall": 0.95},
        "by_steps": dict.fromkeys(STEPS, SHARES),
    },
    "match": {"ceiling": {"loss": 0.1, "accuracy": 0.99}, "by_steps": dict.fromkeys(STEPS, MATCH)},
    "fidelity": {"floor": 1.5, "by_steps": dict.fromkeys(STEPS, 7.5)},
    "memory": {
        "drawn_median": 40.0,
        "drawn_least": 20.0,
        "held_out_median": 41.0,
        "held_out_least": 21.0,
        "nearer_than_any_held_out": 0.01,
    },
    "edits": {"count": 30, "unchanged_outside": 1.0, "found_inside": 0.6},
    "variations": {"count": 32, "cosine": 0.9, "cosine_least": 0.5, "differ": 1.0, "apart": 30.0},
    "retrieval": {"among": 100, "top_1": 0.77},
    "prompts": ["a cat", "a dog in the park"],
}
TRACE = [
    {"epoch": 20, "loss": 0.34, "accuracy": 0.94, "observation": "right: places 1.00"}
    | {"pictures": 192_000, "seconds": 4200.0}
]
MANIFEST: dict[str, Any] = {
    "recipe": {"scenes": 60_000},
    "files": {"denoiser.safetensors": "abc"},
    "training_trace": TRACE,
    "scores": {"prompt_match": MATCH, "prompt_match_of_real_scenes": {"loss": 0.1, "accuracy": 1.0}},
}


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], str]:
    """Writes the part between the marks from a folder of results and a model with a manifest."""
    monkeypatch.setattr(sys, "path", [str(SCRIPTS), *sys.path])
    script = runpy.run_path(str(SCRIPTS / "model_card.py"))
    marks = runpy.run_path(str(SCRIPTS / "generated.py"))
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))

    def write() -> str:
        text: str = script["model_card"](
            f"before\n{marks['BEGIN']}old\n{marks['END']}after\n", tmp_path, tmp_path
        )
        assert text.startswith("before\n")
        assert text.endswith("after\n")
        return text.partition(marks["BEGIN"])[2].partition(marks["END"])[0]

    return write


def test_without_an_evaluation_it_says_so(card: Callable[[], str]) -> None:
    """And which command makes one."""
    assert "There is no evaluation yet: `limner eval" in card()


def test_who_examined_is_told_from_the_recipe(card: Callable[[], str], tmp_path: Path) -> None:
    """A judge of the training scenes, as the first models had, or one with scenes of its own."""
    assert "trained on real scenes of *the same art* as the generator" in card()
    recipe = {"scenes": 100_000, "judge_scenes": 60_000}
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST | {"recipe": recipe}))
    assert "trained on 60,000 real scenes, on none that the generator learned" in card()
    assert "same art" not in card()


def test_what_is_missed_is_told_by_how_much_and_what_would_close_it(
    card: Callable[[], str], tmp_path: Path
) -> None:
    """A goal that is reached has nothing to close."""
    (tmp_path / "evaluation-2030-01-02.json").write_text(json.dumps(NUMBERS))
    text = card()
    assert "| one picture, 4 steps | 0.12 s | at most 0.25 s |  |  |" in text
    assert "| counting, 4 steps | 0.50 | at least 0.75 | **0.25** | distillation" in text


def test_every_part_is_told(card: Callable[[], str], tmp_path: Path) -> None:
    """Tasks, the curve with the real scenes below it, memory, the trace, and the prompts of the pictures."""
    (tmp_path / "evaluation-2030-01-02.json").write_text(json.dumps(NUMBERS))
    text = card()
    assert "on 2030-01-02, the weights that ship, 2 cores: 32 prompts for each task, 192 held-out" in text
    assert "A share of 32 pictures can be off by 0.09, one of 192 by 0.04" in text
    assert "| counting | 0.50 | 0.50 | 0.50 | 0.90 |" in text
    assert "| 12 | 0.50 | 0.75 | 0.50 | 7.50 | 0.10 |\n" in text
    assert "| real scenes | 0.95 | 0.99 | 0.10 | 1.50 | |" in text
    assert "of 100 real held-out scenes 77% find their own caption" in text
    assert "1% of the drawn pictures are nearer" in text
    assert "192,000 pictures in 70 minutes" in text
    assert "| 20 | 0.34 | 0.94 | right: places 1.00 |" in text
    assert "0. a cat\n1. a dog in the park\n" in text


def test_the_latest_evaluation_is_told_and_of_which_weights(card: Callable[[], str], tmp_path: Path) -> None:
    """Figures of other weights than those that ship are marked as such."""
    for date, numbers in (("2029-12-31", NUMBERS), ("2030-01-02", NUMBERS | {"denoiser_sha256": "other"})):
        (tmp_path / f"evaluation-{date}.json").write_text(json.dumps(numbers))
    text = card()
    assert "**other weights than those that ship**" in text


def test_the_page_is_up_to_date() -> None:
    """The page tells the latest evaluation and the manifest of the model that ships; `make docs` writes it."""
    command = [sys.executable, str(SCRIPTS / "model_card.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
