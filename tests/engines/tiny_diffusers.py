"""Tiny pipelines of diffusers with random weights, one for each family; nothing is downloaded."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from torch import nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

__all__ = ["flux", "stable_diffusion", "stable_diffusion_3", "stable_diffusion_xl"]

_WIDTH = 16
_START, _END = "<|startoftext|>", "<|endoftext|>"


def stable_diffusion(prediction: str = "epsilon", spacing: str = "leading") -> Any:
    """Stable Diffusion: 1 where the UNet predicts noise, 2 where it predicts velocity."""
    torch.manual_seed(0)
    pipe = StableDiffusionPipeline(
        vae=_seeded(_autoencoder(4)),
        text_encoder=_seeded(CLIPTextModel(_clip_config())),
        tokenizer=_clip_tokenizer(),
        unet=_seeded(_unet(_WIDTH)),
        scheduler=_ddim(prediction, spacing),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def stable_diffusion_xl() -> Any:
    """SDXL: two CLIPs, and the size of the picture as an input."""
    torch.manual_seed(0)
    unet = _unet(
        2 * _WIDTH,
        addition_embed_type="text_time",
        addition_time_embed_dim=4,
        projection_class_embeddings_input_dim=6 * 4 + _WIDTH,
    )
    pipe = StableDiffusionXLPipeline(
        vae=_seeded(_autoencoder(4)),
        text_encoder=_seeded(CLIPTextModel(_clip_config())),
        text_encoder_2=_seeded(CLIPTextModelWithProjection(_clip_config())),
        tokenizer=_clip_tokenizer(),
        tokenizer_2=_clip_tokenizer(),
        unet=_seeded(unet),
        scheduler=_ddim("epsilon", "leading"),
        add_watermarker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def stable_diffusion_3() -> Any:
    """SD3 with all of its three text encoders."""
    torch.manual_seed(0)
    transformer = SD3Transformer2DModel(
        sample_size=8,
        patch_size=2,
        in_channels=4,
        num_layers=2,
        attention_head_dim=_WIDTH,
        num_attention_heads=2,
        joint_attention_dim=2 * _WIDTH,
        caption_projection_dim=2 * _WIDTH,
        pooled_projection_dim=2 * _WIDTH,
        out_channels=4,
        pos_embed_max_size=8,
    )
    pipe = StableDiffusion3Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_seeded(_autoencoder(4, shift_factor=0.1)),
        text_encoder=_seeded(CLIPTextModelWithProjection(_clip_config())),
        tokenizer=_clip_tokenizer(),
        text_encoder_2=_seeded(CLIPTextModelWithProjection(_clip_config())),
        tokenizer_2=_clip_tokenizer(),
        text_encoder_3=_seeded(_t5(2 * _WIDTH)),
        tokenizer_3=_t5_tokenizer(),
        transformer=_seeded(transformer),
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def flux(*, guidance_inside: bool = False) -> Any:
    """FLUX: dev where guidance is an input of the network, else schnell."""
    torch.manual_seed(0)
    transformer = FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=_WIDTH,
        num_attention_heads=2,
        joint_attention_dim=_WIDTH,
        pooled_projection_dim=_WIDTH,
        guidance_embeds=guidance_inside,
        axes_dims_rope=(4, 4, 8),
    )
    pipe = FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=guidance_inside),
        vae=_seeded(_autoencoder(4, shift_factor=0.1)),
        text_encoder=_seeded(CLIPTextModel(_clip_config())),
        tokenizer=_clip_tokenizer(),
        text_encoder_2=_seeded(_t5(_WIDTH)),
        tokenizer_2=_t5_tokenizer(),
        transformer=_seeded(transformer),
    )
    # The pipeline's own is 128, whatever its networks are.
    pipe.default_sample_size = 8
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _seeded(module: Any) -> Any:
    """Weights larger than usual at the start: differences between prompts and times must be seen."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=1.5 / parameter[0].numel() ** 0.5, generator=generator)
    return module.eval()


def _ddim(prediction: str, spacing: str) -> Any:
    """Of DDIM's options those under which its last step, too, is an Euler step of the flow."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
        timestep_spacing=spacing,
        prediction_type=prediction,
    )


def _autoencoder(channels: int, **more: Any) -> Any:
    return AutoencoderKL(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=channels,
        layers_per_block=1,
        norm_num_groups=4,
        sample_size=16,
        **more,
    )


def _unet(cross_width: int, **more: Any) -> Any:
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=cross_width,
        **more,
    )


def _clip_config() -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=514,
        hidden_size=_WIDTH,
        projection_dim=_WIDTH,
        intermediate_size=2 * _WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )


def _clip_tokenizer() -> Any:
    """A token for each byte, and one for each byte that ends a word."""
    from tokenizers.pre_tokenizers import ByteLevel

    signs = sorted(ByteLevel.alphabet())
    tokens = [*signs, *(f"{sign}</w>" for sign in signs), _START, _END]
    return CLIPTokenizer(vocab={token: at for at, token in enumerate(tokens)}, merges=[], model_max_length=77)


def _t5(width: int) -> Any:
    return T5EncoderModel(
        T5Config(vocab_size=128, d_model=width, d_kv=8, d_ff=2 * width, num_layers=1, num_heads=2)
    )


def _t5_tokenizer() -> Any:
    """A token for each small letter and for the space before a word."""
    special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -20.0), ("▁", -2.0)]
    letters = [(chr(code), -3.0) for code in range(ord("!"), ord("~") + 1)]
    return T5Tokenizer(vocab=[*special, *letters], extra_ids=0, model_max_length=512)
