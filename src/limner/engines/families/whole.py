"""A family without an adapter: diffusers' own pipeline draws, one picture at a time.

Axes in names: C channels, H and W pixels, h and w of x, which is the picture.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from limner.diffusion.rendering import Rendering
from limner.engines.base import Capabilities
from limner.engines.coarse import LOST, CoarseEngine
from limner.errors import (
    CancelledError,
    EngineError,
    InvalidRequestError,
    LimnerError,
    ModelError,
    NonFiniteError,
)
from limner.types import Floats

__all__ = ["WholePipeline"]

_SIDE = 1024


class WholePipeline(CoarseEngine):
    """Noise and steps are the pipeline's; the seed is its generator's.

    Args:
        name: the model's.
        pipe: diffusers' pipeline, loaded.

    Raises:
        ModelError: it is no pipeline that draws from a prompt alone.
    """

    def __init__(self, name: str, pipe: Any) -> None:
        self._pipe = pipe
        self._fields = inspect.signature(type(pipe).__call__).parameters
        if not {"prompt", "num_inference_steps", "generator", "output_type"} <= set(self._fields):
            raise ModelError(
                f"A {type(pipe).__name__} draws nothing from a prompt alone: choose a text-to-image model"
            )
        pipe.set_progress_bar_config(disable=True)
        side = _side(pipe)
        lost = (
            () if "callback_on_step_end" in self._fields else ("a picture that is begun is drawn to its end",)
        )
        self.capabilities = Capabilities(
            model=name,
            latent_shape=(3, side, side),
            picture_size=(side, side),
            default_steps=int(self._fields["num_inference_steps"].default),
            default_guidance=float(self._default("guidance_scale") or 1.0),
            batch_invariant=True,
            stepwise=False,
            lost=(*LOST, *lost),
        )

    def _default(self, name: str) -> Any:
        return self._fields[name].default if name in self._fields else None

    def generate(self, rendering: Rendering) -> Floats:
        """See `CoarseEngine.generate`."""
        asked = {
            "num_inference_steps": rendering.steps,
            "generator": torch.Generator("cpu").manual_seed(rendering.seed % 2**63),
            "output_type": "np",
            **self._optional(rendering),
        }
        try:
            with torch.inference_mode():
                drawn_HWC = np.asarray(self._pipe(rendering.features.prompt, **asked).images[0], np.float32)
        except LimnerError:
            raise
        except torch.OutOfMemoryError as error:
            raise EngineError("The device's memory is full: choose precision bf16") from error
        except (RuntimeError, ValueError, TypeError) as error:
            raise EngineError(f"The model's own pipeline failed: {error}") from error
        if not np.isfinite(drawn_HWC).all():
            raise NonFiniteError("The model put out NaN or infinity: choose precision f32")
        return np.ascontiguousarray(2 * drawn_HWC.transpose(2, 0, 1) - 1)

    def _optional(self, rendering: Rendering) -> dict[str, Any]:
        """What some pipelines take and others do not."""
        negative = rendering.features.negative
        if negative is not None and "negative_prompt" not in self._fields:
            raise InvalidRequestError(
                "This model cannot be led away from a prompt: leave negative_prompt out",
                param="negative_prompt",
            )
        width, height = self.capabilities.picture_size
        offered = {
            "guidance_scale": rendering.guidance,
            "height": height,
            "width": width,
            "callback_on_step_end": _stopper(rendering.unwanted),
        }
        taken = {name: value for name, value in offered.items() if name in self._fields}
        return taken if negative is None else taken | {"negative_prompt": negative.prompt}


def _stopper(unwanted: Callable[[], bool]) -> Callable[..., dict[str, Any]]:
    """What the pipeline calls after each step: raising there is the one way out of every pipeline."""

    def look(_pipe: Any, _step: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if unwanted():
            raise CancelledError("Nobody wants this picture any more: ask again for another")
        return tensors

    return look


def _side(pipe: Any) -> int:
    """The usual width and height of its pictures, as far as the checkpoint tells."""
    scale = int(getattr(pipe, "vae_scale_factor", 8))
    network = getattr(pipe, "unet", None) or getattr(pipe, "transformer", None)
    told = getattr(pipe, "default_sample_size", None) or getattr(
        getattr(network, "config", None), "sample_size", None
    )
    return int(told) * scale if isinstance(told, int) else _SIDE
