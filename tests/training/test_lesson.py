"""`limner.training.lesson`: what naming the things in a picture's cells costs who cannot."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from limner.errors import TrainingError
from limner.network.memory import Named
from limner.training.lesson import Lesson, cell_weights
from limner.training.scenes.cells import PAINTS, PARTS

THINGS_B3hw = torch.tensor(
    [
        [[[0, 3], [3, 0]], [[0, 1], [4, 0]], [[0, 0], [2, 0]]],
        [[[0, 0], [0, 2]], [[0, 0], [0, 5]], [[0, 0], [0, 1]]],
    ]
)


def lesson() -> Lesson:
    """Of three things, read from tokens of width 8."""
    torch.manual_seed(0)
    return Lesson(8, 3)


def test_who_knows_nothing_guesses_among_all() -> None:
    """With the heads at zero, the loss is ln(things and none) + ln(parts and none) + ln(paints)."""
    guessing = lesson()
    for head in (guessing.thing, guessing.part, guessing.paint):
        assert head is not None
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
    loss_B = guessing(torch.randn(2, 4, 8), THINGS_B3hw, torch.ones(2, 1, 2, 2))
    torch.testing.assert_close(loss_B, torch.full((2,), math.log(4) + math.log(PARTS) + math.log(PAINTS)))


def test_cells_without_weight_do_not_count() -> None:
    """Another token in a cell of weight 0 changes nothing; in another cell it does."""
    weight_B1hw = torch.tensor([[[[0.0, 1.0], [1.0, 1.0]]]]).repeat(2, 1, 1, 1)
    tokens_BNW = torch.randn(2, 4, 8)
    losses = []
    for cell in (None, 0, 1):
        other = tokens_BNW.clone()
        if cell is not None:
            other[:, cell] = torch.randn(2, 8)
        losses.append(lesson()(other, THINGS_B3hw, weight_B1hw))
    assert torch.equal(losses[0], losses[1])
    assert not torch.isclose(losses[0], losses[2]).any()


def test_cells_are_asked_in_their_order() -> None:
    """Token row * width + column answers for the cell of that row and column."""
    teacher = lesson()
    optimizer = torch.optim.Adam(teacher.parameters(), lr=0.05)
    tokens_BNW = torch.eye(8).view(2, 4, 8)
    for _ in range(200):
        optimizer.zero_grad()
        teacher(tokens_BNW, THINGS_B3hw, torch.ones(2, 1, 2, 2)).mean().backward()
        optimizer.step()
    assert teacher.thing is not None
    named_BN = teacher.thing(teacher.norm(tokens_BNW)).argmax(-1)
    assert torch.equal(named_BN, THINGS_B3hw[:, 0].flatten(1))


@pytest.mark.parametrize("factor", [1.0, 4.0])
def test_things_weigh_more_and_a_cell_one_on_average(factor: float) -> None:
    """Cells with a thing count `factor` times as much as the others, whichever thing it is."""
    weight_B1hw = cell_weights(THINGS_B3hw, factor)
    assert weight_B1hw.shape == (2, 1, 2, 2)
    torch.testing.assert_close(weight_B1hw.mean(), torch.tensor(1.0))
    torch.testing.assert_close(weight_B1hw[0, 0, 0, 1], factor * weight_B1hw[0, 0, 0, 0])
    torch.testing.assert_close(weight_B1hw[0, 0, 1, 0], weight_B1hw[1, 0, 1, 1])


@pytest.mark.parametrize("with_paint", [False, True])
def test_what_a_memory_tells_is_graded_in_the_lessons_place(*, with_paint: bool) -> None:
    """The lesson asks for what the memory does not tell: the paint, or nothing."""
    lesson = Lesson(8, 0, 0 if with_paint else PAINTS)
    told = Named(
        torch.zeros(2, 4, 4), torch.zeros(2, 4, PARTS), torch.zeros(2, 4, PAINTS) if with_paint else None
    )
    if lesson.paint is not None:
        nn.init.zeros_(lesson.paint.weight)
        nn.init.zeros_(lesson.paint.bias)
    given = torch.randn(2, 4, 8), THINGS_B3hw, torch.ones(2, 1, 2, 2)
    expected = math.log(4) + math.log(PARTS) + math.log(PAINTS)
    torch.testing.assert_close(lesson(*given, told), torch.full((2,), expected))
    with pytest.raises(TrainingError, match="somebody has to tell"):
        lesson(*given)
