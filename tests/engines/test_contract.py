"""The contract is able to fail: an engine with a fault is found by the check that is meant for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from limner.engines.base import Engine, Inpaint
from limner.engines.fake import FakeEngine
from limner.testing import EngineContract
from limner.types import Floats, Pixels, TextFeatures


class LooksAtNeighbours(FakeEngine):
    """Its estimates depend on the rest of the batch."""

    def denoise(
        self,
        x_BChw: Floats,
        t_B: Floats,
        features: Sequence[TextFeatures],
        guidance_B: Floats,
        inpaint: Inpaint | None = None,
    ) -> Floats:
        """The estimates, shifted by the whole batch's mean."""
        x0_BChw = super().denoise(x_BChw, t_B, features, guidance_B, inpaint)
        x0_BChw += x_BChw.mean()
        return x0_BChw


class IgnoresGuidance(FakeEngine):
    """It accepts a guidance scale and does nothing with it."""

    def denoise(
        self,
        x_BChw: Floats,
        t_B: Floats,
        features: Sequence[TextFeatures],
        guidance_B: Floats,
        inpaint: Inpaint | None = None,
    ) -> Floats:
        """The estimates without guidance."""
        return super().denoise(x_BChw, t_B, features, np.ones_like(guidance_B), inpaint)


class LooksBeyondTheMask(FakeEngine):
    """Its attention gives weight to places where no token stands."""

    def attend(self, x_BChw: Floats, t_B: Floats, features: Sequence[TextFeatures]) -> Floats:
        """The maps as if every place held a token."""
        everywhere = [replace(one, mask_T=np.ones_like(one.mask_T)) for one in features]
        return super().attend(x_BChw, t_B, everywhere)


class WritesIntoItsInput(FakeEngine):
    """It uses the caller's array as its own."""

    def denoise(
        self,
        x_BChw: Floats,
        t_B: Floats,
        features: Sequence[TextFeatures],
        guidance_B: Floats,
        inpaint: Inpaint | None = None,
    ) -> Floats:
        """The estimates; x is overwritten with them."""
        x_BChw[:] = super().denoise(x_BChw, t_B, features, guidance_B, inpaint)
        return x_BChw


class ForgetsToNormalise(FakeEngine):
    """Its vectors are too long."""

    def encode(self, prompts: Sequence[str]) -> list[TextFeatures]:
        """The features with vectors of length two."""
        return [replace(one, vector_D=2 * one.vector_D) for one in super().encode(prompts)]


class TurnsPicturesUpsideDown(FakeEngine):
    """What it decodes is not what it encoded."""

    def decode(self, x0_BChw: Floats) -> Pixels:
        """The pictures, bottom first."""
        return super().decode(x0_BChw)[:, ::-1]


@pytest.mark.parametrize(
    ("engine", "check"),
    [
        (LooksAtNeighbours(), EngineContract.test_a_picture_is_seen_alike_alone_and_among_others),
        (IgnoresGuidance(), EngineContract.test_guidance_goes_on_in_a_straight_line),
        (LooksBeyondTheMask(), EngineContract.test_attention_is_a_distribution_over_the_tokens),
        (WritesIntoItsInput(), EngineContract.test_what_is_asked_for_is_left_as_it_is),
        (ForgetsToNormalise(), EngineContract.test_a_prompt_becomes_a_unit_vector_of_1024),
        (TurnsPicturesUpsideDown(), EngineContract.test_a_picture_survives_the_way_in_and_out),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Engine) else "",
)
def test_a_fault_is_found(engine: Engine, check: Callable[[EngineContract, Engine], None]) -> None:
    """Each broken engine fails the check that names its fault."""
    with pytest.raises(AssertionError):
        check(EngineContract(), engine)
