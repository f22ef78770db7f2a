"""Edits and variations of real pictures: is what was to stay unchanged, and is what was asked for there?

Axes in names: H, W pixels, V vector length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from limner.training.evaluation.grading import Seen
from limner.training.evaluation.memory import pixel_distance
from limner.training.evaluation.prompts import Prompt, worded
from limner.training.scenes.concepts import Concept, flies
from limner.training.scenes.layout import GRID, PIXELS_OF_SIZE, Box
from limner.training.scenes.spec import SIDE, Group, Vocabulary, can_be_seen, choose, fits_place, scene_random
from limner.types import Floats, Pixels

__all__ = ["Edit", "found_inside", "plan_edit", "unchanged_outside", "variations_told"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Edit:
    """An edit to ask for.

    Attributes:
        text: the prompt: what the whole picture shows afterwards.
        mask_HW: where it may be drawn anew.
        concept: what is to be found there.
    """

    text: str
    mask_HW: NDArray[np.bool_]
    concept: Concept


def plan_edit(prompt: Prompt, box: Box, vocabulary: Vocabulary) -> Edit | None:
    """Put another thing of the same size in place of the one in `box`; None if there is no other.

    Args:
        prompt: of a single thing.
        box: where its real picture has that.
        vocabulary: what could take its place.
    """
    old, place = prompt.scene.groups[0].concept, prompt.scene.place
    others = [
        concept
        for concept in vocabulary.concepts
        if concept is not old
        and PIXELS_OF_SIZE[concept.size] == PIXELS_OF_SIZE[old.size]
        and flies(concept) == flies(old)
        and fits_place(concept, place)
        and can_be_seen(concept, prompt.scene.condition)
    ]
    if not others or box.foot is None:
        return None
    concept = choose(scene_random(len(others), prompt.index), others)
    mask_HW = np.zeros((SIDE, SIDE), dtype=np.bool_)
    left = box.x - box.px // 2
    mask_HW[max(0, box.foot - box.px) : box.foot, max(0, left) : left + box.px] = True
    text = worded(replace(prompt.scene, groups=(Group(concept=concept),)))
    return Edit(text=text, mask_HW=mask_HW, concept=concept)


def unchanged_outside(edited: Pixels, source: Pixels, mask_HW: NDArray[np.bool_]) -> bool:
    """Whether everything outside the mask is the source's to the bit."""
    return bool((edited[~mask_HW] == source[~mask_HW]).all())


def found_inside(seen: Seen, thing: int, mask_HW: NDArray[np.bool_]) -> bool:
    """Whether such a thing stands with its foot inside the mask."""
    half = GRID // 2
    return any(mask_HW[one.row * GRID + half, one.column * GRID + half] for one in seen.find(thing))


def variations_told(
    sources_KV: Floats, variations_K2V: Floats, pairs: Sequence[tuple[Pixels, Pixels]]
) -> dict[str, float]:
    """How near two variations of each source are to it, as cosines, and how far from each other, in levels of 255."""
    cosines_K2 = (variations_K2V * sources_KV[:, None]).sum(-1)
    apart = np.array([pixel_distance(*pair) for pair in pairs])
    return {
        "cosine": float(cosines_K2.mean()),
        "cosine_least": float(cosines_K2.min()),
        "differ": float((apart > 0).mean()),
        "apart": float(np.median(apart)),
    }
