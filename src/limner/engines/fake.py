"""A model without a network: instant, deterministic, and still a real diffusion model.

Its pictures are soft colour gradients. For a prompt, clean latents are normally distributed around the
gradient that the prompt's vector spells in cosines, and for a normal distribution the best estimate of the
clean picture has a closed form. So samplers, guidance, seeds, previews and traces all behave as they do with
a network, in microseconds: for tests, for trying out programs, and for reading.

Axes in names: B batch, T tokens, D embedding or state, C channels, H and W pixels, h and w the latent grid,
k cosines.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from limner.diffusion.guidance import guide
from limner.diffusion.inpaint import KnownRegion, replace_known
from limner.engines.base import Capabilities, Engine, EngineOptions, Inpaint
from limner.types import EMBEDDING_LENGTH, Floats, Pixels, TextFeatures, WordSpan

__all__ = ["FakeEngine", "load"]

_WINDOW = 48
_STATE_LENGTH = 64
_GRID = 8
_PATCH = 32
_SHAPES = ((8, 12), (12, 8), (8, 14), (14, 8))
# A prompt's gradient: 3 by 3 cosines in each of 3 colours, spelled by the first numbers of its vector.
_WAVES = 3
_SPELLED = 3 * _WAVES**2
_STRENGTH = 1.1 * math.sqrt(EMBEDDING_LENGTH)
# How far the latents of one prompt's pictures stray from its gradient.
_SPREAD = 0.15


def load(folder: Path | None, options: EngineOptions) -> Engine:
    """The fake engine; there is nothing to open, and one thread is enough for it."""
    del folder, options
    return FakeEngine()


class FakeEngine(Engine):
    """Draws a gradient per prompt, varied by the seed."""

    def __init__(self) -> None:
        self.capabilities = Capabilities(
            model="fake",
            latent_shape=(3, _GRID, _GRID),
            picture_size=(_PATCH * _GRID, _PATCH * _GRID),
            shapes=_SHAPES,
            default_steps=4,
            default_guidance=1.0,
            batch_invariant=True,
        )
        self._lines: dict[int, _Line] = {}

    def encode(self, prompts: Sequence[str]) -> list[TextFeatures]:
        """A vector hashed from the prompt, and a state per word hashed from the word."""
        return [_encode(prompt) for prompt in prompts]

    def denoise(
        self,
        x_BChw: Floats,
        t_B: Floats,
        features: Sequence[TextFeatures],
        guidance_B: Floats,
        inpaint: Inpaint | None = None,
    ) -> Floats:
        """The exact expectation of the clean latents, each picture by itself."""
        x0_BChw = np.empty_like(x_BChw)
        for i, (x_Chw, t, feature) in enumerate(zip(x_BChw, t_B, features, strict=True)):
            gradient_Chw = self._gradient(feature.vector_D, x_Chw.shape)
            with_prompt_Chw = _expectation(x_Chw, float(t), gradient_Chw)
            without_Chw = _expectation(x_Chw, float(t), self._opposite(feature, x_Chw.shape))
            x0_BChw[i] = guide(with_prompt_Chw[None], without_Chw[None], guidance_B[i : i + 1])[0]
            if inpaint is not None:
                region = KnownRegion(known_Chw=inpaint.known_BChw[i], mask_1hw=inpaint.mask_B1hw[i])
                x0_BChw[i] = replace_known(x0_BChw[i], region)
        return x0_BChw

    def attend(self, x_BChw: Floats, t_B: Floats, features: Sequence[TextFeatures]) -> Floats:
        """Each token draws around a place that its state names, the more narrowly the cleaner x is."""
        maps = [
            _attention(feature, float(t), x_Chw.shape)
            for x_Chw, t, feature in zip(x_BChw, t_B, features, strict=True)
        ]
        return np.stack(maps)

    def decode(self, x0_BChw: Floats) -> Pixels:
        """The latents' own cosines, drawn at full size; -1 is black and 1 is white."""
        h, w = x0_BChw.shape[2:]
        down, along = self._line(h), self._line(w)
        pixels_BHWC = np.empty((len(x0_BChw), _PATCH * h, _PATCH * w, 3), np.uint8)
        for i, x0_Chw in enumerate(x0_BChw):
            values_CHW = down.enlarge_Hh @ x0_Chw @ along.enlarge_Hh.T
            levels_CHW = np.rint(127.5 + 127.5 * values_CHW.clip(-1.0, 1.0))
            pixels_BHWC[i] = levels_CHW.astype(np.uint8).transpose(1, 2, 0)
        return pixels_BHWC

    def encode_image(self, pixels_BHWC: Pixels) -> Floats:
        """The picture's first cosines as latents: `decode` backwards, finer detail left out."""
        h, w = (side // _PATCH for side in pixels_BHWC.shape[1:3])
        down, along = self._line(h), self._line(w)
        x0_BChw = np.empty((len(pixels_BHWC), 3, h, w), np.float32)
        for i, pixels_HWC in enumerate(pixels_BHWC):
            values_CHW = pixels_HWC.transpose(2, 0, 1).astype(np.float32) / np.float32(127.5) - np.float32(1)
            x0_BChw[i] = down.reduce_hH @ values_CHW @ along.reduce_hH.T
        return x0_BChw

    def embed_image(self, pixels_BHWC: Pixels) -> Floats:
        """The vector that spells the picture's gradient: nearer to its own prompt's than to any other's."""
        vector_BD = np.zeros((len(pixels_BHWC), EMBEDDING_LENGTH), np.float32)
        # Plain grey spells nothing; it still needs a direction.
        vector_BD[:, -1] = 1e-3
        waves_kh = self._line(_GRID).waves_kh
        for i, x0_Chw in enumerate(self.encode_image(pixels_BHWC)):
            vector_BD[i, :_SPELLED] = (waves_kh @ x0_Chw @ waves_kh.T).ravel()
            vector_BD[i] /= np.linalg.norm(vector_BD[i])
        return vector_BD

    def _line(self, cells: int) -> _Line:
        if cells not in self._lines:
            self._lines[cells] = _Line.of(cells)
        return self._lines[cells]

    def _opposite(self, feature: TextFeatures, shape: tuple[int, ...]) -> Floats:
        """The gradient that guidance leads away from: the negative prompt's, or plain grey."""
        if feature.negative is None:
            return np.zeros(shape, np.float32)
        return self._gradient(feature.negative.vector_D, shape)

    def _gradient(self, vector_D: Floats, shape: tuple[int, ...]) -> Floats:
        strengths_Ckk = vector_D[:_SPELLED].reshape(3, _WAVES, _WAVES) * np.float32(_STRENGTH)
        gradient_Chw: Floats = self._line(shape[1]).waves_kh.T @ strengths_Ckk @ self._line(shape[2]).waves_kh
        return gradient_Chw


@dataclass(frozen=True, slots=True)
class _Line:
    """The cosines along one side of the grid: the slowest, and all of them from latents to pixels and back."""

    waves_kh: Floats
    enlarge_Hh: Floats
    reduce_hH: Floats

    @classmethod
    def of(cls, length: int) -> _Line:
        small_kh, large_kH = _cosines(length), _cosines(_PATCH * length)[:length]
        enlarge_Hh = large_kH.T @ small_kh * np.float32(math.sqrt(_PATCH))
        return cls(small_kh[:_WAVES], enlarge_Hh, small_kh.T @ large_kH * np.float32(math.sqrt(1 / _PATCH)))


def _expectation(x_Chw: Floats, t: float, mean_Chw: Floats) -> Floats:
    """E[x0 | x] where x0 ~ N(mean, spread^2) and x = (1 - t) x0 + t noise.

    ::

        mean + gain (x - (1 - t) mean)        gain = (1 - t) spread^2 / ((1 - t)^2 spread^2 + t^2)

    Source: conditioning of jointly normal variables, Bishop 2006, "Pattern recognition and machine
    learning", equation 2.116.
    """
    alpha, variance = 1.0 - t, _SPREAD**2
    gain = alpha * variance / (alpha**2 * variance + t**2)
    return (1.0 - gain * alpha) * mean_Chw + gain * x_Chw


def _encode(prompt: str) -> TextFeatures:
    found = list(re.finditer(r"\S+", prompt))
    read, cut = found[: _WINDOW - 2], found[_WINDOW - 2 :]
    tokens = ("[start]", *(word.group() for word in read), "[end]")
    states_TD = np.zeros((_WINDOW, _STATE_LENGTH), np.float32)
    states_TD[: len(tokens)] = [_hashed_direction(token, _STATE_LENGTH) for token in tokens]
    end = len(read) + 1
    return TextFeatures(
        prompt=prompt,
        vector_D=_hashed_direction(prompt, EMBEDDING_LENGTH),
        states_TD=states_TD,
        mask_T=np.arange(_WINDOW) < len(tokens),
        tokens=tokens,
        words=(
            *(WordSpan(word=word.group(), start=i, stop=i + 1) for i, word in enumerate(read, start=1)),
            *(WordSpan(word=word.group(), start=end, stop=end) for word in cut),
        ),
        unread=prompt[cut[0].start() :] if cut else "",
    )


def _hashed_direction(text: str, length: int) -> Floats:
    key = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    vector = np.random.Generator(np.random.Philox(key=key)).standard_normal(length, dtype=np.float32)
    unit: Floats = vector / np.linalg.norm(vector)
    return unit


def _attention(feature: TextFeatures, t: float, shape: tuple[int, ...]) -> Floats:
    """Softmax over the tokens of minus the squared distance to each token's place: (T, h, w)."""
    place_T2 = 0.5 + 2.0 * feature.states_TD[:, :2]
    down_Th = (_middles(shape[1]) - place_T2[:, :1]) ** 2
    along_Tw = (_middles(shape[2]) - place_T2[:, 1:]) ** 2
    sharpness = 4.0 + 12.0 * (1.0 - t)
    weight_Thw = np.exp(-sharpness * (down_Th[:, :, None] + along_Tw[:, None, :]))
    weight_Thw *= feature.mask_T[:, None, None]
    attention_Thw: Floats = weight_Thw / np.maximum(weight_Thw.sum(axis=0), np.finfo(np.float32).tiny)
    return attention_Thw


def _middles(cells: int) -> Floats:
    """Of so many cells from 0 to 1."""
    return (np.arange(cells, dtype=np.float32) + np.float32(0.5)) / np.float32(cells)


def _cosines(length: int) -> Floats:
    """The orthonormal cosines (k, length) of the type II discrete cosine transform, slowest first.

    Source: Ahmed, Natarajan, Rao 1974, "Discrete cosine transform", equation 1, normalised.
    """
    k, place = np.arange(length)[:, None], np.arange(length)[None, :] + 0.5
    waves = np.cos(np.pi * k * place / length) * math.sqrt(2.0 / length)
    waves[0] *= math.sqrt(0.5)
    return waves.astype(np.float32)
