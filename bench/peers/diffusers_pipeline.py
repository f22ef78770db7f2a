"""diffusers' PixArt pipeline, with networks as large as limner's: built from numbers alone, nothing is downloaded.

PixArt is of the family that limner's denoiser is of: a transformer on latents, its modulation shared by all
layers, that reads the prompt's tokens. The text encoder is transformers' BERT, which limner's is too. The decoder
has the same factor of 32, and as few weights as diffusers' allows.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import torch
from torch import nn

from bench.peers.networks import measured_size, sizes, tokenizer

__all__ = ["NAME", "Diffusers"]

NAME = "diffusers' PixArtAlphaPipeline, eager, float32"


class Diffusers:
    """One pipeline of diffusers.

    Attributes:
        size: of its denoiser.
    """

    def __init__(self) -> None:
        torch.manual_seed(0)
        torch.set_num_threads(os.cpu_count() or 1)
        self._diffusers, self._sizes = import_module("diffusers"), sizes()
        window, shape = self._sizes["window"], self._sizes["denoiser"]
        transformer = self._transformer(shape)
        self.size = measured_size(
            transformer,
            torch.zeros(1, shape["channels"], shape["grid"], shape["grid"]),
            encoder_hidden_states=torch.zeros(1, window, shape["text_width"]),
            timestep=torch.ones(1),
            encoder_attention_mask=torch.ones(1, window),
            added_cond_kwargs={"resolution": None, "aspect_ratio": None},
        )
        pipeline = self._diffusers.PixArtAlphaPipeline(
            tokenizer=tokenizer(window),
            text_encoder=_text_encoder(self._sizes["text_encoder"]),
            vae=self._decoder(shape["channels"]),
            transformer=transformer,
            scheduler=self._diffusers.DPMSolverMultistepScheduler(),
        )
        pipeline.set_progress_bar_config(disable=True)
        self._pipeline = pipeline

    def __call__(self, prompt: str, seed: int, steps: int) -> Any:
        """A PIL picture of 256x256."""
        return self._pipeline(
            prompt,
            num_inference_steps=steps,
            guidance_scale=self._sizes["guidance"],
            height=256,
            width=256,
            generator=torch.Generator().manual_seed(seed),
            clean_caption=False,
            use_resolution_binning=False,
            max_sequence_length=self._sizes["window"],
        ).images[0]

    def _transformer(self, shape: dict[str, int]) -> nn.Module:
        network: nn.Module = self._diffusers.PixArtTransformer2DModel(
            num_attention_heads=shape["heads"],
            attention_head_dim=shape["width"] // shape["heads"],
            in_channels=shape["channels"],
            out_channels=shape["channels"],
            num_layers=shape["layers"],
            cross_attention_dim=shape["width"],
            sample_size=shape["grid"],
            patch_size=1,
            caption_channels=shape["text_width"],
        )
        return network.eval()

    def _decoder(self, channels: int) -> nn.Module:
        network: nn.Module = self._diffusers.AutoencoderKL(
            latent_channels=channels,
            block_out_channels=(4,) * 6,
            down_block_types=("DownEncoderBlock2D",) * 6,
            up_block_types=("UpDecoderBlock2D",) * 6,
            layers_per_block=1,
            norm_num_groups=1,
        )
        return network.eval()


def _text_encoder(shape: dict[str, int]) -> Any:
    transformers = import_module("transformers")
    config = transformers.BertConfig(
        vocab_size=shape["vocabulary"],
        max_position_embeddings=shape["positions"],
        hidden_size=shape["width"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        intermediate_size=shape["hidden"],
    )
    return transformers.BertModel(config, add_pooling_layer=False).eval()
