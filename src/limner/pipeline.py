"""The four stages, in order. Read this file first.

===  =================  =====================  ===================================================
no.  stage              in                     out
===  =================  =====================  ===================================================
1    input text prompt  a person's words       1 text string, as given
2    text encoding      1 text string          1 vector of length 1024, and its tokens' states
3    image generation   the vector, and noise  1 image tensor 256x256x3, by diffusion
4    image decoding     the tensor             1 picture of the exact size, as PNG, JPEG or WebP
===  =================  =====================  ===================================================

Axes in names: B batch, C channels, H height, W width (h, w on the latent grid).
"""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from limner.diffusion.noise import picture_seed
from limner.diffusion.rendering import Rendering
from limner.engines.base import Engine
from limner.engines.shapes import nearest_shape
from limner.engines.stepping import step_together
from limner.errors import InvalidRequestError, PromptWarning
from limner.imaging.picture import Picture
from limner.imaging.resize import fit
from limner.sources import picture_features, prepare_source, restore, size_of
from limner.tracing import Stopwatch, TraceRecorder
from limner.types import FileFormat, ImageRequest, Pixels, SamplerName, TextFeatures
from limner.upscaling import completed, enlarging

__all__ = ["Pipeline"]


class Pipeline:
    """Draws pictures from prompts, with an engine that has a model open.

    Attributes:
        engine: who computes.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def generate(
        self,
        prompt: str,
        *,
        image: Pixels | None = None,
        mask: NDArray[np.bool_] | None = None,
        strength: float | None = None,
        negative_prompt: str = "",
        n: int = 1,
        seed: int | None = None,
        size: tuple[int, int] | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        sampler: SamplerName = "euler",
        trace: bool = False,
        format: FileFormat = "png",  # noqa: A002  the word that the API and Picture.to_bytes use
        on_step: Callable[[int, int], None] | None = None,
    ) -> list[Picture]:
        """Draw `n` pictures of a prompt, or of a picture: an edit, or, without a prompt, a variation.

        Args:
            prompt: what the pictures show, 1 to 32,000 characters; "" for a variation of `image`.
            image: uint8 (H, W, 3) or (H, W, 4), a picture to start from; the result has its size unless
                `size` says otherwise.
            mask: bool (H, W), True where `image` is to be drawn anew; all else stays as it is, to the bit.
            strength: how far to go from `image`, above 0 to 1; None is all the way under a mask, else 0.6.
            negative_prompt: what to lead away from; needs a guidance above 1.
            n: how many, 1 to 10; they are drawn together.
            seed: the same seed draws the same pictures; None takes one from the operating system. Each
                picture reports its own, which draws it again alone.
            size: (width, height) in pixels; None is the model's own.
            steps: denoising steps; None is the model's own number. More are slower and finer.
            guidance: how strictly to follow the prompt, from 1; None is the model's own.
            sampler: "euler" or "dpmpp_2m".
            trace: each picture also tells how it came about.
            format: the file that the trace ends in: "png", "jpeg" or "webp".
            on_step: called after each step with the number of steps made and of all.

        Returns:
            The pictures. Their `timings` are the seconds of each stage for all of them together, and the
            total; the file is written when it is asked for, and not in it.

        Raises:
            InvalidRequestError: an argument is out of range; `param` names it.
            NonFiniteError: the engine put out NaN or infinity.

        Warns:
            PromptWarning: the prompt is longer than the model reads.
        """
        seed = secrets.randbits(63) if seed is None else seed
        request = ImageRequest(
            prompt=prompt,
            n=n,
            seed=seed,
            size=size,
            steps=steps,
            guidance=guidance,
            sampler=sampler,
            negative_prompt=negative_prompt,
            image_HWC=image,
            mask_HW=mask,
            strength=strength,
        )
        if format not in get_args(FileFormat):
            raise InvalidRequestError(f"format must be png, jpeg or webp, not {format!r}", param="format")
        stopwatch = Stopwatch()
        with stopwatch.measure("text_encoding"):
            features = self.encode_text(request)
        if features.unread:
            _warn_unread(features)
        with stopwatch.measure("image_generation"):
            renderings = self.start(request, features)
        recorder = TraceRecorder(self.engine, features, renderings, sampler) if trace else None
        tensor_BHWC = self._generate_images(renderings, stopwatch, recorder, on_step)
        with stopwatch.measure("image_decoding"):
            pictures = self.finish(request, renderings, tensor_BHWC)
        timings = stopwatch.seconds | {"total": sum(stopwatch.seconds.values())}
        pictures = [replace(picture, timings=timings) for picture in pictures]
        return recorder.tell(pictures, tensor_BHWC.shape[1:], format) if recorder else pictures

    def encode_text(self, request: ImageRequest) -> TextFeatures:
        """Stage 2: the prompt becomes a vector, once for all the request's pictures.

        Without a prompt it is the picture to start from that becomes one. `features.unread` is the part of
        the prompt that did not fit: tell whoever asked.
        """
        if not request.prompt and request.image_HWC is not None:
            features = picture_features(self.engine, request.image_HWC)
        else:
            features = self._encoded(request.prompt)
        if not request.negative_prompt:
            return features
        [negative] = self.engine.encode([request.negative_prompt])
        return replace(features, negative=negative)

    def _encoded(self, prompt: str) -> TextFeatures:
        """A prompt, first put into the words that the model knows.

        What is led away from is not: of "blurry, ugly" there would be nothing left to lead away from.
        """
        reading = self.engine.read(prompt)
        [features] = self.engine.encode([reading.text])
        return replace(features, swaps=reading.swaps)

    def start(self, request: ImageRequest, features: TextFeatures) -> list[Rendering]:
        """Stage 3 begins: each picture has a seed, noise and times of its own."""
        able = self.engine.capabilities
        if not able.stepwise and request.sampler != "euler":
            raise InvalidRequestError("This model has its own sampler: leave it out", param="sampler")
        times = self.engine.times(request.steps or able.default_steps)
        source = prepare_source(self.engine, request)
        if source is not None:
            times = times[-1 - max(1, round(source.strength * (len(times) - 1))) :]
        return [
            Rendering(
                seed=picture_seed(request.seed, index),
                shape=nearest_shape(able, size_of(request)),
                features=features,
                times=times,
                guidance=able.default_guidance if request.guidance is None else request.guidance,
                sampler=request.sampler,
                known=source.known if source else None,
                source_Chw=source.x0_Chw if source and source.strength < 1 else None,
            )
            for index in range(request.n)
        ]

    def _generate_images(
        self,
        renderings: Sequence[Rendering],
        stopwatch: Stopwatch,
        recorder: TraceRecorder | None,
        on_step: Callable[[int, int], None] | None,
    ) -> Pixels:
        """Stage 3 goes on: step by step from noise to a tensor."""
        while not renderings[0].done:
            with stopwatch.measure("image_generation"):
                look = step_together(self.engine, renderings)
            if recorder is not None:
                recorder.record(look)
            if on_step is not None:
                on_step(renderings[0].step, renderings[0].steps)
        with stopwatch.measure("image_generation"):
            return self.engine.decode(np.stack([rendering.x_Chw for rendering in renderings]))

    def finish(
        self, request: ImageRequest, renderings: Sequence[Rendering], tensor_BHWC: Pixels
    ) -> list[Picture]:
        """Stage 4: each tensor becomes a picture of the exact size, which can write itself as a file."""
        return [
            completed(self.finishing(request, rendering, tensor_HWC))
            for tensor_HWC, rendering in zip(tensor_BHWC, renderings, strict=True)
        ]

    def finishing(
        self, request: ImageRequest, rendering: Rendering, tensor_HWC: Pixels
    ) -> Generator[None, None, Picture]:
        """Stage 4 of one picture, in pieces between which its thread may see to others; returns the picture."""
        larger_HWC = yield from enlarging(
            self.engine, tensor_HWC, self._size(request), cropped=request.image_HWC is None
        )
        return Picture(
            pixels_HWC=self.fitted(larger_HWC, request),
            seed=rendering.seed,
            prompt=request.prompt,
            revised_prompt=_revised(request, rendering.features),
            model=self.engine.capabilities.model,
        )

    def fitted(self, tensor_HWC: Pixels, request: ImageRequest) -> Pixels:
        """Pixels resampled to exactly what was asked, what a mask left alone in its place again."""
        if request.image_HWC is not None:
            return restore(tensor_HWC, request, request.image_HWC)
        return fit(tensor_HWC, self._size(request))

    def _size(self, request: ImageRequest) -> tuple[int, int]:
        return size_of(request) or self.engine.capabilities.picture_size


def _revised(request: ImageRequest, features: TextFeatures) -> str | None:
    """What was drawn instead of the prompt, if it is not the prompt."""
    return features.prompt if request.prompt and features.prompt != request.prompt else None


def _warn_unread(features: TextFeatures) -> None:
    warnings.warn(
        f"The end of the prompt was not read, from {features.unread[:40]!r} on "
        f"({len(features.unread):,} of {len(features.prompt):,} characters): say what matters first.",
        PromptWarning,
        stacklevel=3,
    )
