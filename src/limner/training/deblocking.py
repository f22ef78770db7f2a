"""The deblocking's training: pictures as this denoiser draws them, and the scenes that they should have been.

A scene is noised to a random level and drawn to its end by the denoiser, guided by the scene's own caption: its layout
stays, its patches become the denoiser's own, seams and all (SDEdit, Meng et al. 2022). Some scenes get a little noise
in their latents instead. The network learns to give the scene back, in its levels and in its edges.

Axes in names: B batch, C latent channels, h, w latent grid, H, W pixels, S steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from limner.network.autoencoder import PatchAutoencoder
from limner.network.denoiser import Denoiser
from limner.training.cache import to_unit
from limner.training.checkpoint import load_checkpoint, load_optimizer, optimizer_tensors, save_checkpoint
from limner.training.dataset import StreamConfig, compose_many
from limner.training.denoise import RunData
from limner.training.device import mixed_precision
from limner.training.evaluate import denoised

__all__ = ["DeblockingConfig", "DeblockingRun", "difference"]

_STEPS_AT_A_TIME, _WARMUP, _SPREAD = 64, 0.02, 0.6


@dataclass(frozen=True, kw_only=True, slots=True)
class DeblockingConfig:
    """How the deblocking is trained.

    Attributes:
        steps, batch: how long; a step takes the next scenes.
        rate: the first learning rate; it falls to zero.
        noisy: share of pictures that are scenes with noise in their latents.
        noise: the largest deviation of that noise in a channel whose own is 1. In others it goes with the power 0.6 of
            theirs, as what limner-1 misses does when it draws (0.4 s^0.6 at noise level 0.85): whole patches are
            too light or too dark, rather than grainy.
        level_min, level_max: to which noise level scenes go before they are drawn to their end.
        draws: in how many steps.
    """

    steps: int = 2_000
    batch: int = 16
    rate: float = 1e-3
    noisy: float = 0.6
    noise: float = 0.5
    level_min: float = 0.1
    level_max: float = 0.6
    draws: int = 3


def difference(pixels_BCHW: Tensor, scenes_BCHW: Tensor) -> Tensor:
    """Mean absolute difference of levels, and of their slopes both ways: soft edges and seams cost as much."""
    wrong_BCHW = pixels_BCHW - scenes_BCHW
    across, down = wrong_BCHW.diff(dim=3), wrong_BCHW.diff(dim=2)
    return wrong_BCHW.abs().mean() + across.abs().mean() + down.abs().mean()


class DeblockingRun:
    """One training of `autoencoder.deblocking`, on the CPU; what is in `checkpoint` goes on.

    Args:
        checkpoint: the file that a stopped training goes on from.
        autoencoder, denoiser: both trained.
        data: the scenes, as the denoiser learns from them.
        stream: how they are composed.
        config: how.
        guidance: how strictly the denoiser follows captions.
    """

    def __init__(
        self,
        checkpoint: Path,
        autoencoder: PatchAutoencoder,
        denoiser: Denoiser,
        data: RunData,
        stream: StreamConfig,
        config: DeblockingConfig,
        guidance: float,
    ) -> None:
        self._checkpoint, self._data, self._stream = checkpoint, data, stream
        self._config, self._guidance = config, guidance
        self._autoencoder, self._denoiser = autoencoder, denoiser
        self._spread_C = denoiser.deviation**_SPREAD
        self.network: nn.Module = autoencoder.deblocking
        # Convolutions on the processor are half as fast again in this order.
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._adam = torch.optim.AdamW(
            self.network.parameters(), lr=config.rate, betas=(0.9, 0.99), weight_decay=0.01
        )
        self.step = 0
        if checkpoint.is_file():
            tensors, facts = load_checkpoint(checkpoint)
            self.network.load_state_dict({name: tensors[name] for name in self.network.state_dict()})
            load_optimizer(self._adam, tensors, "adam")
            self.step = facts["step"]

    def train(self, workers: int) -> Iterator[float]:
        """Train to the end; yields the loss after each step.

        Args:
            workers: processes that compose scenes, some steps' at a time.
        """
        while self.step < self._config.steps:
            steps = range(self.step, min(self.step + _STEPS_AT_A_TIME, self._config.steps))
            rows = [row for step in steps for row in self._rows(step)]
            scenes = list(compose_many(self._stream, rows, workers))
            for at in range(0, len(rows), self._config.batch):
                loss = self._train_step(to_unit(np.stack(scenes[at : at + self._config.batch])))
                self.step += 1
                yield loss
            self.save()

    def save(self) -> None:
        """Write the checkpoint."""
        tensors = self.network.state_dict() | optimizer_tensors(self._adam, "adam")
        save_checkpoint(self._checkpoint, tensors, {"step": self.step, "config": asdict(self._config)})

    def _train_step(self, scenes_BCHW: Tensor) -> float:
        config = self._config
        for group in self._adam.param_groups:
            up = (self.step + 1) / max(1.0, _WARMUP * config.steps)
            group["lr"] = config.rate * min(up, 1 - self.step / config.steps)
        with mixed_precision(torch.device("cpu")):
            blocks_BCHW = self._blocks(self.step)
            pixels_BCHW: Tensor = self.network(blocks_BCHW)
        loss = difference(pixels_BCHW.float(), scenes_BCHW)
        self._adam.zero_grad()
        loss.backward()
        self._adam.step()
        return loss.item()

    def _rows(self, step: int) -> list[int]:
        """The scenes of a step."""
        scenes, batch = len(self._data.latents_KChw), self._config.batch
        return [at % scenes for at in range(step * batch, (step + 1) * batch)]

    @torch.no_grad()
    def _blocks(self, step: int) -> Tensor:
        """The step's scenes with the denoiser's seams in them, (B, 3, H, W)."""
        blocks_BCHW = self._autoencoder.decode_patches(self._latents(step).float()).clamp(-1.2, 1.2)
        return blocks_BCHW.contiguous(memory_format=torch.channels_last)

    def _latents(self, step: int) -> Tensor:
        """The step's scenes as the denoiser would have drawn them, (B, C, h, w); random by the step alone."""
        data, config, rows = self._data, self._config, self._rows(step)
        generator = torch.Generator().manual_seed(step)
        x0_BChw = torch.from_numpy(data.latents_KChw[rows].astype(np.float32))
        noise_BChw = torch.randn(x0_BChw.shape, generator=generator)
        level_B, deviation_B, kind_B = torch.rand(3, len(rows), generator=generator)
        level_B = config.level_min + (config.level_max - config.level_min) * level_B
        times_SB = level_B * torch.linspace(1, 0, config.draws + 1)[:, None]
        t_B111 = level_B[:, None, None, None]
        drawn_BChw = denoised(
            self._denoiser,
            (1 - t_B111) * x0_BChw + t_B111 * noise_BChw,
            times_SB,
            data.states.batch([row * data.wordings for row in rows], data.states.longest),
            self._guidance,
        )
        spread_BC11 = config.noise * deviation_B[:, None, None, None] * self._spread_C[:, None, None]
        noisy_BChw = x0_BChw + spread_BC11 * noise_BChw
        return torch.where((kind_B < config.noisy)[:, None, None, None], noisy_BChw, drawn_BChw)
