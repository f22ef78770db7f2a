"""The upscaler's training: scenes as this model draws them, and the same scenes composed twice as large.

A scene is noised to a random level and drawn to its end by the denoiser, guided by the scene's own caption (SDEdit,
Meng et al. 2022), then decoded: what the network will be given. Others are the large scene itself, blurred and made
small: what it is given the second time, when a picture becomes four times as large.

Axes in names: B batch, C channels, h, w latent grid, H, W pixels, S steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from limner.network.autoencoder import PatchAutoencoder
from limner.network.denoiser import Denoiser
from limner.network.text_encoder import TextEncoder
from limner.network.upscaler import Upscaler
from limner.text.tokenizer import Tokenizer
from limner.training.cache import CaptionStates, encode_captions, to_unit
from limner.training.checkpoint import load_checkpoint, load_optimizer, optimizer_tensors, save_checkpoint
from limner.training.dataset import SceneStream, StreamConfig, compose_many
from limner.training.deblocking import difference
from limner.training.device import mixed_precision
from limner.training.evaluate import denoised, through_a_file
from limner.types import Pixels

__all__ = ["Painter", "Pairs", "UpscalerRun", "UpscalerTraining", "draw_pairs", "halved"]

_SAVED_EVERY, _WARMUP = 100, 0.02
_AT_A_TIME, _TRIED, _GRID = 16, 4, 8
"""Scenes that are drawn together, windows of which one is taken, and pixels of which they start at multiples."""

_REACH = 8
"""Pixels that the blur sees each way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UpscalerTraining:
    """How the upscaler is trained.

    Attributes:
        scenes: how many there are; they are held in memory, about a megabyte each.
        level_max: up to which noise level they go before they are drawn to their end.
        draws: in how many steps.
        steps, batch: how long; a step takes the next scenes, after the last the first again.
        window: pixels across the part of a scene that a step takes.
        rate: the first learning rate; it falls to zero.
        again: share of parts that are of the large scene made small.
        blur: the largest deviation of their blur, in pixels of the large scene.
    """

    scenes: int = 640
    level_max: float = 0.45
    draws: int = 2
    steps: int = 1_500
    batch: int = 8
    window: int = 96
    rate: float = 1e-3
    again: float = 0.7
    blur: float = 3.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Painter:
    """The trained model whose pictures are to be enlarged.

    Attributes:
        autoencoder, denoiser, text_encoder: its networks.
        tokenizer: reads its captions.
        guidance: how strictly it follows them.
    """

    autoencoder: PatchAutoencoder
    denoiser: Denoiser
    text_encoder: TextEncoder
    tokenizer: Tokenizer
    guidance: float

    def read(self, captions: Sequence[str]) -> CaptionStates:
        """Captions as the denoiser takes them."""
        return encode_captions(captions, self.text_encoder, self.tokenizer, lambda *_: None)

    @torch.no_grad()
    def redrawn(
        self,
        scenes_BCHW: Tensor,
        condition: tuple[Tensor, Tensor, Tensor],
        times_SB: Tensor,
        generator: torch.Generator,
    ) -> Tensor:
        """The scenes as it would have drawn them: noised to the first of the times, and drawn to their end.

        Args:
            scenes_BCHW: (B, 3, H, W) from -1 to 1.
            condition: token states, mask and vectors of their captions.
            times_SB: noise levels, falling to 0.
            generator: of the noise.
        """
        x0_BChw = self.autoencoder.encode(scenes_BCHW)
        noise_BChw = torch.randn(x0_BChw.shape, generator=generator)
        t_B111 = times_SB[0][:, None, None, None]
        x_BChw = (1 - t_B111) * x0_BChw + t_B111 * noise_BChw
        drawn_BChw = denoised(self.denoiser, x_BChw, times_SB, condition, self.guidance)
        pixels_BCHW: Tensor = self.autoencoder(drawn_BChw.float()).float()
        return through_a_file(pixels_BCHW)


