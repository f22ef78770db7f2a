"""The values that travel between the stages: small, frozen, and without behaviour worth testing alone.

Axes in names: B batch, T tokens, D embedding, C channels, H height, W width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from limner.errors import InvalidRequestError

__all__ = [
    "DEFAULT_STRENGTH",
    "EMBEDDING_LENGTH",
    "MAX_PICTURES",
    "MAX_PROMPT_CHARACTERS",
    "MAX_SEED",
    "MAX_SIDE",
    "MIN_SIDE",
    "FileFormat",
    "Floats",
    "ImageRequest",
    "Pixels",
    "Reading",
    "SamplerName",
    "Swap",
    "TextFeatures",
    "Trace",
    "WordSpan",
]

Floats: TypeAlias = NDArray[np.float32]
Pixels: TypeAlias = NDArray[np.uint8]
FileFormat: TypeAlias = Literal["png", "jpeg", "webp"]
SamplerName: TypeAlias = Literal["euler", "dpmpp_2m"]

EMBEDDING_LENGTH = 1024
MAX_PROMPT_CHARACTERS = 32_000
MAX_PICTURES = 10
MIN_SIDE = 16
MAX_SIDE = 4096
MAX_SEED = 2**63 - 1
MAX_STEPS = 1000
MAX_GUIDANCE = 50.0
DEFAULT_STRENGTH = 0.6


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ImageRequest:
    """What is asked for, checked once, at construction.

    Attributes:
        prompt: the person's words, as given; 1 to 32,000 characters. With a picture and no mask it may be
            empty: a variation.
        n: how many pictures, 1 to 10.
        seed: 0 to 2**63 - 1. Picture number i uses a seed derived from it (see `diffusion.noise`).
        size: (width, height) in pixels, or None for the model's own size.
        steps: denoising steps, or None for the model's own default.
        guidance: classifier-free guidance scale, 1 turns it off; None for the model's own default.
        sampler: "euler" (first order) or "dpmpp_2m" (second order, multistep); both one network pass a step.
        negative_prompt: what guidance leads away from, instead of from no prompt at all.
        image_HWC: uint8 (H, W, 3) or (H, W, 4), the picture to start from, or None.
        mask_HW: bool (H, W), True where that picture is to be drawn anew; None is everywhere.
        strength: how far to go from the picture, above 0 to 1; None is all the way where there is a mask,
            else `DEFAULT_STRENGTH`.

    Raises:
        InvalidRequestError: a field is out of range; `param` names it.
    """

    prompt: str
    n: int = 1
    seed: int = 0
    size: tuple[int, int] | None = None
    steps: int | None = None
    guidance: float | None = None
    sampler: SamplerName = "euler"
    negative_prompt: str = ""
    image_HWC: Pixels | None = None
    mask_HW: NDArray[np.bool_] | None = None
    strength: float | None = None

    def __post_init__(self) -> None:
        if self.prompt != "" or self.image_HWC is None or self.mask_HW is not None:
            _check_prompt("prompt", self.prompt)
        if self.negative_prompt:
            _check_prompt("negative_prompt", self.negative_prompt)
        self._check_source()
        _check_range("n", self.n, 1, MAX_PICTURES)
        _check_range("seed", self.seed, 0, MAX_SEED)
        if self.steps is not None:
            _check_range("steps", self.steps, 1, MAX_STEPS)
        if self.guidance is not None:
            _check_guidance(self.guidance)
        if self.size is not None:
            _check_size(self.size)
        if self.sampler not in ("euler", "dpmpp_2m"):
            raise InvalidRequestError(
                f"sampler must be euler or dpmpp_2m, not {self.sampler!r}", param="sampler"
            )

    def _check_source(self) -> None:
        if self.image_HWC is None:
            for name, value in (("mask", self.mask_HW), ("strength", self.strength)):
                if value is not None:
                    raise InvalidRequestError(f"{name} needs an image: give one, or leave it out", param=name)
            return
        if self.mask_HW is not None and self.mask_HW.shape != self.image_HWC.shape[:2]:
            raise InvalidRequestError(
                f"mask is {self.mask_HW.shape[::-1]} and image {self.image_HWC.shape[1::-1]} pixels large: "
                "make them alike",
                param="mask",
            )
        if self.strength is not None and not 0 < self.strength <= 1:
            raise InvalidRequestError(
                f"strength must be above 0 and at most 1, not {self.strength!r}", param="strength"
            )


def _check_prompt(name: str, prompt: str) -> None:
    if not isinstance(prompt, str):
        raise InvalidRequestError(f"{name} must be a string, not {type(prompt).__name__}", param=name)
    if not prompt:
        raise InvalidRequestError(f"{name} is empty: say in words what the picture shows", param=name)
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        raise InvalidRequestError(
            f"{name} has {len(prompt):,} characters; shorten it to at most {MAX_PROMPT_CHARACTERS:,}",
            param=name,
        )
    for position, character in enumerate(prompt):
        if 0xD800 <= ord(character) <= 0xDFFF:
            raise InvalidRequestError(
                f"{name} has a lone surrogate at position {position}: send valid Unicode text", param=name
            )
        if ord(character) < 0x20 and character not in "\t\n\r":
            raise InvalidRequestError(
                f"{name} has the control character U+{ord(character):04X} at position {position}: remove it",
                param=name,
            )


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise InvalidRequestError(
            f"{name} must be a whole number from {low:,} to {high:,}, not {value!r}", param=name
        )


def _check_guidance(value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= MAX_GUIDANCE:
        raise InvalidRequestError(
            f"guidance must be from 1 to {MAX_GUIDANCE:g}, not {value!r}", param="guidance"
        )


def _check_size(size: tuple[int, int]) -> None:
    if not isinstance(size, tuple) or len(size) != len(("width", "height")):
        raise InvalidRequestError(f"size must be (width, height), not {size!r}", param="size")
    for side in size:
        _check_range("size", side, MIN_SIDE, MAX_SIDE)


@dataclass(frozen=True, kw_only=True, slots=True)
class WordSpan:
    """A word of the prompt and the tokens [start, stop) that it became; start == stop if it was cut off."""

    word: str
    start: int
    stop: int


class Swap(NamedTuple):
    """What became of a word that a model was not trained on, or of words that one picture cannot show.

    Attributes:
        word: as it stands in the prompt, in lower case; one or several.
        read_as: what is drawn for it; "" if it is left out.
        nearest: the nearest thing that the model has a name for; "" for words that it knows.
        distance: how far that is from the word: 0 the same, 1 nothing in common.
        why: what is against words that it knows.
    """

    word: str
    read_as: str
    nearest: str = ""
    distance: float = 1.0
    why: str = ""

    def __str__(self) -> str:
        """In words."""
        fate = f"read as {self.read_as}" if self.read_as else "left out"
        why = self.why or f"nearest is {self.nearest}, {self.distance:.2f} away"
        return f"{self.word}: {fate} ({why})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A prompt in a model's own words.

    Attributes:
        text: what is encoded and drawn.
        swaps: what became of the words that the model does not know.
    """

    text: str
    swaps: tuple[Swap, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TextFeatures:
    """Stage 2's result for one prompt.

    Attributes:
        prompt: the text that was encoded.
        vector_D: (1024,) float32 of unit length: the prompt as one point in the text-image space.
        states_TD: (T, D) float32 token states, which the denoiser attends to; rows beyond the text are zero.
        mask_T: (T,) bool, True where a token stands.
        tokens: the tokens as text, special ones included; as many as mask_T has True.
        words: the prompt's words with their token spans.
        unread: the part of the prompt that did not fit into the encoder's window, "" if all was read.
        negative: the negative prompt, encoded: where guidance leads away from. None is no prompt at all.
        swaps: what became of words that the model does not know, if `prompt` is not what was asked for.
    """

    prompt: str
    vector_D: Floats
    states_TD: Floats
    mask_T: NDArray[np.bool_]
    tokens: tuple[str, ...]
    words: tuple[WordSpan, ...]
    unread: str = ""
    negative: TextFeatures | None = None
    swaps: tuple[Swap, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trace:
    """How one picture came about: the three layers of the prediction, with their real numbers.

    Attributes:
        text_encoding: prompt, tokens, words, the 1024 numbers, shape, seconds.
        image_generation: sampler, timesteps, shape, seconds, and per step what the network saw.
        image_decoding: format, how many times as large the upscaler made it, shape, bytes, seconds.
        previews: one small uint8 picture (H, W, 3) per denoising step, of the clean picture as estimated.
        attention: per word, (h, w) float32 summing to 1: which parts of the picture it drew.
    """

    text_encoding: Mapping[str, Any]
    image_generation: Mapping[str, Any]
    image_decoding: Mapping[str, Any]
    previews: tuple[Pixels, ...] = ()
    attention: Mapping[str, Floats] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The three layers as plain JSON values; arrays become lists."""
        return {
            "text_encoding": dict(self.text_encoding),
            "image_generation": dict(self.image_generation)
            | {"attention": {word: map_HW.tolist() for word, map_HW in self.attention.items()}},
            "image_decoding": dict(self.image_decoding),
        }
