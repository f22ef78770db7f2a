"""The diffusers engine: checkpoints of other people, in the same loop as our model.

Text encoders, denoiser and autoencoder are the checkpoint's own and are called through diffusers; what a network
predicts becomes an estimate of the clean picture here, so that our samplers, batching, previews and inpainting
serve it like ours.

What stands in the features: `states_TD` are the token states that the denoiser looks at, `mask_T` is True wherever
it does, which for most families includes padding. `vector_D` is the family's pooled vector (where there is none,
the last token's state), cut or padded with zeros to 1024 and of unit length: it tells prompts apart, in traces and
caches, but the denoiser is given the pooled vector itself. These checkpoints have no image tower: a picture's
vector is its latents at 1024 numbers, in no common space with prompts, and a variation is drawn from the picture's
latents with no prompt.

Axes in names: B batch, T tokens, D token width or vector length, P pooled width, C channels, H and W pixels, h and w
the latent grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from limner.engines.base import Capabilities, Engine, EngineOptions, Inpaint
from limner.engines.devices import dtype_for, torch_device
from limner.engines.families import FAMILIES, Condition, Family
from limner.engines.families.looking import Watch
from limner.engines.families.opening import open_pipeline
from limner.engines.families.reading import Reading
from limner.engines.families.whole import WholePipeline
from limner.engines.room import Room
from limner.errors import EngineError, InvalidRequestError, ModelError, NonFiniteError
from limner.types import EMBEDDING_LENGTH, Floats, Pixels, TextFeatures

__all__ = ["DiffusersEngine", "PooledFeatures", "load"]


def load(folder: Path | None, options: EngineOptions) -> Engine:
    """Open a checkpoint: a folder that diffusers saved, or a name on a hub.

    Raises:
        ModelError: it is not there, not a model, damaged, a pickle, or no model that draws from a prompt.
        EngineUnavailableError: this machine cannot compute in the precision that was asked for.
    """
    if folder is None:
        raise ModelError("The engine diffusers needs a model: name a folder, or owner/name on a hub")
    device = torch_device()
    if options.threads:
        torch.set_num_threads(options.threads)
    pipe = open_pipeline(folder, options, dtype_for(device, options), device)
    adapter = FAMILIES.get(type(pipe).__name__)
    name = folder.stem if folder.is_file() else folder.name
    return WholePipeline(name, pipe) if adapter is None else DiffusersEngine(name, adapter(pipe))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PooledFeatures(TextFeatures):
    """Features with the family's own pooled vector, which the denoiser is given.

    Attributes:
        pooled_P: (P,) float32.
    """

    pooled_P: Floats


class DiffusersEngine(Engine):
    """Kernels choose how to add up by the batch's size, so a picture in company may differ in the last bits."""

    def __init__(self, name: str, family: Family) -> None:
        self._family = family
        self._device = family.pipe.device
        self._room_to_denoise = Room(self._device.type, "the denoiser's pass")
        self._room_to_decode = Room(self._device.type, "the decoder's pass", family.decode_in_tiles)
        channels, height, width = family.latent_shape
        scale = family.pipe.vae_scale_factor
        self.capabilities = Capabilities(
            model=name,
            latent_shape=(channels, height, width),
            picture_size=(width * scale, height * scale),
            default_steps=family.default_steps,
            default_guidance=family.default_guidance,
            batch_invariant=False,
        )

    def times(self, steps: int) -> NDArray[np.float64]:
        """See `Engine.times`: the checkpoint's own scheduler spaces them."""
        return self._family.levels.times(steps)

    def encode(self, prompts: Sequence[str]) -> list[TextFeatures]:
        """See `Engine.encode`."""
        if not prompts:
            return []
        with _computing():
            condition = self._family.encode(prompts)
        mask_BT = condition.mask_BT.cpu().numpy()
        states_BTD = _array(condition.states_BTD) * mask_BT[:, :, None]
        pooled_BP = _array(condition.pooled_BP)
        _check(states_BTD, "The text encoder")
        vectors_BD = _fitted(pooled_BP)
        return [
            PooledFeatures(
                prompt=prompt,
                vector_D=vectors_BD[at],
                states_TD=states_BTD[at],
                mask_T=mask_BT[at],
                pooled_P=pooled_BP[at],
                **_told(self._family.read(prompt), mask_BT[at]),
            )
            for at, prompt in enumerate(prompts)
        ]

    @cached_property
    def _nothing(self) -> TextFeatures:
        """No prompt at all; only what the network is told of it counts."""
        with _computing():
            condition = self._family.nothing()
        mask_T = condition.mask_BT[0].cpu().numpy()
        pooled_BP = _array(condition.pooled_BP)
        return PooledFeatures(
            prompt="",
            vector_D=_fitted(pooled_BP)[0],
            states_TD=_array(condition.states_BTD)[0],
            mask_T=mask_T,
            tokens=(),
            words=(),
            pooled_P=pooled_BP[0],
        )

    def denoise(
        self,
        x_BChw: Floats,
        t_B: Floats,
        features: Sequence[TextFeatures],
        guidance_B: Floats,
        inpaint: Inpaint | None = None,
    ) -> Floats:
        """See `Engine.denoise`. Guided pictures take a second place in the batch, without their prompt.

        Raises:
            InvalidRequestError: a negative prompt for a network that takes guidance as an input.
        """
        del inpaint  # the rule in diffusion.inpaint does the work
        if not len(x_BChw):
            return np.empty(x_BChw.shape, np.float32)
        guided = self._guided(features, guidance_B)
        both = [*features, *(features[at].negative or self._nothing for at in guided)]
        places = np.concatenate([np.arange(len(x_BChw)), guided])
        with _computing():
            predicted_BChw = self._predict(x_BChw[places], t_B[places], both, guidance_B[places])
            with_it_BChw, without_BChw = predicted_BChw[: len(x_BChw)], predicted_BChw[len(x_BChw) :]
            if len(guided):
                scale_B = torch.from_numpy(guidance_B[guided]).to(self._device)
                with_it_BChw[guided] = self._family.guide(with_it_BChw[guided], without_BChw, scale_B)
        x0_BChw = self._family.levels.clean(x_BChw, t_B, _array(with_it_BChw))
        _check(x0_BChw, "The denoiser")
        return x0_BChw

    def _guided(self, features: Sequence[TextFeatures], guidance_B: Floats) -> NDArray[np.intp]:
        """Which pictures need a second pass."""
        if not self._family.guidance_inside:
            return np.flatnonzero(guidance_B != 1)
        if any(feature.negative is not None for feature in features):
            raise InvalidRequestError(
                "This model takes guidance as an input and cannot be led away from a prompt: leave "
                "negative_prompt out",
                param="negative_prompt",
            )
        return np.array([], np.intp)

    def _predict(
        self, x_BChw: Floats, t_B: Floats, features: Sequence[TextFeatures], guidance_B: Floats
    ) -> Tensor:
        seen_BChw, time_B = self._family.levels.seen(x_BChw, t_B)
        return self._run_network(
            self._tensor(seen_BChw),
            torch.from_numpy(time_B).to(self._device),
            self._condition(features),
            torch.from_numpy(guidance_B).to(self._device),
        ).float()

    def _run_network(
        self, x_BChw: Tensor, time_B: Tensor, condition: Condition, guidance_B: Tensor
    ) -> Tensor:
        def rows(part: slice) -> Tensor:
            trimmed = self._family.trim(condition.rows(part))
            return self._family.predict(x_BChw[part], time_B[part], trimmed, guidance_B[part])

        return self._room_to_denoise.compute(rows, len(x_BChw))

    def _condition(self, features: Sequence[TextFeatures]) -> Condition:
        mask_BT = np.stack([feature.mask_T for feature in features])
        states_BTD = np.stack([feature.states_TD for feature in features]) * mask_BT[:, :, None]
        return Condition(
            states_BTD=self._tensor(states_BTD),
            mask_BT=torch.from_numpy(mask_BT).to(self._device),
            pooled_BP=self._tensor(np.stack([_pooled(feature) for feature in features])),
        )

    def attend(self, x_BChw: Floats, t_B: Floats, features: Sequence[TextFeatures]) -> Floats:
        """See `Engine.attend`: the network's own, of places to tokens; what places see of places is left out."""
        mask_BT = np.stack([feature.mask_T for feature in features])
        watch = Watch(
            latent_grid=(x_BChw.shape[2], x_BChw.shape[3]),
            mask_BT=torch.from_numpy(mask_BT).to(self._device),
            turn=self._family.turn,
        )
        with _computing(), watch.watching(self._family.attentions()):
            self._predict(x_BChw, t_B, features, np.ones(len(x_BChw), np.float32))
        if watch.total_BThw is None:
            raise EngineError("This model has no attention among places and tokens: draw it without a trace")
        return _array(watch.total_BThw / watch.layers) * mask_BT[:, :, None, None]

    def decode(self, x0_BChw: Floats) -> Pixels:
        """See `Engine.decode`."""
        with _computing():
            pixels_BCHW = _array(self._run_decoder(self._tensor(x0_BChw, torch.float32)))
        _check(pixels_BCHW, "The decoder")
        levels_BCHW = np.clip(pixels_BCHW * 127.5 + 127.5, 0, 255)
        return np.ascontiguousarray(np.rint(levels_BCHW).astype(np.uint8).transpose(0, 2, 3, 1))

    def _run_decoder(self, x0_BChw: Tensor) -> Tensor:
        return self._room_to_decode.compute(lambda part: self._family.decode(x0_BChw[part]), len(x0_BChw))

    def encode_image(self, pixels_BHWC: Pixels) -> Floats:
        """See `Engine.encode_image`."""
        width, height = self.capabilities.picture_size
        if pixels_BHWC.shape[1:] != (height, width, 3):
            raise InvalidRequestError(
                f"pictures must be {width}x{height} with 3 channels here, not {pixels_BHWC.shape[1:]}: fit them first",
                param="image",
            )
        unit_BCHW = pixels_BHWC.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
        with _computing():
            return _array(self._run_image_encoder(self._tensor(unit_BCHW, torch.float32)))

    def _run_image_encoder(self, pixels_BCHW: Tensor) -> Tensor:
        return self._family.encode_image(pixels_BCHW)

    def embed_image(self, pixels_BHWC: Pixels) -> Floats:
        """See `Engine.embed_image`: the latents, averaged to at most 1024 numbers; no prompt's vector is near."""
        x0_BChw = torch.from_numpy(self.encode_image(pixels_BHWC))
        side = math.isqrt(EMBEDDING_LENGTH // x0_BChw.shape[1])
        return _fitted(functional.adaptive_avg_pool2d(x0_BChw, side).flatten(1).numpy())

    def _tensor(self, values: NDArray[Any], dtype: torch.dtype | None = None) -> Tensor:
        contiguous = torch.from_numpy(np.ascontiguousarray(values, np.float32))
        return contiguous.to(self._device, dtype or self._family.network.dtype)


def _told(readings: Sequence[Reading], mask_T: NDArray[np.bool_]) -> dict[str, Any]:
    """Tokens, words and the rest of a prompt that was read by one tokenizer after the other."""
    *before, last = readings
    first = sum(len(reading.tokens) for reading in before)
    tokens = chain.from_iterable(reading.tokens for reading in readings)
    return {
        "tokens": tuple(token for token, stands in zip(tokens, mask_T, strict=False) if stands),
        "words": tuple(
            replace(word, start=first + word.start, stop=first + word.stop) for word in last.words
        ),
        "unread": last.unread,
    }


def _pooled(feature: TextFeatures) -> Floats:
    if not isinstance(feature, PooledFeatures):
        raise EngineError("These features were encoded by another engine: encode the prompt with this one")
    return feature.pooled_P


def _fitted(values_BP: Floats) -> Floats:
    """Rows cut, or padded with zeros, to 1024 numbers of unit length."""
    fitted_BD = np.zeros((len(values_BP), EMBEDDING_LENGTH), np.float32)
    kept = min(values_BP.shape[1], EMBEDDING_LENGTH)
    fitted_BD[:, :kept] = values_BP[:, :kept]
    _check(fitted_BD, "The encoder")
    norm_B1 = np.linalg.norm(fitted_BD, axis=1, keepdims=True)
    unit_BD: Floats = fitted_BD / np.maximum(norm_B1, np.finfo(np.float32).tiny)
    return unit_BD


def _array(values: Tensor) -> Floats:
    array: Floats = values.float().cpu().numpy()
    return array


def _check(values: Floats, who: str) -> None:
    if not np.isfinite(values).all():
        raise NonFiniteError(
            f"{who} put out NaN or infinity: check the model's files, or choose precision f32"
        )


@contextmanager
def _computing() -> Iterator[None]:
    """No gradients, and torch's errors as ours."""
    try:
        with torch.inference_mode():
            yield
    except torch.OutOfMemoryError as error:
        raise EngineError(
            "The device's memory is full: draw fewer pictures at once, or choose precision bf16"
        ) from error
    except RuntimeError as error:
        raise EngineError(f"torch failed: {error}") from error
