"""What every engine that runs our networks has in common: all but the running itself.

Axes in names: B batch, T tokens, D token width, V vector length, C channels, H and W pixels, h and w the latent grid.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limner.diffusion.guidance import guide
from limner.engines.base import Capabilities, Engine, Inpaint, UpscalerName
from limner.engines.shapes import nearest_shape, picture_size
from limner.errors import InvalidRequestError, NonFiniteError
from limner.models.manifest import UPSCALER, Manifest
from limner.text.reading import read_with
from limner.text.tokenizer import Tokenizer
from limner.text.vocabulary import VOCABULARY, Vocabulary
from limner.types import EMBEDDING_LENGTH, Floats, Pixels, Reading, TextFeatures

__all__ = ["Condition", "NetworkEngine"]

Condition = tuple[Floats, NDArray[np.bool_], Floats]
"""Token states (B, T, D), their mask (B, T) and vectors (B, V): what the denoiser is told of the prompts."""


class NetworkEngine(Engine):
    """An engine over a model folder; a subclass runs its networks."""

    def __init__(
        self, folder: Path, manifest: Manifest, upscaler: UpscalerName, *, batch_invariant: bool
    ) -> None:
        self.capabilities = Capabilities(
            model=manifest.name,
            latent_shape=manifest.latent_shape,
            picture_size=manifest.picture_size,
            shapes=manifest.shapes,
            default_steps=manifest.steps,
            default_guidance=manifest.guidance,
            timestep_shift=manifest.timestep_shift,
            batch_invariant=batch_invariant,
            upscales=upscaler == "learned" and UPSCALER in manifest.networks,
        )
        self._inpaints = bool(manifest.networks["denoiser"].get("inpaints"))
        self._tokenizer = Tokenizer(folder / "tokenizer.json", manifest.window)
        self._vocabulary = Vocabulary.load(folder / VOCABULARY) if VOCABULARY in manifest.files else None

    @abstractmethod
    def run_text_encoder(
        self, ids_BT: NDArray[np.int64], mask_BT: NDArray[np.bool_]
    ) -> tuple[Floats, Floats]:
        """Token ids and mask -> token states (B, T, D) and unit vectors (B, V)."""

    @abstractmethod
    def run_denoiser(
        self, x_BChw: Floats, t_B: Floats, condition: Condition, known: Inpaint | None
    ) -> tuple[Floats, Floats]:
        """-> clean x (B, C, h, w) and attention (B, T, h, w); `known` is None where there are no inputs for it."""

    @abstractmethod
    def run_decoder(self, x_BChw: Floats) -> Floats:
        """-> pixels (B, 3, H, W) from -1 to 1."""

    @abstractmethod
    def run_image_encoder(self, pixels_BCHW: Floats) -> Floats:
        """Pixels from -1 to 1 -> clean x (B, C, h, w)."""

    @abstractmethod
    def run_image_tower(self, x_BChw: Floats) -> Floats:
        """Clean x -> unit vectors (B, V)."""

    @abstractmethod
    def run_upscaler(self, pixels_BCHW: Floats) -> Floats:
        """Pixels from -1 to 1 -> (B, 3, 2 H, 2 W); called only where there is one."""

    def read(self, prompt: str) -> Reading:
        """See `Engine.read`."""
        if self._vocabulary is None:
            return Reading(text=prompt)
        return read_with(self._vocabulary, prompt, self._vectors)

    def _vectors(self, texts: Sequence[str]) -> Floats:
        return np.stack([features.vector_D for features in self.encode(texts)])

    def encode(self, prompts: Sequence[str]) -> list[TextFeatures]:
        """See `Engine.encode`."""
        texts = [self._tokenizer.encode(prompt) for prompt in prompts]
        if not texts:
            return []
        mask_BT = np.stack([text.mask_T for text in texts])
        states_BTD, vectors_BV = self.run_text_encoder(np.stack([text.ids_T for text in texts]), mask_BT)
        _check(states_BTD, "The text encoder")
        _check(vectors_BV, "The text encoder")
        return [
            TextFeatures(
                prompt=prompt,
                vector_D=vectors_BV[at],
                states_TD=states_BTD[at],
                mask_T=text.mask_T,
                tokens=text.tokens,
                words=text.words,
                unread=text.unread,
            )
            for at, (prompt, text) in enumerate(zip(prompts, texts, strict=True))
        ]

    def denoise(
        self,
        x_BChw: Floats,
        t_B: Floats,
        features: Sequence[TextFeatures],
        guidance_B: Floats,
        inpaint: Inpaint | None = None,
    ) -> Floats:
        """See `Engine.denoise`. Guided pictures take a second place in the batch, without their prompt."""
        if not len(x_BChw):
            return np.empty(x_BChw.shape, np.float32)
        with_prompt = _condition(features)
        guided = np.flatnonzero(guidance_B != 1)
        without = tuple(part[guided] for part in _opposite(features, with_prompt))
        both = tuple(np.concatenate(pair) for pair in zip(with_prompt, without, strict=True))
        places = np.concatenate([np.arange(len(x_BChw)), guided])
        known = self._known(x_BChw, inpaint, places)
        x0_BChw, _ = self.run_denoiser(x_BChw[places], t_B[places], (both[0], both[1], both[2]), known)
        _check(x0_BChw, "The denoiser")
        with_it, without_it = x0_BChw[: len(x_BChw)], x0_BChw[len(x_BChw) :]
        if len(guided):
            with_it = with_it.copy()
            with_it[guided] = guide(with_it[guided], without_it, guidance_B[guided])
        return with_it

    def _known(
        self, x_BChw: Floats, inpaint: Inpaint | None, places: NDArray[np.int64] | slice = slice(None)
    ) -> Inpaint | None:
        """What the network is told of each place; without inputs for it, `diffusion.inpaint` does all the work."""
        if not self._inpaints:
            return None
        if inpaint is None:
            inpaint = Inpaint(known_BChw=np.zeros_like(x_BChw), mask_B1hw=np.zeros_like(x_BChw[:, :1]))
        return Inpaint(known_BChw=inpaint.known_BChw[places], mask_B1hw=inpaint.mask_B1hw[places])

    def attend(self, x_BChw: Floats, t_B: Floats, features: Sequence[TextFeatures]) -> Floats:
        """See `Engine.attend`."""
        if not len(x_BChw):
            return np.empty((0, self._tokenizer.window, *x_BChw.shape[2:]), np.float32)
        condition = _condition(features)
        _, attention_BThw = self.run_denoiser(x_BChw, t_B, condition, self._known(x_BChw, None))
        attention_BThw = attention_BThw * condition[1][:, :, None, None]
        _check(attention_BThw, "The denoiser")
        total_B1hw = attention_BThw.sum(1, keepdims=True)
        even_BT11 = condition[1][:, :, None, None] / np.maximum(condition[1].sum(1), 1)[:, None, None, None]
        spread_BThw: Floats = np.where(
            total_B1hw > 0, attention_BThw / np.maximum(total_B1hw, 1e-30), even_BT11
        ).astype(np.float32)
        return spread_BThw

    def decode(self, x0_BChw: Floats) -> Pixels:
        """See `Engine.decode`."""
        if not len(x0_BChw):
            width, height = picture_size(self.capabilities, x0_BChw.shape)
            return np.empty((0, height, width, 3), np.uint8)
        pixels_BCHW = self.run_decoder(x0_BChw)
        _check(pixels_BCHW, "The decoder")
        return _to_levels(pixels_BCHW)

    def encode_image(self, pixels_BHWC: Pixels) -> Floats:
        """See `Engine.encode_image`."""
        height, width = pixels_BHWC.shape[1:3]
        shape = nearest_shape(self.capabilities, (width, height))
        _check_size(pixels_BHWC, picture_size(self.capabilities, shape))
        if not len(pixels_BHWC):
            return np.empty((0, *shape), np.float32)
        return self.run_image_encoder(_to_unit(pixels_BHWC))

    def embed_image(self, pixels_BHWC: Pixels) -> Floats:
        """See `Engine.embed_image`."""
        _check_size(pixels_BHWC, self.capabilities.picture_size)
        if not len(pixels_BHWC):
            return np.empty((0, EMBEDDING_LENGTH), np.float32)
        vectors_BV = self.run_image_tower(self.encode_image(pixels_BHWC))
        _check(vectors_BV, "The image tower")
        return vectors_BV

    def upscale(self, pixels_BHWC: Pixels) -> Pixels:
        """See `Engine.upscale`."""
        if not self.capabilities.upscales:
            return super().upscale(pixels_BHWC)
        batch, height, width, _ = pixels_BHWC.shape
        if not batch:
            return np.empty((0, 2 * height, 2 * width, 3), np.uint8)
        pixels_BCHW = self.run_upscaler(_to_unit(pixels_BHWC))
        _check(pixels_BCHW, "The upscaler")
        return _to_levels(pixels_BCHW)


def _check_size(pixels_BHWC: Pixels, size: tuple[int, int]) -> None:
    width, height = size
    if pixels_BHWC.shape[1:] != (height, width, 3):
        raise InvalidRequestError(
            f"pictures must be {width}x{height} with 3 channels here, not {pixels_BHWC.shape[1:]}: fit them first",
            param="image",
        )


def _to_unit(pixels_BHWC: Pixels) -> Floats:
    """(B, 3, H, W) from -1 to 1."""
    return np.ascontiguousarray(pixels_BHWC.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1)


def _to_levels(pixels_BCHW: Floats) -> Pixels:
    levels_BCHW = np.clip(pixels_BCHW * 127.5 + 127.5, 0, 255)
    return np.ascontiguousarray(np.rint(levels_BCHW).astype(np.uint8).transpose(0, 2, 3, 1))


def _condition(features: Sequence[TextFeatures]) -> Condition:
    return (
        np.stack([each.states_TD for each in features]),
        np.stack([each.mask_T for each in features]),
        np.stack([each.vector_D for each in features]),
    )


def _opposite(features: Sequence[TextFeatures], condition: Condition) -> Condition:
    """What guidance leads away from: the negative prompt, or zeros, no prompt at all."""
    states_BTD, mask_BT, vectors_BV = condition
    states_BTD, mask_BT, vectors_BV = (
        np.zeros_like(states_BTD),
        np.zeros_like(mask_BT),
        np.zeros_like(vectors_BV),
    )
    for i, each in enumerate(features):
        if each.negative is not None:
            states_BTD[i], mask_BT[i] = each.negative.states_TD, each.negative.mask_T
            vectors_BV[i] = each.negative.vector_D
    return states_BTD, mask_BT, vectors_BV


def _check(values: Floats, who: str) -> None:
    if not np.isfinite(values).all():
        raise NonFiniteError(
            f"{who} put out NaN or infinity: check the model's files, or choose precision f32"
        )
