"""`limner.training.evaluation.speed`: what a pass of the denoiser costs."""

from __future__ import annotations

from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from limner.models import read_manifest
from limner.network.folder import open_networks
from limner.training.evaluation.speed import denoiser_flops


def test_the_operations_of_a_pass_are_those_that_torch_counts(tiny_folder: Path) -> None:
    """To a third: what is left out are the layers at either end, which are much of so small a network."""
    manifest = read_manifest(tiny_folder)
    denoiser = open_networks(tiny_folder, manifest.networks).denoiser
    shape, window = denoiser.config, manifest.window
    states, mask = torch.zeros(1, window, shape.text_width), torch.ones(1, window, dtype=torch.bool)
    x_1Chw = torch.zeros(1, shape.channels, shape.grid, shape.grid)
    with FlopCounterMode(display=False) as counter:
        denoiser(x_1Chw, torch.ones(1), states, mask, torch.zeros(1, 1024))
    assert 0.6 < denoiser_flops(manifest) / counter.get_total_flops() < 1.5
