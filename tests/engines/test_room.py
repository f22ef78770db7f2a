"""Where the device's memory is full: fewer at a time, then in tiles, then an error with numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from limner.engines.room import Room
from limner.errors import EngineError
from limner.testing import noisy
from tests.engines import tiny_diffusers as tiny
from tests.engines.test_diffusers_families import open_tiny

pytestmark = pytest.mark.usefixtures("one_thread")


class Memory:
    """A device that holds so many rows, or numbers, of a network's input, as torch's allocator tells it.

    Attributes:
        asked: what it was asked to hold, in turn.
    """

    def __init__(self, most: int, axis: int = 0) -> None:
        self.most, self.axis = most, axis
        self.asked: list[int] = []

    def hold(self, size: int) -> None:
        """Make room.

        Raises:
            OutOfMemoryError: there is none.
        """
        self.asked.append(size)
        if size > self.most:
            raise torch.OutOfMemoryError(f"Tried to allocate {size} rows.\nMore of it.")

    def watch(self, network: torch.nn.Module) -> None:
        """Let every call of a network ask for room."""
        network.register_forward_pre_hook(lambda _network, inputs: self.hold(inputs[0].shape[self.axis]))


@pytest.mark.parametrize(
    ("most", "asked"),
    [(8, [5]), (4, [5, 2, 2, 1]), (2, [5, 2, 2, 1]), (1, [5, 2, 1, 1, 1, 1, 1])],
)
def test_rows_are_computed_as_they_fit(most: int, asked: list[int]) -> None:
    """In halves, in their order, each once."""
    memory, values_B = Memory(most), torch.arange(5)

    def rows(part: slice) -> torch.Tensor:
        memory.hold(len(values_B[part]))
        return 2 * values_B[part]

    assert Room("cpu", "a pass").compute(rows, 5).tolist() == [0, 2, 4, 6, 8]
    assert memory.asked == asked


def test_what_did_not_fit_once_is_not_tried_again() -> None:
    """The next batch begins with what fitted."""
    memory, room = Memory(2), Room("cpu", "a pass")

    def rows(part: slice) -> torch.Tensor:
        memory.hold(len(range(4)[part]))
        return torch.zeros(len(range(4)[part]))

    for _ in range(2):
        assert len(room.compute(rows, 4)) == 4
    assert memory.asked == [4, 2, 2, 2, 2]


def test_one_row_that_does_not_fit_is_an_error_with_numbers() -> None:
    """In one line, after everything was tried."""
    saved = iter([True, False])
    memory = Memory(0)

    def rows(part: slice) -> torch.Tensor:
        memory.hold(len(range(2)[part]))
        return torch.zeros(0)

    with pytest.raises(
        EngineError, match=r"the pass of a single picture .* Tried to allocate 1 rows"
    ) as caught:
        Room("cpu", "the pass", lambda: next(saved)).compute(rows, 2)
    assert "\n" not in str(caught.value)
    assert memory.asked == [2, 1, 1]


def test_an_engine_denoises_fewer_at_a_time() -> None:
    """The estimates are those of a device with room for all."""
    pipe = tiny.stable_diffusion()
    engine = open_tiny(pipe)
    look = noisy(engine)
    expected = engine.denoise(*look)
    memory = Memory(1)
    memory.watch(pipe.unet)
    np.testing.assert_allclose(engine.denoise(*look), expected, atol=1e-3)
    assert memory.asked == [3, 1, 1, 1]


def test_an_engine_decodes_in_tiles_at_last() -> None:
    """One picture that does not fit is decoded piece by piece, and looks much the same."""
    pipe: Any = tiny.stable_diffusion()
    pipe.vae.tile_latent_min_size, pipe.vae.tile_sample_min_size = 4, 8
    engine = open_tiny(pipe)
    x_BChw = noisy(engine)[0][:1]
    expected = engine.decode(x_BChw)
    memory = Memory(4, axis=2)
    memory.watch(pipe.vae.decoder)
    tiled = engine.decode(x_BChw)
    assert tiled.shape == expected.shape
    assert memory.asked[0] == 8
    assert max(memory.asked[1:]) == 4
    assert np.abs(tiled.astype(int) - expected).mean() < 64


def test_an_engine_for_which_nothing_helps_says_so() -> None:
    """With what to do."""
    pipe = tiny.stable_diffusion()
    engine = open_tiny(pipe)
    look = noisy(engine)
    Memory(0).watch(pipe.unet)
    with pytest.raises(EngineError, match=r"memory is full.*choose precision bf16"):
        engine.denoise(*look)
