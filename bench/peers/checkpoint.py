"""A checkpoint as large as Stable Diffusion 1.5 with random weights, and who draws with it: nothing is downloaded.

Networks are diffusers' own with their own defaults, which are those of Stable Diffusion 1. What is drawn is noise; it
takes as long as a picture.
"""

from __future__ import annotations

import json
import os
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn

from bench.peers.genai_pipeline import write_graph, write_tokenizer
from bench.peers.networks import tokenizer

__all__ = ["Diffusers", "GenAI", "StableDiffusionCpp", "write_checkpoint", "write_genai"]

SIDE, GUIDANCE = 512, 7.5
_WINDOW, _WIDTH = 77, 768
_VOCABULARY = 49408
_SIGNS = [chr(code) for code in range(ord("!"), ord("~") + 1)]
_TOKENS = [*_SIGNS, *(f"{sign}</w>" for sign in _SIGNS), "<|startoftext|>", "<|endoftext|>"]


def write_checkpoint(folder: Path) -> None:
    """Write the checkpoint as diffusers saves it, in 16 bits."""
    diffusers, transformers = import_module("diffusers"), import_module("transformers")
    torch.manual_seed(0)
    vae = diffusers.AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=4,
        sample_size=SIDE,
    )
    pipe = diffusers.StableDiffusionPipeline(
        vae=vae,
        text_encoder=transformers.CLIPTextModel(_text_config(transformers)),
        tokenizer=_clip_tokenizer(transformers),
        unet=diffusers.UNet2DConditionModel(sample_size=SIDE // 8, cross_attention_dim=_WIDTH),
        scheduler=diffusers.DDIMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.to(dtype=torch.float16).save_pretrained(folder)


def _text_config(transformers: Any) -> Any:
    return transformers.CLIPTextConfig(
        vocab_size=_VOCABULARY,
        hidden_size=_WIDTH,
        projection_dim=_WIDTH,
        intermediate_size=4 * _WIDTH,
        num_hidden_layers=12,
        num_attention_heads=12,
        bos_token_id=len(_TOKENS) - 2,
        eos_token_id=len(_TOKENS) - 1,
        pad_token_id=len(_TOKENS) - 1,
    )


def _clip_tokenizer(transformers: Any) -> Any:
    """A token for each printable sign, alone and at a word's end."""
    vocabulary = {token: at for at, token in enumerate(_TOKENS)}
    return transformers.CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=_WINDOW)


class Diffusers:
    """diffusers' own pipeline, eager, in bfloat16."""

    def __init__(self, folder: str) -> None:
        torch.set_num_threads(os.cpu_count() or 1)
        self._pipeline = import_module("diffusers").StableDiffusionPipeline.from_pretrained(
            folder, dtype=torch.bfloat16
        )
        self._pipeline.set_progress_bar_config(disable=True)

    def __call__(self, prompt: str, seed: int, steps: int) -> Any:
        """A PIL picture of 512x512."""
        return self._pipeline(
            prompt,
            num_inference_steps=steps,
            guidance_scale=GUIDANCE,
            generator=torch.Generator().manual_seed(seed),
        ).images[0]


class GenAI:
    """OpenVINO GenAI's pipeline, compiled for latency in its fixed shapes, in the precision that it chooses."""

    def __init__(self, folder: str) -> None:
        self._genai = import_module("openvino_genai")
        self._pipeline = self._genai.Text2ImagePipeline(f"{folder}-genai")
        self._pipeline.reshape(1, SIDE, SIDE, GUIDANCE)
        self._pipeline.compile("CPU", PERFORMANCE_HINT="LATENCY")

    def __call__(self, prompt: str, seed: int, steps: int) -> Any:
        """A PIL picture of 512x512."""
        tensor = self._pipeline.generate(
            prompt,
            num_inference_steps=steps,
            guidance_scale=GUIDANCE,
            height=SIDE,
            width=SIDE,
            generator=self._genai.CppStdGenerator(seed),
        )
        return Image.fromarray(tensor.data[0])


class StableDiffusionCpp:
    """stable-diffusion.cpp, in the 16 bits of the file."""

    def __init__(self, folder: str) -> None:
        self._pipeline = import_module("stable_diffusion_cpp").StableDiffusion(
            model_path=folder,
            vae_decode_only=True,
            n_threads=os.cpu_count() or 1,
            flash_attn=True,
            diffusion_flash_attn=True,
            verbose=False,
        )

    def __call__(self, prompt: str, seed: int, steps: int) -> Any:
        """A PIL picture of 512x512."""
        return self._pipeline.generate_image(
            prompt,
            width=SIDE,
            height=SIDE,
            cfg_scale=GUIDANCE,
            sample_method="euler",
            sample_steps=steps,
            seed=seed,
        )[0]


class _Called(nn.Module):
    """A network, or a method of one, that puts out one tensor."""

    def __init__(self, network: nn.Module, method: str = "forward") -> None:
        super().__init__()
        self.network, self.method = network, method

    def forward(self, *inputs: Any) -> Any:
        return getattr(self.network, self.method)(*inputs, return_dict=False)[0]


def write_genai(folder: Path) -> None:
    """Write the same networks for OpenVINO GenAI, as its converter does: traced, with weights of 16 bits."""
    root = Path(f"{folder}-genai")
    pipe = import_module("diffusers").StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    latents, grid = pipe.unet.config.in_channels, SIDE // 8
    with warnings.catch_warnings():
        # torch's tracer warns of every size that a network compares.
        warnings.simplefilter("ignore")
        ids = torch.ones(1, _WINDOW).long()
        write_graph(root / "text_encoder", _Called(pipe.text_encoder), half=True, input_ids=ids)
        write_graph(
            root / "unet",
            _Called(pipe.unet),
            half=True,
            sample=torch.zeros(1, latents, grid, grid),
            timestep=torch.zeros(1).long(),
            encoder_hidden_states=torch.zeros(1, _WINDOW, _WIDTH),
        )
        decoder = _Called(pipe.vae, "decode")
        write_graph(
            root / "vae_decoder", decoder, half=True, latent_sample=torch.zeros(1, latents, grid, grid)
        )
    _write_configs(folder, root)
    write_tokenizer(root / "tokenizer", tokenizer(_WINDOW))


def _write_configs(folder: Path, root: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    renamed = {"vae_decoder" if name == "vae" else name: value for name, value in index.items()}
    (root / "model_index.json").write_text(json.dumps(index | renamed))
    for ours, theirs in (("text_encoder", "text_encoder"), ("unet", "unet"), ("vae", "vae_decoder")):
        (root / theirs / "config.json").write_text((folder / ours / "config.json").read_text())
    scheduler = root / "scheduler"
    scheduler.mkdir()
    (scheduler / "scheduler_config.json").write_text(
        (folder / "scheduler" / "scheduler_config.json").read_text()
    )
