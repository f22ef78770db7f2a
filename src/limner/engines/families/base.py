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

from limner.engines.families.levels import Levels, dynamic_shift
from limner.engines.families.looking import Attentions, cross_attentions
from limner.engines.families.reading import Reading, read

__all__ = ["Condition", "Family", "last_states"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Condition:
    """What a network is told of the prompts: token states, which of them stand, and one vector each."""

    states_BTD: Tensor
    mask_BT: Tensor
    pooled_BP: Tensor

    def rows(self, part: slice) -> Condition:
        """Those of some prompts."""
        return Condition(
            states_BTD=self.states_BTD[part], mask_BT=self.mask_BT[part], pooled_BP=self.pooled_BP[part]
        )

    @classmethod
    def unpooled(cls, states_BTD: Tensor, mask_BT: Tensor) -> Condition:
        """For families that pool no vector: the state of each prompt's last token stands for it."""
        pooled_BP = last_states(states_BTD, mask_BT)
        return cls(states_BTD=states_BTD, mask_BT=mask_BT.bool(), pooled_BP=pooled_BP)


def last_states(states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
    """The state of each prompt's last token: (B, D).

    Args:
        states_BTD: all states.
        mask_BT: which tokens stand; they come first.
    """
    rows = torch.arange(len(states_BTD), device=states_BTD.device)
    return states_BTD[rows, mask_BT.to(states_BTD.device).sum(1) - 1]


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

    def read(self, prompt: str) -> list[Reading]:
        """What each of them makes of a prompt."""
        return [read(tokenizer, window, prompt) for tokenizer, window in self.readers()]

    @abstractmethod
    def encode(self, prompts: Sequence[str]) -> Condition:
        """Prompts -> what the network is told of them."""

    def nothing(self) -> Condition:
        """No prompt at all, one row: what guidance leads away from."""
        return self.encode([""])

    def trim(self, condition: Condition) -> Condition:
        """Leave out what these prompts need not have computed; unless overridden, nothing."""
        return condition

    @abstractmethod
    def predict(self, x_BChw: Tensor, time_B: Tensor, condition: Condition, guidance_B: Tensor) -> Tensor:
        """One network pass: (B, C, h, w) of whatever the network predicts.

        Args:
            x_BChw: noisy pictures at the network's own scale.
            time_B: the network's own time, from `levels`.
            condition: B rows.
            guidance_B: looked at only where `guidance_inside`.
        """

    def guide(self, with_BChw: Tensor, without_BChw: Tensor, guidance_B: Tensor) -> Tensor:
        """What the network predicts with a prompt, led away from what it predicts without.

        Unless overridden, along a straight line, so that it makes no difference whether predictions or
        estimates of the clean picture are led.
        """
        return without_BChw + guidance_B.view(-1, 1, 1, 1) * (with_BChw - without_BChw)

    def attentions(self) -> Attentions:
        """The layers in which places look at tokens; unless overridden, those that diffusers calls attn2."""
        return cross_attentions(self.network)

    def turn(self, query_BSND: Tensor, key_BSTD: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
        """What the network does to queries and keys of those layers after projecting them.

        Unless overridden, nothing. Keys may come back fewer than T, without the last ones that do not stand.
        """
        del mask_BT
        return query_BSND, key_BSTD

    def _shift(self, most: float, patch: int = 2) -> float:
        """`mu` of the scheduler for pictures of the usual size, whose tokens are patches of so many places a side."""
        _, height, width = self.latent_shape
        return dynamic_shift(self.pipe.scheduler.config, (height // patch) * (width // patch), most)

    def decode(self, x0_BChw: Tensor) -> Tensor:
        """Clean x -> pixels (B, 3, H, W) from -1 to 1."""
        mean, deviation = self._scale(x0_BChw)
        return self._pixels((x0_BChw * deviation + mean).to(self.pipe.vae.dtype))

    def _pixels(self, latents_BChw: Tensor) -> Tensor:
        """The autoencoder's way out."""
        pixels_BCHW: Tensor = self.pipe.vae.decode(latents_BChw, return_dict=False)[0]
        return pixels_BCHW

    def decode_in_tiles(self) -> bool:
        """From now on decode piece by piece, which takes less memory; False if that is so already, or not possible.

        Pieces overlap and are blended: pictures change a little.
        """
        vae = self.pipe.vae
        if getattr(vae, "use_tiling", True):
            return False
        vae.enable_tiling()
        return True

    def encode_image(self, pixels_BCHW: Tensor) -> Tensor:
        """Pixels from -1 to 1 -> clean x: the autoencoder's most likely latents."""
        latents_BChw = self._latents(pixels_BCHW.to(self.pipe.vae.dtype)).float()
        mean, deviation = self._scale(latents_BChw)
        return (latents_BChw - mean) / deviation

    def _latents(self, pixels_BCHW: Tensor) -> Tensor:
        """The autoencoder's way in."""
        latents_BChw: Tensor = self.pipe.vae.encode(pixels_BCHW).latent_dist.mode()
        return latents_BChw

    def _scale(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation of the autoencoder's latents; in x they are 0 and 1."""
        config = self.pipe.vae.config
        mean, deviation = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
        if mean is None or deviation is None:
            mean, deviation = [getattr(config, "shift_factor", None) or 0.0], [1.0]
        shape = (1, -1, 1, 1)
        return (
            torch.tensor(mean, device=like.device).view(shape),
            torch.tensor(deviation, device=like.device).view(shape) / getattr(config, "scaling_factor", 1.0),
        )
