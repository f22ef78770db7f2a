"""`limner.training.looks`: what a memory begins with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from limner.errors import TrainingError
from limner.network.memory import PRIMARIES, Memory
from limner.training.denoise import Scenes
from limner.training.looks import begin_memory, mean_looks, mixed_colours, paint_changes, painted_things
from limner.training.scenes.cells import PAINTS, PARTS

THING, PART, OTHER_PART = 2, 5, 6
CHANNELS = 6
OWN, SLOPE = 3.0, torch.linspace(-1, 1, PRIMARIES * CHANNELS).view(PRIMARIES, CHANNELS)


def painted_scenes(rounds: int = 60) -> Scenes:
    """Two cells each: a part of thing 2, in every paint in turn, and the same thing's other part, never painted."""
    count = rounds * PAINTS
    things_K3hw: NDArray[np.uint16] = np.zeros((count, 3, 1, 2), dtype=np.uint16)
    things_K3hw[:, 0] = THING
    things_K3hw[:, 1, 0] = PART, OTHER_PART
    things_K3hw[:, 2, 0, 0] = np.arange(count) % PAINTS
    latents_KChw = np.full((count, CHANNELS, 1, 2), OWN, dtype=np.float16)
    changes = mixed_colours() @ SLOPE
    latents_KChw[:, :, 0, 0] += changes[np.arange(count) % PAINTS].numpy()
    return Scenes(latents_KChw=latents_KChw, things_K3hw=things_K3hw)


def test_a_parts_mean_look_is_that_of_the_cells_that_show_it() -> None:
    """In units of the channels' deviations; nearer to 0 the fewer cells show it, and 0 where nothing stands."""
    things_K3hw = np.zeros((1_002, 3, 1, 2), dtype=np.uint16)
    things_K3hw[:, :2, 0, 0] = 2, 5
    things_K3hw[7, :2, 0, 1] = 1, 3
    latents_KChw = np.full((1_002, 2, 1, 2), 8, dtype=np.float16)
    looks = mean_looks(
        Scenes(latents_KChw=latents_KChw, things_K3hw=things_K3hw), torch.tensor([2.0, 4.0]), 2
    )
    assert looks.shape == (3 * PARTS, 2)
    torch.testing.assert_close(looks[2 * PARTS + 5], torch.tensor([4.0, 2.0]), rtol=0.01, atol=0)
    torch.testing.assert_close(looks[PARTS + 3], torch.tensor([4.0, 2.0]) / 3)
    assert looks.abs().sum(1).count_nonzero() == 2
    with pytest.raises(TrainingError, match=r"thing number 2, and the recipe's denoiser\.things is 1"):
        mean_looks(Scenes(latents_KChw=latents_KChw, things_K3hw=things_K3hw), torch.ones(2), 1)


def test_looks_are_those_of_a_things_own_colours() -> None:
    """Painted ones do not count; what is never shown without paint has no looks, and both are told as painted."""
    things_K3hw = np.zeros((40, 3, 1, 2), dtype=np.uint16)
    things_K3hw[:, :, 0, 0] = 2, 5, 0
    things_K3hw[20:, 2, 0, 0] = 7
    things_K3hw[:, :, 0, 1] = 1, 3, 4
    latents_KChw = np.full((40, 2, 1, 2), 8, dtype=np.float16)
    latents_KChw[20:] = -8
    looks = mean_looks(Scenes(latents_KChw=latents_KChw, things_K3hw=things_K3hw), torch.ones(2), 3)
    torch.testing.assert_close(looks[2 * PARTS + 5], torch.tensor([8.0, 8.0]) * 20 / 22)
    assert not looks[PARTS + 3].any()
    assert painted_things(things_K3hw, 3).tolist() == [0, 1, 2, 0]


def test_paint_is_a_mixture_of_primaries() -> None:
    """What each adds is found from how paints look, and is nothing where no paint was seen."""
    which = torch.tensor([0, 0, 1])
    own = torch.zeros(3 * PARTS, CHANNELS)
    own[THING * PARTS :] = OWN
    changes = paint_changes(painted_scenes(), torch.ones(CHANNELS), own, which)
    assert changes.shape == (2 * PARTS * PRIMARIES, CHANNELS)
    changes = changes.view(-1, PRIMARIES, CHANNELS)
    found, told = mixed_colours() @ changes[PARTS + PART], mixed_colours() @ SLOPE
    torch.testing.assert_close(found, told, atol=0.05, rtol=0)
    assert not changes[PARTS + OTHER_PART].any()


def test_a_memory_begins_with_things_as_they_are_in_every_paint() -> None:
    """Said to be of a paint, a part looks as the scenes show it in that paint; if of none, as by itself."""
    torch.manual_seed(0)
    scenes, memory = painted_scenes(), Memory(8, CHANNELS, 2, PARTS, 1, PAINTS)
    begin_memory(memory, scenes, torch.ones(CHANNELS), is_learned=False)
    assert memory.tints is not None
    with torch.no_grad():
        for head in (memory.thing, memory.part, memory.tints.paint):
            head.weight.zero_()
        memory.thing.bias[THING] = memory.part.bias[PART] = 60
        for paint in range(PAINTS):
            memory.tints.paint.bias.zero_()
            memory.tints.paint.bias[paint] = 60
            shown_C = torch.from_numpy(scenes.latents_KChw[paint, :, 0, 0].astype(np.float32))
            recalled_C = memory(torch.zeros(1, 1, 8))[1].flatten()
            torch.testing.assert_close(recalled_C, shown_C, atol=0.15, rtol=0)


def test_paints_rest_and_what_was_learned_rests_too() -> None:
    """Only a memory that is new learns how things look."""
    for is_learned in (False, True):
        memory = Memory(8, CHANNELS, 2, PARTS, 1, PAINTS)
        begin_memory(memory, painted_scenes(), torch.ones(CHANNELS), is_learned=is_learned)
        assert memory.tints is not None
        assert memory.looks.requires_grad != is_learned
        assert not memory.tints.changes.requires_grad
        assert memory.tints.paint.weight.requires_grad


def test_more_painted_things_than_entries_are_refused() -> None:
    """The error names the setting."""
    scenes = painted_scenes()
    scenes.things_K3hw[:, 0, 0, 0] = np.arange(len(scenes.things_K3hw)) % 2 + 1
    with pytest.raises(TrainingError, match=r"2 things are painted, and the recipe's denoiser\.painted is 1"):
        begin_memory(Memory(8, CHANNELS, 2, PARTS, 1, PAINTS), scenes, torch.ones(CHANNELS), is_learned=False)
