"""What the denoiser is trained on: noisy latents, their times, and the loss.

Axes in names: B batch, C latent channels, h, w latent grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from limner.network.denoiser import Denoiser

__all__ = ["FlowConfig", "error_weight", "flow_loss", "sample_known", "sample_times"]

_NEAREST = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowConfig:
    """Where on the way from noise to picture the training looks.

    Attributes:
        time_mean, time_deviation: of the logit of t (Esser et al. 2024, eq. 19). Above 0: what a picture
            shows is settled while it is still mostly noise.
        drop: share of pictures that are learned without their prompt, for classifier-free guidance.
        shown: share of pictures that are learned from their own vector instead of a prompt, for variations.
        inpainted: share of pictures of which all but some cells is known, for edits.
        thing_weight: how much more the picture's tokens count in which a thing stands. Things are a sixth of
            a picture and most of what captions tell.
        lesson: how much naming the things from the middle of the network counts (see `Lesson`).
    """

    time_mean: float = 0.8
    time_deviation: float = 1.2
    drop: float = 0.1
    shown: float = 0.0
    inpainted: float = 0.0
    thing_weight: float = 4.0
    lesson: float = 0.2


def sample_times(count: int, config: FlowConfig, generator: torch.Generator) -> Tensor:
    """(B,) times from the logit-normal distribution."""
    normal_B = torch.randn(count, generator=generator)
    return torch.sigmoid(config.time_mean + config.time_deviation * normal_B)


def sample_known(
    shape: tuple[int, ...] | torch.Size, config: FlowConfig, generator: torch.Generator
) -> Tensor:
    """(B, 1, h, w) masks, 1 where the picture is known: nowhere, or all around a random rectangle of cells."""
    if not config.inpainted:
        return torch.zeros(shape)
    batch, _, *sides = shape
    inpainted_B = torch.rand(batch, generator=generator) < config.inpainted
    rows_Bh, columns_Bw = (_stretch(batch, side, generator) for side in sides)
    drawn_Bhw = rows_Bh[:, :, None] & columns_Bw[:, None, :]
    return (inpainted_B[:, None, None] & ~drawn_Bhw)[:, None].float()


def _stretch(batch: int, side: int, generator: torch.Generator) -> Tensor:
    """(B, side): True over a random run of cells, one of all lengths and of all places that there are for it."""
    length_B, place_B = torch.rand(2, batch, generator=generator)
    length_B = 1 + (length_B * side).long()
    first_B = (place_B * (side - length_B + 1)).long()
    at = torch.arange(side)
    run_Bs: Tensor = (at >= first_B[:, None]) & (at < (first_B + length_B)[:, None])
    return run_Bs


def error_weight(model: Denoiser, t_B: Tensor) -> Tensor:
    """(B, C): what a squared error of the network's output costs, by channel and time.

    Channels count in proportion to their deviation. With the skip, the output's target has unit variance at every
    time (see `Denoiser`), so that no time needs a weight of its own (Karras et al. 2022, eq. 8). Without it, errors
    count as much as with it, in proportion to those of the best linear estimate; but as if that were never nearer
    than a tenth of the deviation, or the first noise would be all that is learned.
    """
    weight_C: Tensor = model.deviation / model.deviation.mean()
    if model.config.skips:
        return weight_C.expand(len(t_B), -1)
    error_BC = model.linear(t_B)[1] / model.deviation
    weight_BC: Tensor = weight_C / (error_BC**2 + _NEAREST**2)
    return weight_BC


def flow_loss(
    model: Denoiser,
    x0_BChw: Tensor,
    noise_BChw: Tensor,
    t_B: Tensor,
    condition: tuple[Tensor, Tensor, Tensor],
    weight_B1hw: Tensor | None = None,
    known_BKhw: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Squared error of the network's output under x = (1 - t) x0 + t eps (Lipman et al. 2023, eq. 22).

    Channels and times count by `error_weight`, and the picture's tokens by `weight_B1hw`. Of some pictures a part
    may be known, for networks that inpaint (see `Denoiser.known`).

    Returns:
        (B,) the loss, and the tokens (B, N, W) halfway through the network.
    """
    t = t_B[:, None, None, None]
    x_BChw = (1 - t) * x0_BChw + t * noise_BChw
    skip, out, into = (factor[..., None, None] for factor in model.preconditioning(t_B))
    target_BChw = (x0_BChw - skip * x_BChw) / out
    output_BChw, _, middle_BNW = model.output(x_BChw * into, t_B, *condition, known_BKhw)
    error_BChw = (output_BChw - target_BChw).square() * error_weight(model, t_B)[..., None, None]
    if weight_B1hw is not None:
        error_BChw = error_BChw * weight_B1hw
    return error_BChw.mean((1, 2, 3)), middle_BNW
