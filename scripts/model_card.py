"""Writes the figures of docs/model-card.md, and what they are not, from the evaluation and the model's manifest.

With --check it says whether they are up to date.
"""

# ruff: noqa: INP001 - a script is run, never imported

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from generated import between, latest, write_or_check

__all__ = ["model_card"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "model-card.md"
RESULTS = ROOT / "bench" / "results"
MODEL = ROOT / "src" / "limner" / "models" / "limner-2"
NOTHING = "There is no evaluation yet: `limner eval MODEL --run RUN --out FOLDER` makes one.\n"

SAME_SCENES = """\
**What these figures are not.** The judge was trained on real scenes of *the same art* as the generator, though on no
picture that a generator drew. A detector of artists whom the generator never saw would be the better examiner.
limner fetched no such art when this one was trained: a thing that looks right to the judge may owe that to marks of
this art that a person would not look for. The domain is closed and small, so these numbers do not compare with
GenEval's for models of photographs.
"""
SCENES_OF_ITS_OWN = """\
**What these figures are not.** The judge was trained on {scenes:,} real scenes, on none that the generator learned
from and on no picture that a generator drew. Half of them are *another artist's*, Google's Noto, whom the generator
never saw; the other half are of held-out combinations of things and places, in the generator's own art, though not
the scenes that are asked about here. Both are laid out by the same program and in the same colours: a thing that
looks right to the judge may owe that to marks that a person would not look for. The domain is closed and small, so
these numbers do not compare with GenEval's for models of photographs.
"""
"""Who examined the model: a judge of the training scenes, or of scenes that the generator never saw."""

_FEWER_STEPS = "distillation to four steps, of which there is none yet"
_LONGER = "a longer training: what each epoch brings is told below"
CLOSING = {
    "training trace, loss": "more pictures do little by now; what may is told below",
    "training trace, accuracy": _LONGER,
    "composition, 4 steps": f"{_LONGER}; two things, each in its own paint, are what is missed most",
    "composition, 4 steps for 25": _FEWER_STEPS,
    "counting, 4 steps": f"{_FEWER_STEPS}, as far as it is better in 25; then {_LONGER}",
    "position, 4 steps": f"{_FEWER_STEPS}, as far as it is better in 25; then {_LONGER}",
    "edits, found inside": _LONGER,
    "variations, cosine to the source": "more pictures learned from their own vector: a tenth was (not tried)",
    "denoiser, one picture": "a larger network or a faster processor",
}
"""What would close the gap, for goals that are missed."""


def model_card(text: str, results: Path, model: Path) -> str:
    """The page, with the part between its two marks written anew.

    Args:
        text: the page as it is.
        results: the folder of the results, of which the latest evaluation is told.
        model: the folder of the model that ships.
    """
    numbers = latest("evaluation", results)
    manifest = json.loads((model / "manifest.json").read_text(encoding="utf-8"))
    told = NOTHING if numbers is None else _told(numbers, manifest)
    return between(text, [_examiner(manifest["recipe"]), "## Figures\n", told])


def _examiner(recipe: dict[str, Any]) -> str:
    """What the judge was taught; the recipes of the first models do not say, for there was one way."""
    scenes = recipe.get("judge_scenes", 0)
    return SCENES_OF_ITS_OWN.format(scenes=scenes) if scenes else SAME_SCENES


def _told(numbers: dict[str, Any], manifest: dict[str, Any]) -> str:
    parts = [
        _head(numbers, manifest),
        _goals(numbers["goals"]),
        _composition(numbers),
        _curve(numbers),
        _rest(numbers),
        _training(manifest),
        _pictures(numbers["prompts"]),
    ]
    return "\n".join(parts)


def _head(numbers: dict[str, Any], manifest: dict[str, Any]) -> str:
    same = numbers["denoiser_sha256"] == manifest["files"]["denoiser.safetensors"]
    which = "the weights that ship" if same else "**other weights than those that ship**"
    drawn = f"{numbers['pictures']} prompts for each task, {numbers['captions']} held-out captions"
    one, all_six = numbers["pictures"], 6 * numbers["pictures"]
    return (
        f"`limner eval` on {numbers['date'][:10]}, {which}, {numbers['cores']} cores: {drawn}. The model's own "
        f"number of steps is {numbers['own_steps']}. A share of {one} pictures can be off by {_doubt(one):.2f}, "
        f"one of {all_six} by {_doubt(all_six):.2f} (one standard error at a half).\n"
    )


def _doubt(pictures: int) -> float:
    """The standard error of a share of one half."""
    return float((0.25 / pictures) ** 0.5)


def _goals(goals: list[dict[str, Any]]) -> str:
    head = (
        "### Against the goals\n\n"
        "| what | measured | goal | missed by | what would close it |\n|---|---|---|---|---|\n"
    )
    return head + "".join(_goal(goal) for goal in goals)


def _goal(goal: dict[str, Any]) -> str:
    bound, unit = "at least" if goal["at_least"] else "at most", f" {goal['unit']}".rstrip()
    # A near miss must not look like none.
    digits = 3 if 0 < goal["missed_by"] < 0.005 else 2
    missed = "" if goal["reached"] else f"**{goal['missed_by']:.{digits}f}{unit}**"
    closing = "" if goal["reached"] else CLOSING.get(goal["what"], "")
    told = f"{goal['value']:.{digits}f}{unit} | {bound} {goal['goal']:g}{unit}"
    return f"| {goal['what']} | {told} | {missed} | {closing} |\n"


def _composition(numbers: dict[str, Any]) -> str:
    told, own = numbers["composition"], str(numbers["own_steps"])
    columns = {f"{steps} steps": told["by_steps"][steps] for steps in sorted({"4", own, "25"}, key=int)}
    columns["real scenes"] = told["ceiling"]
    head = f"### Composition\n\n| task | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}\n"
    rows = [
        f"| {task} | {' | '.join(f'{column[task]:.2f}' for column in columns.values())} |\n"
        for task in told["ceiling"]
    ]
    return head + "".join(rows)


def _curve(numbers: dict[str, Any]) -> str:
    head = (
        "### Steps, quality and time\n\n"
        "| steps | composition | prompt match | its loss | Fréchet distance | seconds |\n"
        "|---|---|---|---|---|---|\n"
    )
    composition, match, distance = (numbers[name] for name in ("composition", "match", "fidelity"))
    rows = [
        f"| {steps} | {composition['by_steps'][steps]['overall']:.2f} | {match['by_steps'][steps]['accuracy']:.2f} | "
        f"{match['by_steps'][steps]['loss']:.2f} | {distance['by_steps'][steps]:.2f} | {seconds:.2f} |\n"
        for steps, seconds in numbers["seconds"].items()
    ]
    ceiling = match["ceiling"]
    real = (
        f"| real scenes | {composition['ceiling']['overall']:.2f} | {ceiling['accuracy']:.2f} | "
        f"{ceiling['loss']:.2f} | {distance['floor']:.2f} | |\n"
    )
    return head + "".join(rows) + real


def _rest(numbers: dict[str, Any]) -> str:
    memory, edits, variations = (numbers[name] for name in ("memory", "edits", "variations"))
    retrieval = numbers["retrieval"]
    return (
        "### Memory, edits, variations, retrieval\n\n"
        f"* From a drawn picture to the nearest training scene it is {memory['drawn_median']:.0f} levels of 255 "
        f"(median; the least {memory['drawn_least']:.0f}). From a held-out scene, which nobody can have copied, "
        f"it is {memory['held_out_median']:.0f} (the least {memory['held_out_least']:.0f}). "
        f"{memory['nearer_than_any_held_out']:.0%} of the drawn pictures are nearer than any held-out scene.\n"
        f"* {edits['count']} edits put another thing in place of one: {edits['unchanged_outside']:.0%} left all "
        f"outside the mask as it was, to the bit; in {edits['found_inside']:.0%} the judge finds the new thing.\n"
        f"* Two variations of each of {variations['count']} scenes: their image vectors are at cosine "
        f"{variations['cosine']:.2f} to the source's (the least {variations['cosine_least']:.2f}); "
        f"{variations['differ']:.0%} of the pairs differ, by {variations['apart']:.0f} levels (median).\n"
        f"* Text and image: of {retrieval['among']} real held-out scenes {retrieval['top_1']:.0%} find their own "
        "caption among all of theirs.\n"
    )


def _training(manifest: dict[str, Any]) -> str:
    trace, scores = manifest["training_trace"], manifest["scores"]
    minutes = sum(row["seconds"] for row in trace) / 60
    ceiling, last = scores["prompt_match_of_real_scenes"], scores["prompt_match"]
    rows = [
        f"| {row['epoch']} | {row['loss']:.2f} | {row['accuracy']:.2f} | {row['observation']} |\n"
        for row in trace
    ]
    return (
        f"### Training\n\nThe denoiser: {trace[-1]['pictures']:,} pictures in {minutes:.0f} minutes of two processor "
        "cores, no GPU. After each epoch held-out captions are drawn and put before the judge. As exported the "
        f"model has loss {last['loss']:.2f} and accuracy {last['accuracy']:.2f}; real scenes have "
        f"{ceiling['loss']:.2f} and {ceiling['accuracy']:.2f}, chance 2.30 and 0.10.\n\n"
        "| epoch | loss | accuracy | observation |\n|---|---|---|---|\n" + "".join(rows)
    )


def _pictures(prompts: list[str]) -> str:
    rows = "".join(f"{number}. {prompt}\n" for number, prompt in enumerate(prompts))
    return (
        f"### {len(prompts)} pictures, uncurated\n\nLeft as drawn, right as composed from the art; the same prompts "
        "in the same places, row by row. Picture k is seed k of prompt k, counted from 0.\n\n"
        "![Drawn on the left, composed from the art on the right](images/evaluation.webp)\n\n"
        f"<details><summary>The prompts</summary>\n\n{rows}\n</details>\n"
    )


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, model_card(PAGE.read_text(encoding="utf-8"), RESULTS, MODEL)))
