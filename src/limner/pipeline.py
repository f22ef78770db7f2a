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
from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np

from limner.diffusion.noise import picture_seed
from limner.diffusion.rendering import Rendering
from limner.diffusion.schedule import timesteps
from limner.engines.base import Engine
from limner.engines.stepping import step_together
from limner.errors import InvalidRequestError, PromptWarning
from limner.imaging.picture import Picture
from limner.imaging.resize import fit
from limner.tracing import Stopwatch, TraceRecorder
from limner.types import FileFormat, ImageRequest, Pixels, SamplerName, TextFeatures

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
        """Draw `n` pictures of a prompt.

        Args:
            prompt: what the pictures show, 1 to 32,000 characters.
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
            prompt=prompt, n=n, seed=seed, size=size, steps=steps, guidance=guidance, sampler=sampler
        )
        if format not in get_args(FileFormat):
            raise InvalidRequestError(f"format must be png, jpeg or webp, not {format!r}", param="format")
        stopwatch = Stopwatch()
        with stopwatch.measure("text_encoding"):
            features = self.encode_text(request)
        renderings = self.start(request, features)
        recorder = TraceRecorder(self.engine, features, renderings, sampler) if trace else None
        tensor_BHWC = self._generate_images(renderings, stopwatch, recorder, on_step)
        pictures = self._decode_images(request, renderings, tensor_BHWC, stopwatch)
        return recorder.tell(pictures, tensor_BHWC.shape[1:], format) if recorder else pictures

    def encode_text(self, request: ImageRequest) -> TextFeatures:
        """Stage 2: the prompt becomes a vector, once for all the request's pictures."""
        [features] = self.engine.encode([request.prompt])
        if features.unread:
            warnings.warn(
                f"The end of the prompt was not read, from {features.unread[:40]!r} on "
                f"({len(features.unread):,} of {len(request.prompt):,} characters): say what matters first.",
                PromptWarning,
                stacklevel=3,
            )
        return features

    def start(self, request: ImageRequest, features: TextFeatures) -> list[Rendering]:
        """Stage 3 begins: each picture has a seed, noise and times of its own."""
        able = self.engine.capabilities
        times = timesteps(request.steps or able.default_steps, able.timestep_shift)
        return [
            Rendering(
                seed=picture_seed(request.seed, index),
                shape=able.latent_shape,
                features=features,
                times=times,
                guidance=able.default_guidance if request.guidance is None else request.guidance,
                sampler=request.sampler,
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
        for step in range(1, renderings[0].steps + 1):
            with stopwatch.measure("image_generation"):
                look = step_together(self.engine, renderings)
            if recorder is not None:
                recorder.record(look)
            if on_step is not None:
                on_step(step, renderings[0].steps)
        with stopwatch.measure("image_generation"):
            return self.engine.decode(np.stack([rendering.x_Chw for rendering in renderings]))

    def _decode_images(
        self,
        request: ImageRequest,
        renderings: Sequence[Rendering],
        tensor_BHWC: Pixels,
        stopwatch: Stopwatch,
    ) -> list[Picture]:
        """Stage 4: each tensor becomes a picture of the exact size, which can write itself as a file."""
        size = request.size or self.engine.capabilities.picture_size
        with stopwatch.measure("image_decoding"):
            fitted = [fit(tensor_HWC, size) for tensor_HWC in tensor_BHWC]
        timings = stopwatch.seconds | {"total": sum(stopwatch.seconds.values())}
        return [
            Picture(
                pixels_HWC=pixels_HWC,
                seed=rendering.seed,
                prompt=request.prompt,
                model=self.engine.capabilities.model,
                timings=timings,
            )
            for pixels_HWC, rendering in zip(fitted, renderings, strict=True)
        ]
