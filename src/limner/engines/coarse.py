"""Engines that draw a whole picture in one go: their model cannot be asked for one step.

What is lost by that, `Capabilities.lost` says. The loop treats a picture as one long step; whoever draws looks
between its own steps whether anyone still wants the picture.

Axes in names: B batch, T tokens, D token width or vector length, C channels, H and W pixels, h and w of x.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from limner.diffusion.rendering import Rendering
from limner.engines.base import Engine, Inpaint
from limner.errors import EngineError, InvalidRequestError
from limner.types import EMBEDDING_LENGTH, Floats, Pixels, TextFeatures

__all__ = ["LOST", "CoarseEngine"]

LOST = (
    "pictures are drawn one at a time, not step by step together",
    "no previews while a picture is drawn, and no trace",
    "no picture to start from: no edits, masks and variations",
    "the sampler is the model's own, and so is the noise of a seed",
)
"""What no coarse engine can do."""


class CoarseEngine(Engine):
    """x is the picture itself: (3, H, W) from -1 to 1. The prompt's vector only tells prompts apart."""

    @abstractmethod
    def generate(self, rendering: Rendering) -> Floats:
        """Draw a whole picture with the rendering's prompt, seed, guidance and number of steps.

        Returns:
            (3, H, W) float32, the clean x.

        Raises:
            CancelledError: `rendering.unwanted()` was true between two steps.
        """

    def encode(self, prompts: Sequence[str]) -> list[TextFeatures]:
        """See `Engine.encode`: a vector hashed from the prompt; the model reads the prompt itself."""
        return [_hashed(prompt) for prompt in prompts]

    def denoise(
        self,
        x_BChw: Floats,
        t_B: Floats,
        features: Sequence[TextFeatures],
        guidance_B: Floats,
        inpaint: Inpaint | None = None,
    ) -> Floats:
        """See `Engine.denoise`: there is no such thing here."""
        del x_BChw, t_B, features, guidance_B, inpaint
        raise EngineError("This model draws whole pictures: ask it to generate, not to denoise")

    def attend(self, x_BChw: Floats, t_B: Floats, features: Sequence[TextFeatures]) -> Floats:
        """See `Engine.attend`: there is no such thing here."""
        del x_BChw, t_B, features
        raise InvalidRequestError("This model tells no trace: draw without it", param="trace")

    def decode(self, x0_BChw: Floats) -> Pixels:
        """See `Engine.decode`."""
        levels_BCHW = np.rint(np.clip(x0_BChw * 127.5 + 127.5, 0, 255))
        return np.ascontiguousarray(levels_BCHW.astype(np.uint8).transpose(0, 2, 3, 1))

    def encode_image(self, pixels_BHWC: Pixels) -> Floats:
        """See `Engine.encode_image`: there is no such thing here."""
        del pixels_BHWC
        raise InvalidRequestError("This model cannot start from a picture: leave it out", param="image")

    def embed_image(self, pixels_BHWC: Pixels) -> Floats:
        """See `Engine.embed_image`: there is no such thing here."""
        return self.encode_image(pixels_BHWC)


def _hashed(prompt: str) -> TextFeatures:
    key = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:16], "big")
    vector_D = np.random.Generator(np.random.Philox(key=key)).standard_normal(
        EMBEDDING_LENGTH, dtype=np.float32
    )
    return TextFeatures(
        prompt=prompt,
        vector_D=vector_D / np.linalg.norm(vector_D),
        states_TD=np.zeros((1, 1), np.float32),
        mask_T=np.zeros(1, np.bool_),
        tokens=(),
        words=(),
    )
