"""Trains an upscaler for a model that has been exported, and adds it to the model's folder, or replaces what it has.

    python scripts/train_upscaler.py src/limner/models/limner-2 --run .runs/upscaler

`limner train` does the same as the last stage of a run. A stopped training goes on with the same command.
"""

# ruff: noqa: INP001 - a script is run, never imported

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import torch

from limner.cli.data import art_folder
from limner.models import read_manifest
from limner.network.folder import open_networks
from limner.network.upscaler import Upscaler, UpscalerConfig
from limner.text.tokenizer import Tokenizer
from limner.training.dataset import StreamConfig
from limner.training.export import add_upscaler
from limner.training.upscaler import Painter, UpscalerRun, UpscalerTraining, draw_pairs

_TOLD_EVERY = 50


def main() -> None:
    """Train, and add."""
    parser = argparse.ArgumentParser(description="Train an upscaler for a model folder.")
    parser.add_argument("model", type=Path, help="the model's folder")
    parser.add_argument("--run", type=Path, required=True, help="where the training is kept")
    parser.add_argument("--art", type=Path, help="where the art is; by default the cache folder")
    options = parser.parse_args()
    options.run.mkdir(parents=True, exist_ok=True)
    config = UpscalerTraining()
    torch.manual_seed(0)
    run = UpscalerRun(options.run / "upscaler.safetensors", Upscaler(UpscalerConfig()), config)
    if run.step < config.steps:
        stream = StreamConfig(art=art_folder(options.art))
        pairs = draw_pairs(_painter(options.model), stream, config, os.cpu_count() or 1)
        for loss in run.train(pairs):
            if run.step % _TOLD_EVERY == 0:
                sys.stderr.write(f"step {run.step} of {config.steps}, loss {loss:.4f}\n")
    add_upscaler(options.model, run.network)


def _painter(model: Path) -> Painter:
    manifest = read_manifest(model)
    networks = open_networks(model, manifest.networks)
    return Painter(
        autoencoder=networks.autoencoder,
        denoiser=networks.denoiser,
        text_encoder=networks.text_encoder,
        tokenizer=Tokenizer(model / "tokenizer.json", manifest.window),
        guidance=manifest.guidance,
    )


if __name__ == "__main__":
    main()