def halved(pixels_BCHW: Tensor, deviation_B: Tensor) -> Tensor:
    """Pictures blurred by a Gaussian of so many pixels, each its own, and made half as large."""
    at_N = torch.arange(-_REACH, _REACH + 1, dtype=torch.float32)
    weights_BN = torch.exp(-(at_N**2) / (2 * deviation_B.clamp(min=1e-3)[:, None] ** 2))
    weights_B1N = (weights_BN / weights_BN.sum(1, keepdim=True))[:, None]
    batch, channels, height, width = pixels_BCHW.shape
    # The pictures as one with many channels, each with its own kernel; first along the rows, then down.
    kernel = weights_B1N.repeat_interleave(channels, 0)
    planes = nn.functional.pad(pixels_BCHW.reshape(1, -1, height, width), [_REACH] * 4, mode="replicate")
    planes = nn.functional.conv2d(planes, kernel[:, :, None], groups=batch * channels)
    planes = nn.functional.conv2d(planes, kernel[:, :, :, None], groups=batch * channels)
    return nn.functional.avg_pool2d(planes, 2).reshape(batch, channels, height // 2, width // 2)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pairs:
    """What is learned from: uint8 (K, H, W, 3) pictures as the model draws them, (K, 2 H, 2 W, 3) the scenes."""

    drawn_KHWC: Pixels
    scenes_KHWC: Pixels


def draw_pairs(painter: Painter, stream: StreamConfig, config: UpscalerTraining, workers: int) -> Pairs:
    """Compose scenes in both sizes, and have the small ones redrawn; always the same.

    Args:
        painter: redraws.
        stream: the scenes.
        config: how many, and how far from what they were.
        workers: processes that compose.
    """
    rows = range(config.scenes)
    small, large = (np.stack(list(compose_many(stream, rows, workers, scale))) for scale in (1, 2))
    captions = SceneStream(stream)
    states = painter.read([captions.caption(row) for row in rows])
    drawn_KHWC, generator = np.empty_like(small), torch.Generator().manual_seed(0)
    for first in range(0, len(rows), _AT_A_TIME):
        some = rows[first : first + _AT_A_TIME]
        level_B = config.level_max * torch.rand(len(some), generator=generator)
        times_SB = level_B * torch.linspace(1, 0, config.draws + 1)[:, None]
        with mixed_precision(torch.device("cpu")):
            pixels_BCHW = painter.redrawn(
                to_unit(small[some]), states.batch(some, states.longest), times_SB, generator
            )
        levels_BHWC = (pixels_BCHW.permute(0, 2, 3, 1) * 127.5 + 127.5).round()
        drawn_KHWC[some] = levels_BHWC.to(torch.uint8).numpy()
    return Pairs(drawn_KHWC=drawn_KHWC, scenes_KHWC=large)


class UpscalerRun:
    """One training of an upscaler, on the CPU; what is in `checkpoint` goes on.

    Args:
        checkpoint: the file that a stopped training goes on from.
        network: what is trained.
        config: how.
    """

    def __init__(self, checkpoint: Path, network: Upscaler, config: UpscalerTraining) -> None:
        self._checkpoint, self._config, self.network = checkpoint, config, network
        # Convolutions on the processor are half as fast again in this order.
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._adam = torch.optim.AdamW(
            network.parameters(), lr=config.rate, betas=(0.9, 0.99), weight_decay=0.01
        )
        self.step = 0
        if checkpoint.is_file():
            tensors, facts = load_checkpoint(checkpoint)
            network.load_state_dict({name: tensors[name] for name in network.state_dict()})
            load_optimizer(self._adam, tensors, "adam")
            self.step = facts["step"]

    def train(self, pairs: Pairs) -> Iterator[float]:
        """Train to the end; yields the loss after each step."""
        while self.step < self._config.steps:
            loss = self._train_step(*self._batch(pairs))
            self.step += 1
            yield loss
            if self.step % _SAVED_EVERY == 0:
                self.save()
        self.save()

    def save(self) -> None:
        """Write the checkpoint."""
        tensors = self.network.state_dict() | optimizer_tensors(self._adam, "adam")
        save_checkpoint(self._checkpoint, tensors, {"step": self.step, "config": asdict(self._config)})

    def _train_step(self, given_BCHW: Tensor, scenes_BCHW: Tensor) -> float:
        config = self._config
        for group in self._adam.param_groups:
            up = (self.step + 1) / max(1.0, _WARMUP * config.steps)
            group["lr"] = config.rate * min(up, 1 - self.step / config.steps)
        with mixed_precision(torch.device("cpu")):
            pixels_BCHW: Tensor = self.network(given_BCHW.contiguous(memory_format=torch.channels_last))
        loss = difference(pixels_BCHW.float(), scenes_BCHW)
        self._adam.zero_grad()
        loss.backward()
        self._adam.step()
        return loss.item()

    def _batch(self, pairs: Pairs) -> tuple[Tensor, Tensor]:
        """What the step gives the network, (B, 3, H, W), and what it should make of it; random by the step alone."""
        config, generator = self._config, torch.Generator().manual_seed(self.step)
        blur_B, kind_B, turn_B = torch.rand(3, config.batch, generator=generator)
        first, drawn, scenes = self.step * config.batch, [], []
        for row in range(first, first + config.batch):
            scene, places = row % len(pairs.drawn_KHWC), torch.rand(_TRIED, 2, generator=generator).tolist()
            small, large = _most_detailed(
                pairs.drawn_KHWC[scene], pairs.scenes_KHWC[scene], places, config.window
            )
            drawn.append(small)
            scenes.append(large)
        # Scenes have more edges across than down; half of the windows are turned, so that both are learned alike.
        turned_B111 = (turn_B < 0.5)[:, None, None, None]
        drawn_BCHW, scenes_BCHW = (
            torch.where(turned_B111, pixels_BCHW.mT, pixels_BCHW)
            for pixels_BCHW in (to_unit(np.stack(drawn)), to_unit(np.stack(scenes)))
        )
        shrunk_BCHW = halved(scenes_BCHW, config.blur * blur_B)
        again_B111 = (kind_B < config.again)[:, None, None, None]
        return torch.where(again_B111, shrunk_BCHW, drawn_BCHW), scenes_BCHW


def _most_detailed(
    drawn_HWC: Pixels, scene_HWC: Pixels, places: Sequence[Sequence[float]], side: int
) -> tuple[Pixels, Pixels]:
    """Of so many windows, `side` pixels across, the one with the steepest scene: skies teach little."""
    windows = []
    for place in places:
        # On the network's own grid, as seams in whole pictures are.
        top, left = (round(share * (len(drawn_HWC) - side) / _GRID) * _GRID for share in place)
        large_HWC = scene_HWC[2 * top : 2 * (top + side), 2 * left : 2 * (left + side)]
        coarse_HWC = large_HWC[::4, ::4].astype(np.int16)
        steepness = sum(np.abs(np.diff(coarse_HWC, axis=axis)).sum() for axis in (0, 1))
        windows.append((steepness, drawn_HWC[top : top + side, left : left + side], large_HWC))
    return max(windows, key=lambda window: window[0])[1:]
