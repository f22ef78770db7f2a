"""The diffusers engine with OpenVINO's graphs in the place of torch's networks.

Axes in names: B batch, C channels, H and W pixels, h and w the latent grid.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import openvino as ov
import torch
from torch import Tensor

from limner.engines.base import Engine
from limner.engines.compiled import Network, first_line
from limner.engines.diffusers import DiffusersEngine
from limner.engines.families import Condition, Family
from limner.engines.graphs.convert import DECODER, DENOISER, IMAGE_ENCODER, PACKINGS
from limner.engines.graphs.texts import answer_with, text_encoders
from limner.errors import EngineError
from limner.types import Floats, TextFeatures

__all__ = ["ConvertedEngine"]


class ConvertedEngine(DiffusersEngine):
    """Each graph is compiled when it is first used, and computes each picture by itself: company changes no bit.

    A guided picture asks the denoiser twice in a step. Where that is usual, the denoiser computes two rows at a time,
    each with half of the threads.

    Args:
        name: the model's.
        family: the checkpoint; its networks' weights are not looked at.
        folder: the graphs.
        core: OpenVINO.
        hints: how graphs are compiled.
        open_torch: opens the same checkpoint with torch, which alone can tell where its attention is.
    """

    def __init__(
        self,
        name: str,
        family: Family,
        folder: Path,
        core: ov.Core,
        hints: dict[str, Any],
        open_torch: Callable[[], Engine],
    ) -> None:
        super().__init__(name, family)
        self.capabilities = replace(self.capabilities, batch_invariant=True)
        self._folder, self._core, self._hints, self._open_torch = folder, core, hints, open_torch
        packings = json.loads((folder / PACKINGS).read_text(encoding="utf-8"))
        for part, encoder in text_encoders(family.pipe).items():
            if part in packings:
                answer_with(encoder, cache(partial(self._compile, part)), packings[part])

    @cached_property
    def _denoiser(self) -> Network:
        guided = self.capabilities.default_guidance != 1 and not self._family.guidance_inside
        return self._compile(DENOISER, rows_at_once=2 if guided else 1)

    @cached_property
    def _decoder(self) -> Network:
        return self._compile(DECODER)

    @cached_property
    def _image_encoder(self) -> Network:
        return self._compile(IMAGE_ENCODER)

    @cached_property
    def _torch(self) -> Engine:
        return self._open_torch()

    def _compile(self, graph: str, *, rows_at_once: int = 1) -> Network:
        try:
            path = self._folder / f"{graph}.xml"
            return Network(self._core.compile_model(path, "CPU", self._hints | {"NUM_STREAMS": rows_at_once}))
        except RuntimeError as error:
            raise EngineError(
                f"OpenVINO cannot compile the {graph} of this model ({first_line(error)}): choose --engine diffusers"
            ) from error

    def encode(self, prompts: Sequence[str]) -> list[TextFeatures]:
        """See `Engine.encode`: one after the other, since graphs have room for one."""
        return [features for prompt in prompts for features in super(ConvertedEngine, self).encode([prompt])]

    def attend(self, x_BChw: Floats, t_B: Floats, features: Sequence[TextFeatures]) -> Floats:
        """See `Engine.attend`: torch's networks tell it, which are loaded for the first trace."""
        return self._torch.attend(x_BChw, t_B, features)

    def _run_network(
        self, x_BChw: Tensor, time_B: Tensor, condition: Condition, guidance_B: Tensor
    ) -> Tensor:
        inputs = {
            "x": x_BChw,
            "time": time_B,
            "states": condition.states_BTD,
            "mask": condition.mask_BT,
            "pooled": condition.pooled_BP,
            "guidance": guidance_B,
        }
        return _run(self._denoiser, **inputs)

    def _run_decoder(self, x0_BChw: Tensor) -> Tensor:
        return _run(self._decoder, x=x0_BChw)

    def _run_image_encoder(self, pixels_BCHW: Tensor) -> Tensor:
        return _run(self._image_encoder, pixels=pixels_BCHW)


def _run(network: Network, **inputs: Tensor) -> Tensor:
    [answer] = network.run({name: tensor.numpy() for name, tensor in inputs.items()})
    return torch.from_numpy(answer)
