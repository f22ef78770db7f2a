"""What turns gradients into steps: Muon for matrices, AdamW for the rest, an average of the weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

__all__ = ["Average", "Muon", "orthogonalize", "split_parameters"]


def orthogonalize(matrices: Tensor, iterations: int = 5) -> Tensor:
    """The nearest half-orthogonal matrix of each, (..., R, C), roughly: all singular values pulled towards 1.

    Newton-Schulz iteration X <- a X + b (X X^T) X + c (X X^T)^2 X with the coefficients of Jordan et al. 2024
    ("Muon: an optimizer for hidden layers in neural networks").

    Under autocast in what that computes in, else in float32: torch's own Muon counts on bf16 units, and on CPUs
    without them is several times slower.
    """
    kind = matrices.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else matrices.dtype
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = torch.div(x, x.norm(dim=(-2, -1), keepdim=True) + 1e-7).to(dtype)
    for _ in range(iterations):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalized (Jordan et al. 2024), for the weights of hidden linear layers.

    Its steps have one size whatever the gradient's, so weights grow for as long as it runs: the decay, by the
    share lr * weight_decay at each step, is what stops them (Liu et al. 2025, eq. 3).
    """

    def __init__(
        self, params: Iterable[Tensor], lr: float = 0.02, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002 (torch's signature)
        """Update every parameter that has a gradient; those of one shape together."""
        for group in self.param_groups:
            learning = [parameter for parameter in group["params"] if parameter.grad is not None]
            for shape in {parameter.shape for parameter in learning}:
                alike = [parameter for parameter in learning if parameter.shape == shape]
                ways = orthogonalize(torch.stack([self._way(one, group["momentum"]) for one in alike]))
                size = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                torch._foreach_mul_(alike, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(alike, list(ways.to(alike[0].dtype)), alpha=-size)

    def _way(self, parameter: Tensor, momentum: float) -> Tensor:
        """Where a parameter's gradients lead: Nesterov's momentum."""
        gradient = cast("Tensor", parameter.grad)
        buffer: Tensor = self.state[parameter].setdefault("momentum", torch.zeros_like(parameter))
        buffer.lerp_(gradient, 1 - momentum)
        return gradient.lerp(buffer, momentum)


def split_parameters(model: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """The weights of hidden linear layers, and everything else (embeddings, heads, gains, biases)."""
    hidden: list[Tensor] = []
    rest: list[Tensor] = []
    for name, parameter in model.named_parameters():
        inner = name.startswith(("layers.", "blocks.", "text_blocks."))
        is_matrix = parameter.ndim == 2 and name.endswith("weight")
        (hidden if inner and is_matrix else rest).append(parameter)
    return hidden, rest


class Average:
    """A moving average of a model's weights: the ones that draw (Polyak and Juditsky 1992)."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Follow the model; faster in the beginning, when there is little worth remembering."""
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        mine, theirs = [], []
        for name, value in model.state_dict().items():
            mine.append(self.weights[name])
            theirs.append(value)
        torch._foreach_lerp_(mine, theirs, weight)
