"""`limner.training.scenes.spec`: scenes are determined by their number, and sensible."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest

from limner.errors import DataError
from limner.training.scenes.captions import caption
from limner.training.scenes.concepts import COLOURS, CONDITIONS, flies
from limner.training.scenes.spec import (
    Scene,
    SceneSampler,
    Vocabulary,
    can_be_seen,
    fits_place,
    is_held_out,
    scene_random,
)
from limner.training.scenes.wording import RELATIONS

CRC_OF_CAPTIONS = 409131792


def test_a_scene_is_the_same_in_any_order(real: Vocabulary) -> None:
    """Scene (seed, index) does not depend on which were drawn before."""
    forwards = [SceneSampler(real).sample(7, index) for index in range(100)]
    sampler = SceneSampler(real)
    backwards = [sampler.sample(7, index) for index in reversed(range(100))]
    assert forwards == backwards[::-1]


def test_seeds_and_indices_give_other_scenes(real: Vocabulary) -> None:
    """Neither two seeds nor two indices share their random numbers."""
    draws = {scene_random(seed, index).random() for seed in range(20) for index in range(20)}
    assert len(draws) == 400
    sampler = SceneSampler(real)
    assert [sampler.sample(0, i) for i in range(9)] != [sampler.sample(1, i) for i in range(9)]


@pytest.mark.parametrize("held_out", [False, True])
def test_the_held_out_combinations_are_kept_apart(real: Vocabulary, *, held_out: bool) -> None:
    """A training stream never shows a held-out combination, and a held-out stream shows nothing else."""
    sampler = SceneSampler(real)
    drawn = [sampler.sample(2, index, held_out=held_out) for index in range(500)]
    assert {is_held_out(scene) for scene in drawn} == {held_out}


def test_the_held_out_combinations_know_no_order(scenes: list[Scene]) -> None:
    """A cat left of a dog is kept from training if a dog left of a cat is."""
    for scene in scenes:
        assert is_held_out(scene) == is_held_out(replace(scene, groups=scene.groups[::-1]))


def test_lights_of_the_sky_keep_their_hours(scenes: list[Scene]) -> None:
    """No sun at night, no moon by day; and no two of them."""
    for scene in scenes:
        for group in scene.groups:
            assert can_be_seen(group.concept, scene.condition)
            assert group.count == 1 or not group.concept.when


def test_rooms_hold_what_belongs_there(scenes: list[Scene]) -> None:
    """No tiger, no cactus and no cyclist at home."""
    for scene in scenes:
        if scene.place.setting == "indoor":
            assert all("indoor" in group.concept.support for group in scene.groups)


def test_everything_comes_up(real: Vocabulary, scenes: list[Scene]) -> None:
    """Six thousand scenes show all places, conditions, relations, colours, counts and nearly all things."""
    groups = [group for scene in scenes for group in scene.groups]
    assert {scene.place.name for scene in scenes} == {place.name for place in real.places}
    assert {scene.condition for scene in scenes} == set(CONDITIONS)
    assert {scene.relation for scene in scenes} == {None, *RELATIONS}
    assert {group.colour for group in groups} == {None, *COLOURS}
    assert {group.count for group in groups} == {1, 2, 3, 4, 5}
    assert len({group.concept.noun for group in groups}) > 0.95 * len(real.concepts)


def test_scenes_make_sense(scenes: list[Scene]) -> None:
    """Things fit their place, colours their thing, and weather stays outdoors."""
    for scene in scenes:
        assert all(fits_place(group.concept, scene.place) for group in scene.groups)
        assert all(group.concept.recolour for group in scene.groups if group.colour)
        assert scene.place.setting not in {"indoor", "underwater", "space"} or scene.condition in {
            "day",
            "night",
        }
        assert len({group.concept.noun for group in scene.groups}) == len(scene.groups)


def test_relations_join_what_can_be_joined(scenes: list[Scene]) -> None:
    """What flies is above what does not, players play with toys, the small stand before the large."""
    for scene in scenes:
        up = [flies(group.concept) for group in scene.groups]
        sizes = [group.concept.size for group in scene.groups]
        match scene.relation:
            case "above" | "below":
                assert up == [scene.relation == "above", scene.relation == "below"]
            case "on":
                assert sizes[0] < sizes[1]
            case "in front of" | "behind":
                assert (sizes[0] < sizes[1]) == (scene.relation == "in front of")
            case "playing with":
                assert scene.groups[1].concept.group in {"sport", "toy"}
            case "left of" | "right of" | "next to" | "near" | "far from":
                assert up[0] == up[1]


def test_who_acts_is_able_to(scenes: list[Scene]) -> None:
    """Riders are alive and smaller than their mounts, runners look the same way, and people hold what is small."""
    for scene in scenes:
        sizes = [group.concept.size for group in scene.groups]
        match scene.relation:
            case "riding" | "carrying":
                rider, mount = (0, 1) if scene.relation == "riding" else (1, 0)
                assert sizes[rider] < sizes[mount]
                assert scene.groups[rider].concept.group in {"animal", "bird", "person"}
            case "chasing" | "running from":
                assert {group.concept.facing for group in scene.groups} == {"left"}
            case "holding":
                assert scene.groups[0].concept.body == "waist"
            case "under":
                assert scene.groups[1].concept.group == "plant"
            case "between":
                assert [group.count for group in scene.groups] == [1, 2]


def test_only_single_things_are_told_to_be_big_or_small(scenes: list[Scene]) -> None:
    """A size is unusual for its thing, and nothing beside it needs the room."""
    sized = [(scene, group) for scene in scenes for group in scene.groups if group.size]
    assert len(sized) > 100
    for scene, group in sized:
        assert all(one.count == 1 for one in scene.groups)
        assert group.concept.size <= 3 if group.size == "big" else group.concept.size >= 3


def test_things_in_several_colours_come_oftener_than_others(real: Vocabulary, scenes: list[Scene]) -> None:
    """A third of the things is drawn from these alone, which are a fifth of all; told nothing, no more than that."""
    even = replace(real, wording=replace(real.wording, shares=replace(real.wording.shares, varied=0.0)))
    evenly = [SceneSampler(even).sample(0, index) for index in range(1_000)]
    assert 0.15 < share_of_varied(evenly) < 0.3
    assert 0.4 < share_of_varied(scenes) < 0.6


def share_of_varied(scenes: list[Scene]) -> float:
    """How many of the things come in several colours."""
    groups = [group for scene in scenes for group in scene.groups]
    return sum(group.concept.recolour for group in groups) / len(groups)


def test_styles_and_weathers_come_as_often_as_told(real: Vocabulary, scenes: list[Scene]) -> None:
    """Their shares are those of the wordings, to a few per cent."""
    for name, style in real.wording.styles.items():
        assert abs(sum(scene.style == name for scene in scenes) / len(scenes) - style.share) < 0.03
    outdoors = [scene.condition for scene in scenes if scene.place.setting == "outdoor"]
    for name, condition in real.wording.conditions.items():
        assert abs(outdoors.count(name) / len(outdoors) - condition.share) < 0.04


def test_limner_1s_scenes_are_still_those_that_it_was_trained_on(shipped: Vocabulary) -> None:
    """Three hundred captions are the letters that they were; but a bunch of grapes has an article now."""
    sampler = SceneSampler(shipped)
    captions = [
        caption(sampler.sample(0, index), shipped.wording, scene_random(16 << 32, index))
        for index in range(300)
    ]
    text = "\n".join(text for text in captions if "grapes" not in text)
    assert zlib.crc32(text.encode()) == CRC_OF_CAPTIONS


def test_what_a_vocabulary_has_not_is_not_drawn(shipped: Vocabulary) -> None:
    """limner-1's scenes have its own relations, conditions and counts, one style and no sizes."""
    sampler = SceneSampler(shipped)
    drawn = [sampler.sample(0, index) for index in range(1000)]
    assert {scene.relation for scene in drawn} == {None, *shipped.wording.relations}
    assert {scene.condition for scene in drawn} == set(shipped.wording.conditions)
    assert {scene.style for scene in drawn} == {"3d"}
    groups = [group for scene in drawn for group in scene.groups]
    assert ({group.count for group in groups}, {group.size for group in groups}) == ({1, 2, 3, 4}, {None})


@pytest.mark.parametrize(("painted", "all_are"), [(0.0, False), (1.0, True)])
def test_things_are_painted_as_often_as_asked_for(real: Vocabulary, painted: float, *, all_are: bool) -> None:
    """Of those that come in several colours."""
    sampler = SceneSampler(real, painted)
    groups = [group for index in range(100) for group in sampler.sample(0, index).groups]
    assert {bool(group.colour) for group in groups if group.concept.recolour} == {all_are}


def test_a_thing_alone_in_its_place_is_an_error(real: Vocabulary) -> None:
    """A table that has nothing to put beside a thing is refused, not searched for ever."""
    sampler = SceneSampler(replace(real, concepts=real.concepts[:1], places=real.places[:1]))
    with pytest.raises(DataError, match="nothing in the concept table can stand beside 'badger'"):
        [sampler.sample(0, index) for index in range(50)]
