"""`limner.training.weighing`: who sees rightly what a picture shows knows which caption is its own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from limner.network.judge import Sight
from limner.training.dataset import SceneStream, StreamConfig
from limner.training.scenes.cells import PAINTS, PARTS, feet, things_in_cells
from limner.training.scenes.concepts import data_folder
from limner.training.scenes.facts import Facts
from limner.training.scenes.layout import arrange
from limner.training.scenes.spec import scene_random
from limner.training.scenes.wording import RELATIONS
from limner.training.weighing import weigh
from tests.training.scenes.props import build_art, build_data

SURE = 30.0
THINGS, PLACES = 5, 3
DOUBT = math.log(0.01)


@pytest.fixture(scope="module", params=["tiny", "", "limner-1"])
def stream(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SceneStream:
    """Scenes of the tiny table, of the newest, and of limner-1's; none is drawn."""
    folder = tmp_path_factory.mktemp("weighing")
    data = build_data(folder / "data") if request.param == "tiny" else data_folder(request.param)
    return SceneStream(StreamConfig(art=build_art(folder / "art"), data=data))


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Logits of who is sure."""
    return nn.functional.one_hot(labels, classes).float() * SURE


def seen(*feet_at: tuple[int, int, int], paint: int = 0, place: int = 1, condition: int = 0) -> Sight:
    """A picture with things of one cell: number, row, column."""
    cells = torch.zeros(3, 8, 8, dtype=torch.int64)
    for thing, row, column in feet_at:
        cells[:, row, column] = torch.tensor([thing, feet()[0], paint])
    things, parts, paints = cells.flatten(1)[:, None]
    return Sight(
        one_hot(things, THINGS),
        one_hot(parts, PARTS),
        one_hot(paints, PAINTS),
        one_hot(torch.tensor([place]), PLACES),
        one_hot(torch.tensor([condition]), 4),
    )


def said(sight: Sight, **facts: int) -> float:
    """Log-probability of a caption: thing 1, once, in its own colour, in place 1, by day, unless told otherwise."""
    usual = dict.fromkeys(Facts._fields, 0) | {"place": 1, "thing": 1, "number": 1}
    return weigh(sight, torch.tensor([[list((usual | facts).values())]])).item()


def relation(name: str) -> int:
    """Its number."""
    return RELATIONS.index(name) + 1


def test_who_sees_all_of_a_scene_picks_its_caption(stream: SceneStream) -> None:
    """With what the composer knows for a sight, the true caption is by far the most probable of ten, always."""
    things, parts, paints, places, conditions = stream.numbers.classes
    for index in range(300):
        facts_10F = torch.from_numpy(
            np.stack([stream.numbers.facts(choice.scene) for choice in stream.choices(index)])
        )
        boxes = arrange(stream.scene(index), scene_random(0, index))
        cells_3hw = things_in_cells(boxes, stream.numbers.things).astype(np.int64)
        cells = torch.from_numpy(cells_3hw).flatten(1)[:, None]
        sight = Sight(
            one_hot(cells[0], things),
            one_hot(cells[1], parts),
            one_hot(cells[2], paints),
            one_hot(facts_10F[:1, 0], places),
            one_hot(facts_10F[:1, 1], conditions),
        )
        scores_10 = weigh(sight, facts_10F[None])[0]
        assert scores_10[0] > scores_10[1:].max() + 1, stream.choices(index)


def test_who_sees_nothing_guesses() -> None:
    """If all is equally likely to be there, neither the thing nor place, light and paint tell captions apart."""
    blind = Sight(
        torch.zeros(1, 64, THINGS),
        torch.zeros(1, 64, PARTS),
        torch.zeros(1, 64, PAINTS),
        torch.zeros(1, PLACES),
        torch.zeros(1, 4),
    )
    scores = [said(blind), said(blind, thing=3), said(blind, place=2), said(blind, condition=3, paint=7)]
    assert scores == pytest.approx([scores[0]] * 4)


@pytest.mark.parametrize(("name", "wrong"), [("place", 2), ("condition", 1), ("thing", 2), ("paint", 4)])
def test_each_fact_can_give_a_caption_away(name: str, wrong: int) -> None:
    """One wrong fact makes a caption a hundred times less probable; a wrong thing has a wrong number and paint."""
    sight = seen((1, 6, 3))
    assert said(sight) == pytest.approx(0, abs=0.01)
    assert said(sight, **{name: wrong}) == pytest.approx((2 if name == "thing" else 1) * DOUBT, abs=0.01)


def test_things_are_counted_by_their_feet() -> None:
    """Three in a row are three; a foot that is seen in two cells above each other is one."""
    row = seen((1, 6, 1), (1, 6, 3), (1, 6, 5))
    assert said(row, number=3) == pytest.approx(0, abs=0.01)
    assert said(row, number=2) == said(row, number=4) == pytest.approx(DOUBT, abs=0.01)
    assert said(seen((1, 5, 2), (1, 6, 2))) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("near", ((1, 6, 0), (2, 6, 4)), ((1, 6, 0), (2, 6, 5))),
        ("far from", ((1, 6, 6), (2, 6, 0)), ((1, 6, 6), (2, 6, 3))),
        ("under", ((1, 6, 3), (2, 6, 2)), ((1, 6, 2), (2, 6, 3))),
        ("holding", ((1, 7, 2), (2, 7, 4)), ((1, 7, 4), (2, 7, 2))),
        ("riding", ((1, 3, 3), (2, 6, 2)), ((1, 6, 2), (2, 3, 3))),
        ("carrying", ((1, 6, 2), (2, 3, 3)), ((1, 3, 3), (2, 6, 2))),
        ("chasing", ((1, 6, 4), (2, 6, 1)), ((1, 6, 1), (2, 6, 4))),
        ("running from", ((1, 6, 1), (2, 6, 4)), ((1, 6, 4), (2, 6, 1))),
    ],
)
def test_relations_are_told_by_where_feet_are(
    name: str, right: tuple[tuple[int, int, int], ...], wrong: tuple[tuple[int, int, int], ...]
) -> None:
    """What stands as it is said to makes the caption probable; the contrary makes it a hundred times less so."""
    words = {"relation": relation(name), "other": 2, "others": 1}
    assert said(seen(*right), **words) == pytest.approx(0, abs=0.01)
    assert said(seen(*wrong), **words) == pytest.approx(DOUBT, abs=0.01)


def test_between_needs_one_on_either_side() -> None:
    """Two on the same side are not it."""
    words = {"relation": relation("between"), "other": 2, "others": 2}
    assert said(seen((2, 6, 0), (1, 6, 3), (2, 6, 6)), **words) == pytest.approx(0, abs=0.01)
    assert said(seen((1, 6, 0), (2, 6, 3), (2, 6, 6)), **words) == pytest.approx(DOUBT, abs=0.01)


def test_sizes_are_told_by_the_part_that_the_foot_is_of() -> None:
    """The foot of the smallest box says small; facts without sizes, as old runs have them, say nothing."""
    sight = seen((1, 6, 3))
    assert said(sight, size=2) == pytest.approx(0, abs=0.01)
    assert said(sight, size=1) == pytest.approx(DOUBT, abs=0.01)
    old = torch.tensor([[[1, 0, 0, 1, 1, 0, 0, 0, 0]]])
    assert weigh(sight, old).item() == said(sight)


def test_doubt_about_a_number_is_shared_out() -> None:
    """One thing for sure and one with probability 1/2: one or two, equally likely."""
    sight = seen((1, 6, 1))
    sight.things_BNK[0, 6 * 8 + 4, :2] = SURE
    sight.parts_BNK[0, 6 * 8 + 4] = sight.parts_BNK[0, 6 * 8 + 1]
    sight.paints_BNK[0, 6 * 8 + 4] = sight.paints_BNK[0, 6 * 8 + 1]
    assert said(sight, number=1) == pytest.approx(said(sight, number=2), abs=1e-4)
    assert said(sight, number=1) == pytest.approx(math.log(0.505), abs=0.01)


@pytest.mark.parametrize(
    ("name", "contrary", "other"),
    [
        ("left of", "right of", (6, 5)),
        ("right of", "left of", (6, 0)),
        ("above", "below", (7, 2)),
        ("below", "above", (1, 2)),
        ("in front of", "behind", (4, 2)),
        ("behind", "in front of", (6, 2)),
    ],
)
def test_relations_are_where_the_feet_are(name: str, contrary: str, other: tuple[int, int]) -> None:
    """What stands in front stands lower; the contrary relation is as improbable as any wrong fact."""
    sight = seen((1, 5, 2), (2, *other))
    two = {"other": 2, "others": 1}
    assert said(sight, relation=relation(name), **two) == pytest.approx(0, abs=0.01)
    assert said(sight, relation=relation(contrary), **two) == pytest.approx(DOUBT, abs=0.01)
    assert said(sight, relation=relation("next to"), **two) == pytest.approx(0, abs=0.01)


def test_the_colours_of_two_things_are_not_mixed_up() -> None:
    """Each thing is asked for its own paint."""
    sight = seen((1, 6, 2), paint=3)
    sight.things_BNK[0, 6 * 8 + 5] = one_hot(torch.tensor(2), THINGS)
    sight.parts_BNK[0, 6 * 8 + 5] = one_hot(torch.tensor(feet()[0]), PARTS)
    sight.paints_BNK[0, 6 * 8 + 5] = one_hot(torch.tensor(7), PAINTS)
    two = {"other": 2, "others": 1}
    assert said(sight, paint=3, other_paint=7, **two) == pytest.approx(0, abs=0.01)
    assert said(sight, paint=7, other_paint=3, **two) == pytest.approx(2 * DOUBT, abs=0.01)
