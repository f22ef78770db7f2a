"""What the denoiser is trained on: noisy latents, their times, and the loss.

Axes in names: B batch, C latent channels, h, w latent grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from limner.network.denoiser import Denoiser

__all__ = ["FlowConfig", "flow_loss", "sample_times"]


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


def flow_loss(
    model: Denoiser,
    x0_BChw: Tensor,
    noise_BChw: Tensor,
    t_B: Tensor,
    condition: tuple[Tensor, Tensor, Tensor],
    weight_B1hw: Tensor | None = None,
    known_BKhw: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Squared error of the residual F under x = (1 - t) x0 + t eps (Lipman et al. 2023, eq. 22).

    F's target has unit variance in every channel at every time (see `Denoiser`), so no time needs a weight of
    its own (Karras et al. 2022, eq. 8). Channels count in proportion to their deviation, and the picture's
    tokens by `weight_B1hw`. Of some pictures a part may be known, for networks that inpaint (see `Denoiser.known`).

    Returns:
        (B,) the loss, and the tokens (B, N, W) halfway through the network.
    """
    t = t_B[:, None, None, None]
    x_BChw = (1 - t) * x0_BChw + t * noise_BChw
    skip, out, into = (factor[..., None, None] for factor in model.preconditioning(t_B))
    target_BChw = (x0_BChw - skip * x_BChw) / out
    residual_BChw, _, middle_BNW = model.residual(x_BChw * into, t_B, *condition, known_BKhw)
    weight_C = model.deviation / model.deviation.mean()
    error_BChw = (residual_BChw - target_BChw).square() * weight_C[:, None, None]
    if weight_B1hw is not None:
        error_BChw = error_BChw * weight_B1hw
    return error_BChw.mean((1, 2, 3)), middle_BNW
