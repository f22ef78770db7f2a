"""`limner.training.recipe`: recipes are Python files, are kept as JSON, and contradict themselves never."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from limner.errors import TrainingError
from limner.network.autoencoder import AutoencoderConfig
from limner.network.denoiser import DenoiserConfig
from limner.training.denoise import RunConfig
from limner.training.flow import FlowConfig
from limner.training.recipe import Recipe, load_recipe, read_recipe
from limner.training.scenes.cells import PARTS

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.mark.parametrize("name", [path.stem for path in RECIPES.glob("[a-z]*.py")])
def test_the_projects_recipes_come_back_from_json(tmp_path: Path, name: str) -> None:
    """A recipe of the project loads, and is equal to what is read from a run's folder."""
    recipe = load_recipe(RECIPES / f"{name}.py")
    (tmp_path / "recipe.json").write_text(json.dumps(asdict(recipe)), encoding="utf-8")
    assert read_recipe(tmp_path / "recipe.json") == recipe


def test_each_recipe_names_what_it_is_taught(tmp_path: Path) -> None:
    """limner-1 has a vocabulary of its own; a run from before recipes named one was limner-1's."""
    assert load_recipe(RECIPES / "limner_1.py").vocabulary == "limner-1"
    assert load_recipe(RECIPES / "limner_2.py").vocabulary == ""
    (tmp_path / "recipe.json").write_text('{"name": "x"}', encoding="utf-8")
    assert read_recipe(tmp_path / "recipe.json") == Recipe(name="x", vocabulary="limner-1")


def test_inner_settings_come_back_too(tmp_path: Path) -> None:
    """Values two levels down are not lost, and are of their own kind."""
    recipe = Recipe(name="x", run=RunConfig(epochs=3, flow=FlowConfig(drop=0.25)))
    (tmp_path / "recipe.json").write_text(json.dumps(asdict(recipe)), encoding="utf-8")
    read = read_recipe(tmp_path / "recipe.json")
    assert (read.run.epochs, read.run.flow) == (3, FlowConfig(drop=0.25))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "must have a function recipe"),
        ("def recipe():\n    return 3\n", r"returns a limner\.training\.recipe\.Recipe"),
    ],
)
def test_a_file_that_makes_no_recipe_is_refused(tmp_path: Path, source: str, message: str) -> None:
    """The error tells what the file must have."""
    path = tmp_path / "mine.py"
    path.write_text(source, encoding="utf-8")
    with pytest.raises(TrainingError, match=message):
        load_recipe(path)


@pytest.mark.parametrize("name", ["none.py", "none.txt", "."])
def test_what_is_no_python_file_is_refused(tmp_path: Path, name: str) -> None:
    """The error tells what to name."""
    with pytest.raises(TrainingError, match=r"no recipe at .*: name a Python file"):
        load_recipe(tmp_path / name)


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "x", "run": 3}', '{"name": "x", "unknown": 1}', "{}"])
def test_json_that_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    """Damaged, of another kind or of another version: the error asks whether this is a run's folder."""
    (tmp_path / "recipe.json").write_text(text, encoding="utf-8")
    with pytest.raises(TrainingError, match=r"recipe\.json is not a recipe .*: is this a run's folder\?"):
        read_recipe(tmp_path / "recipe.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"judge_scenes": 7}, "judge_scenes must be even"),
        ({"autoencoder": AutoencoderConfig(channels=8)}, "same number of channels"),
        ({"denoiser": DenoiserConfig(channels=8)}, "same number of channels"),
        ({"denoiser": DenoiserConfig(text_width=64)}, "must be the text encoder's width"),
        ({"denoiser": DenoiserConfig(things=3, parts=4)}, "denoiser.parts must be 30"),
        (
            {"denoiser": DenoiserConfig(things=3, parts=PARTS, painted=2, paints=4)},
            "denoiser.paints must be 13",
        ),
    ],
)
def test_networks_that_do_not_fit_together_are_refused(change: dict[str, Any], message: str) -> None:
    """Contradicting shapes are told at once, not after an hour of preparation."""
    with pytest.raises(TrainingError, match=message):
        replace(Recipe(name="x"), **change)
