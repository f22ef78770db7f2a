"""`limner.network.memory`: what is recalled of things, and how strongly."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from limner.network.memory import PRIMARIES, Memory, Tints

THING, PART, PARTS, CHANNELS = 2, 1, 3, 5


def memory(doubt: float = 0.0) -> Memory:
    """Of three things with three parts; says thing 2 and part 1 of whatever it sees, or, in doubt, thing 3 as well."""
    torch.manual_seed(0)
    made = Memory(8, CHANNELS, 3, PARTS)
    for head in (made.thing, made.part):
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
    with torch.no_grad():
        made.looks.normal_()
        made.thing.bias[THING], made.thing.bias[THING + 1] = 50, 50 * doubt
        made.part.bias[PART] = 50
    return made


def recalled(made: Memory) -> Tensor:
    """(C,) what it recalls in a cell."""
    latents_BNC: Tensor = made(torch.zeros(1, 1, 8))[1]
    return latents_BNC.flatten()


def test_the_named_part_of_the_named_thing_is_recalled() -> None:
    """What comes out is the entry's looks; the tokens get the whole entry, through a matrix."""
    made, tokens_BNW = memory(), torch.randn(2, 4, 8)
    entry = made.looks[THING * PARTS + PART]
    with_it_BNW, looks_BNC = made(tokens_BNW)
    torch.testing.assert_close(looks_BNC, entry[:CHANNELS].expand(2, 4, -1))
    torch.testing.assert_close(with_it_BNW, tokens_BNW + made.recall(entry))


def test_who_cannot_tell_two_things_apart_recalls_neither() -> None:
    """So that nothing jumps where one overtakes the other."""
    torch.testing.assert_close(recalled(memory(doubt=1.0)), torch.zeros(CHANNELS))
    before, after = recalled(memory(doubt=0.9999)), recalled(memory(doubt=1.0001))
    torch.testing.assert_close(before, after, atol=0.02, rtol=0)


def test_being_wrong_about_the_picture_teaches_the_names() -> None:
    """The strength of what is recalled follows from the names, and gradients reach them."""
    made = memory(doubt=0.99)
    recalled(made).square().sum().backward()
    assert made.thing.bias.grad is not None
    assert made.thing.bias.grad[THING].abs() > 0


def painted(paint: int) -> Tensor:
    """(C,) what is recalled of a thing that comes in two colours, of which the second is said to be seen."""
    made = memory()
    made.tints = Tints(8, CHANNELS, 3, PARTS, 1, 3)
    made.tints.begin(torch.tensor([0, 0, 1, 0]), torch.eye(3, PRIMARIES), CHANGES)
    with torch.no_grad():
        made.tints.paint.bias[paint] = 60
    return recalled(made) - recalled(memory())


CHANGES = torch.randn(2 * PARTS * PRIMARIES, CHANNELS, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("paint", [0, 1, 2])
def test_a_paint_adds_what_it_changes_of_the_part(paint: int) -> None:
    """Each of these paints is one primary; what that changes of this part of this thing is in its own row."""
    change_C = CHANGES.view(2, PARTS, PRIMARIES, CHANNELS)[1, PART, paint]
    torch.testing.assert_close(painted(paint), change_C)


def test_a_memory_of_paints_computes_where_it_lies() -> None:
    """Nothing of it is made on the processor while the rest is elsewhere; on "meta" any device stands for another."""
    made = Memory(8, CHANNELS, 3, PARTS, 1, 3).to("meta")
    with_it_BNW, looks_BNC = made(torch.zeros(1, 4, 8, device="meta"))
    assert with_it_BNW.is_meta
    assert looks_BNC.shape == (1, 4, CHANNELS)


def test_before_paints_are_learned_things_are_in_their_own_colours() -> None:
    """The head begins nearly sure of the first, so that tables that were just added hardly change a picture."""
    tints = Tints(8, CHANNELS, 3, PARTS, 1, 3)
    assert tints.paint(torch.randn(8)).softmax(-1)[0] > 0.99
