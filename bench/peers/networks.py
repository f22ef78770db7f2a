"""What the peers' networks have in common: the sizes of limner's own, and how to count what a network computes.

The peers' weights are random, and what they draw is noise. It takes as long as a picture.

Axes in names: B batch, T prompt tokens, D prompt token width, C latent channels, h, w latent grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from limner.models import find, read_manifest
from limner.network.denoiser import Denoiser, DenoiserConfig

__all__ = ["Size", "folder", "measured_size", "own_size", "sizes", "tokenizer"]

_MODEL = "limner-2"


def sizes() -> dict[str, Any]:
    """The manifest's networks, and its `window`, `steps` and `guidance`."""
    manifest = read_manifest(find(_MODEL))
    return {
        **manifest.networks,
        **{name: getattr(manifest, name) for name in ("window", "steps", "guidance")},
    }


def folder() -> Path:
    """Where the shipped model is."""
    return find(_MODEL)


def tokenizer(window: int) -> Any:
    """The shipped tokenizer, as transformers' own."""
    return import_module("transformers").PreTrainedTokenizerFast(
        tokenizer_file=str(folder() / "tokenizer.json"),
        pad_token="[PAD]",  # noqa: S106
        model_max_length=window,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How large a network is.

    Attributes:
        parameters: how many weights it has.
        gflop: thousand millions of operations in one pass for one picture, a multiplication with its addition as two.
    """

    parameters: int
    gflop: float


def measured_size(network: nn.Module, *inputs: Tensor, **named: Any) -> Size:
    """Count the weights of a network, and what it computes for these inputs."""
    counter = FlopCounterMode(display=False)
    with counter, torch.inference_mode():
        network(*inputs, **named)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Size(parameters=parameters, gflop=round(counter.get_total_flops() / 1e9, 3))


def own_size() -> Size:
    """That of limner's denoiser."""
    shape, window = sizes()["denoiser"], sizes()["window"]
    return measured_size(
        Denoiser(DenoiserConfig(**shape)),
        torch.zeros(1, shape["channels"], shape["grid"], shape["grid"]),
        torch.ones(1),
        torch.zeros(1, window, shape["text_width"]),
        torch.ones(1, window, dtype=torch.bool),
        torch.zeros(1, shape["vector"]),
    )
