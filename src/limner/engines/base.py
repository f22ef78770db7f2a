"""The contract that every engine fulfils: who computes is interchangeable, what is computed is not.

Axes in names: B batch, T tokens, D embedding, C channels, H height, W width (h, w on the latent grid).
An engine is used from one thread at a time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from limner.diffusion.schedule import timesteps
from limner.errors import EngineError, InvalidRequestError
from limner.types import Floats, Pixels, Reading, TextFeatures

__all__ = ["Capabilities", "Engine", "EngineOptions", "Inpaint", "Precision", "UpscalerName"]

Precision: TypeAlias = Literal["auto", "f32", "bf16"]
UpscalerName: TypeAlias = Literal["learned", "lanczos"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineOptions:
    """How an engine may use the machine; what it draws does not depend on it, beyond rounding.

    Attributes:
        threads: processor threads to compute with; 0 takes all.
        cache_dir: where compiled networks are kept between processes; None keeps none.
        precision: numbers to compute with; "auto" is the fastest that the machine does well.
        upscaler: how pictures larger than the model's own are made: "learned" by the network that it has for
            that, if it has one; "lanczos" by resampling alone.
        variant: which of a checkpoint's sets of weights to open, such as "fp16"; "" is the usual one. This and
            what follows is for checkpoints of other people.
        revision: branch, tag or commit of a checkpoint on a hub; "" is its main branch.
        allow_pickle: open pickles too, which can run any code: only what you trust.
        loras: files to add to the checkpoint, each with its weight: ``ink.safetensors=0.8``.
        int8_weights: round its weights to 8 bits, where OpenVINO computes it: smaller files, pictures a little off.

    Raises:
        InvalidRequestError: a field is out of range; `param` names it.
    """

    threads: int = 0
    cache_dir: Path | None = None
    precision: Precision = "auto"
    upscaler: UpscalerName = "learned"
    variant: str = ""
    revision: str = ""
    allow_pickle: bool = False
    loras: tuple[str, ...] = ()
    int8_weights: bool = False

    def __post_init__(self) -> None:
        if self.threads < 0:
            raise InvalidRequestError(f"threads must be 0 (all) or more, not {self.threads}", param="threads")
        if self.precision not in get_args(Precision):
            raise InvalidRequestError(
                f"precision must be one of {', '.join(get_args(Precision))}, not {self.precision!r}",
                param="precision",
            )
        if self.upscaler not in get_args(UpscalerName):
            raise InvalidRequestError(
                f"upscaler must be one of {', '.join(get_args(UpscalerName))}, not {self.upscaler!r}",
                param="upscaler",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What an engine with its model can do, and its defaults.

    Attributes:
        model: the model's name.
        latent_shape: (C, h, w) of one x.
        picture_size: (width, height) that `decode` puts out.
        shapes: (h, w) that x may have as well; the pictures are as much wider and higher (see `engines.shapes`).
        default_steps: denoising steps unless the request says otherwise.
        default_guidance: guidance scale unless the request says otherwise.
        timestep_shift: how the model wants its steps spaced (see `diffusion.schedule.timesteps`); 1 is even.
        batch_invariant: the same picture alone and in any batch gives the same bytes.
        stepwise: it can be asked for one step, so that pictures are drawn in company, previewed, traced and edited.
        upscales: it can make pictures twice as large (see `Engine.upscale`); otherwise they are resampled.
        lost: what limner does with other models and cannot do with this one, in words.
    """

    model: str
    latent_shape: tuple[int, int, int]
    picture_size: tuple[int, int]
    default_steps: int
    default_guidance: float
    batch_invariant: bool
    timestep_shift: float = 1.0
    stepwise: bool = True
    upscales: bool = False
    shapes: tuple[tuple[int, int], ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Inpaint:
    """What is known of the pictures: where mask_B1hw is 1 the clean x is known_BChw, where 0 it is drawn."""

    known_BChw: Floats
    mask_B1hw: Floats


class Engine(ABC):
    """Runs one model: four methods, one per network, plus the image's way into the text-image space."""

    capabilities: Capabilities

    def times(self, steps: int) -> NDArray[np.float64]:
        """The times at which the model is used to be asked, and 0: (steps + 1,), descending.

        A model whose noisiest level is not pure noise starts below 1, from noise of the size that noisy
        pictures have there, ``hypot(1 - t, t)``.
        """
        return timesteps(steps, self.capabilities.timestep_shift)

    def read(self, prompt: str) -> Reading:
        """Before stage 2: the prompt in words that the model knows, and what became of the others.

        A model that knows all words, or cannot tell, takes every prompt as it is.
        """
        return Reading(text=prompt)

    @abstractmethod
    def encode(self, prompts: Sequence[str]) -> list[TextFeatures]:
        """Stage 2: each prompt -> token states and one vector (1024,) of unit length."""

    @abstractmethod
    def denoise(
        self,
        x_BChw: Floats,
        t_B: Floats,
        features: Sequence[TextFeatures],
        guidance_B: Floats,
        inpaint: Inpaint | None = None,
    ) -> Floats:
        """Stage 3, one look: noisy x at time t (1 = pure noise, 0 = clean) -> estimate of the clean x.

        Args:
            x_BChw: (B, C, h, w) noisy pictures, all of one shape.
            t_B: (B,) their times; each picture may stand at its own.
            features: B conditions; guidance leads away from their `negative`, or from no prompt at all. One
                without tokens is a picture's: its vector alone says what to draw.
            guidance_B: (B,) classifier-free guidance; where it is 1 no second pass is made.
            inpaint: known regions, for models that were trained with them. None and a mask of zeros,
                nothing known, are the same. The estimate need not repeat what is known: the rule in
                `diffusion.inpaint` puts it in place.

        Returns:
            (B, C, h, w) float32 estimate of the clean x, guidance applied.

        Raises:
            NonFiniteError: the network put out NaN or infinity.
        """

    @abstractmethod
    def attend(self, x_BChw: Floats, t_B: Floats, features: Sequence[TextFeatures]) -> Floats:
        """Which token draws where: (B, T, h, w) cross-attention, averaged over heads and layers.

        At every location a distribution over the prompt's tokens: not negative, summing to 1 over those
        where `mask_T` is True, zero at the others. h and w may be coarser than the latent grid.
        """

    @abstractmethod
    def decode(self, x0_BChw: Floats) -> Pixels:
        """Stage 3 to pixels: clean x -> uint8 (B, H, W, 3)."""

    @abstractmethod
    def encode_image(self, pixels_BHWC: Pixels) -> Floats:
        """Pictures uint8 (B, H, W, 3) of the size of any of the model's shapes -> clean x (B, C, h, w)."""

    @abstractmethod
    def embed_image(self, pixels_BHWC: Pixels) -> Floats:
        """Pictures of the model's own size -> unit vectors (B, 1024) in the space of `encode`'s vectors."""

    def upscale(self, pixels_BHWC: Pixels) -> Pixels:
        """Stage 4, where `capabilities.upscales`: twice as large, with what is fine to see at that size.

        Args:
            pixels_BHWC: uint8 (B, H, W, 3), sides multiples of 8: pictures, parts of some, or what this gave back.

        Returns:
            uint8 (B, 2 H, 2 W, 3).

        Raises:
            EngineError: it cannot.
        """
        del pixels_BHWC
        raise EngineError(
            "This engine has no upscaler: let pictures be resampled, as `capabilities.upscales` says"
        )
