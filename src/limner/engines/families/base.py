"""What a family of checkpoints is to the diffusers engine: one small adapter around diffusers' own pipeline.

The pipeline brings networks, tokenizers and the ways to call them; its sampling loop is not used. Which noise
level our t is, and what the network's output says of the clean picture, is told by `levels`.

Axes in names: B batch, T tokens, D token width, P pooled width, C channels, H and W pixels, h and w the latent grid.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from limner.engines.families.levels import Levels
from limner.engines.families.looking import Attentions, cross_attentions

__all__ = ["Condition", "Family"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Condition:
    """What a network is told of the prompts: token states, which of them stand, and one vector each."""

    states_BTD: Tensor
    mask_BT: Tensor
    pooled_BP: Tensor


class Family(ABC):
    """One family's networks, behind the few calls that the engine makes.

    Attributes:
        pipe: diffusers' pipeline, loaded.
        levels: how noisy the network takes a picture to be, and what it predicts.
        guidance_inside: the network was distilled to take guidance as an input: no second pass.
    """

    levels: Levels
    guidance_inside = False

    def __init__(self, pipe: Any) -> None:
        self.pipe = pipe

    @property
    def network(self) -> Any:
        """The denoiser: a UNet or a transformer."""
        return self.pipe.transformer

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """(C, h, w) of one x."""
        size = self.network.config.sample_size
        height, width = (size, size) if isinstance(size, int) else size
        return int(self.pipe.vae.config.latent_channels), int(height), int(width)

    @property
    def default_steps(self) -> int:
        """The pipeline's own number of steps."""
        return int(self._default("num_inference_steps"))

    @property
    def default_guidance(self) -> float:
        """The pipeline's own guidance scale."""
        return float(self._default("guidance_scale"))

    def _default(self, name: str) -> Any:
        return inspect.signature(type(self.pipe).__call__).parameters[name].default

    @abstractmethod
    def readers(self) -> list[tuple[Any, int]]:
        """The tokenizers whose tokens stand behind the states, in the states' order, with their windows.

        The prompt's words, and what of it was not read, are told by the last one.
        """

    @abstractmethod
    def encode(self, prompts: Sequence[str]) -> Condition:
        """Prompts -> what the network is told of them."""

    def nothing(self) -> Condition:
        """No prompt at all, one row: what guidance leads away from."""
        return self.encode([""])

    @abstractmethod
    def predict(self, x_BChw: Tensor, time_B: Tensor, condition: Condition, guidance_B: Tensor) -> Tensor:
        """One network pass: (B, C, h, w) of whatever the network predicts.

        Args:
            x_BChw: noisy pictures at the network's own scale.
            time_B: the network's own time, from `levels`.
            condition: B rows.
            guidance_B: looked at only where `guidance_inside`.
        """

    def attentions(self) -> Attentions:
        """The layers in which places look at tokens; unless overridden, those that diffusers calls attn2."""
        return cross_attentions(self.network)

    def turn(self, query_BSND: Tensor) -> Tensor:
        """What the network does to the queries of those layers after projecting them: nothing, unless overridden."""
        return query_BSND

    def decode(self, x0_BChw: Tensor) -> Tensor:
        """Clean x -> pixels (B, 3, H, W) from -1 to 1."""
        mean, deviation = self._scale(x0_BChw)
        latents_BChw = (x0_BChw * deviation + mean).to(self.pipe.vae.dtype)
        pixels_BCHW: Tensor = self.pipe.vae.decode(latents_BChw, return_dict=False)[0]
        return pixels_BCHW

    def encode_image(self, pixels_BCHW: Tensor) -> Tensor:
        """Pixels from -1 to 1 -> clean x: the autoencoder's most likely latents."""
        latents_BChw: Tensor = (
            self.pipe.vae.encode(pixels_BCHW.to(self.pipe.vae.dtype)).latent_dist.mode().float()
        )
        mean, deviation = self._scale(latents_BChw)
        return (latents_BChw - mean) / deviation

    def _scale(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation of the autoencoder's latents; in x they are 0 and 1."""
        config = self.pipe.vae.config
        mean, deviation = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
        if mean is None or deviation is None:
            mean, deviation = [getattr(config, "shift_factor", None) or 0.0], [1.0]
        shape = (1, -1, 1, 1)
        return (
            torch.tensor(mean, device=like.device).view(shape),
            torch.tensor(deviation, device=like.device).view(shape) / config.scaling_factor,
        )
