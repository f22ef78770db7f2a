"""Tiny pipelines of diffusers with random weights, one for each family; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from diffusers import (
    AutoencoderDC,
    AutoencoderKL,
    AutoencoderKLQwenImage,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    LatentConsistencyModelPipeline,
    LCMScheduler,
    PixArtAlphaPipeline,
    PixArtSigmaPipeline,
    PixArtTransformer2DModel,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
    SanaPipeline,
    SanaTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from torch import nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    Gemma2Config,
    Gemma2Model,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen3Config,
    Qwen3Model,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

__all__ = [
    "flux",
    "latent_consistency",
    "pixart_alpha",
    "pixart_sigma",
    "qwen_image",
    "sana",
    "small_when_opened",
    "stable_diffusion",
    "stable_diffusion_3",
    "stable_diffusion_xl",
    "z_image",
]

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
    _small(pipe)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def latent_consistency() -> Any:
    """A family without an adapter: its steps draw noise of their own."""
    torch.manual_seed(0)
    pipe = LatentConsistencyModelPipeline(
        vae=_seeded(_autoencoder(4)),
        text_encoder=_seeded(CLIPTextModel(_clip_config())),
        tokenizer=_clip_tokenizer(),
        unet=_seeded(_unet(_WIDTH, time_cond_proj_dim=8)),
        scheduler=LCMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def pixart_alpha() -> Any:
    """PixArt alpha."""
    return _pixart(PixArtAlphaPipeline)


def pixart_sigma() -> Any:
    """PixArt sigma."""
    return _pixart(PixArtSigmaPipeline)


def _pixart(kind: Any) -> Any:
    torch.manual_seed(0)
    transformer = PixArtTransformer2DModel(
        sample_size=8,
        num_layers=2,
        patch_size=2,
        attention_head_dim=8,
        num_attention_heads=3,
        caption_channels=_WIDTH,
        in_channels=4,
        cross_attention_dim=24,
        out_channels=8,
    )
    pipe = kind(
        tokenizer=_t5_tokenizer(),
        text_encoder=_seeded(_t5(_WIDTH)),
        vae=_seeded(_autoencoder(4)),
        transformer=_seeded(transformer),
        scheduler=_ddim("epsilon", "leading"),
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def sana(*, solver: bool = False) -> Any:
    """Sana, with Euler's scheduler, or with DPM-Solver at order 1, which is Euler's step on its own times."""
    torch.manual_seed(0)
    transformer = SanaTransformer2DModel(
        patch_size=1,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        num_attention_heads=2,
        attention_head_dim=8,
        num_cross_attention_heads=2,
        cross_attention_head_dim=8,
        cross_attention_dim=_WIDTH,
        caption_channels=_WIDTH,
        sample_size=8,
    )
    vae = AutoencoderDC(
        in_channels=3,
        latent_channels=4,
        attention_head_dim=2,
        encoder_block_types=("ResBlock", "EfficientViTBlock"),
        decoder_block_types=("ResBlock", "EfficientViTBlock"),
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        encoder_qkv_multiscales=((), (5,)),
        decoder_qkv_multiscales=((), (5,)),
        encoder_layers_per_block=(1, 1),
        decoder_layers_per_block=(1, 1),
        upsample_block_type="interpolate",
        downsample_block_type="Conv",
        scaling_factor=0.41407,
    )
    pipe = SanaPipeline(
        tokenizer=_language_tokenizer(),
        text_encoder=_seeded(Gemma2Model(Gemma2Config(head_dim=8, query_pre_attn_scalar=8, **_LANGUAGE))),
        vae=_seeded(vae),
        transformer=_seeded(transformer),
        scheduler=_flow_solver() if solver else FlowMatchEulerDiscreteScheduler(shift=3.0),
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def z_image() -> Any:
    """Z-Image: patches and tokens in one row."""
    torch.manual_seed(0)
    transformer = ZImageTransformer2DModel(
        in_channels=4,
        dim=2 * _WIDTH,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=_WIDTH,
        axes_dims=[8, 4, 4],
        axes_lens=[1024, 32, 32],
    )
    pipe = ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_seeded(_autoencoder(4, shift_factor=0.1)),
        text_encoder=_seeded(Qwen3Model(Qwen3Config(head_dim=8, **_LANGUAGE))),
        tokenizer=_language_tokenizer(),
        transformer=_seeded(transformer),
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def qwen_image() -> Any:
    """Qwen-Image: a video's autoencoder, and a schedule that depends on the picture's size."""
    torch.manual_seed(0)
    transformer = QwenImageTransformer2DModel(
        patch_size=2,
        in_channels=16,
        out_channels=4,
        num_layers=2,
        attention_head_dim=_WIDTH,
        num_attention_heads=3,
        joint_attention_dim=_WIDTH,
        axes_dims_rope=(8, 4, 4),
    )
    vae = AutoencoderKLQwenImage(
        base_dim=8,
        z_dim=4,
        dim_mult=[1, 1],
        num_res_blocks=1,
        temperal_downsample=[False],
        latents_mean=[0.1, -0.2, 0.3, 0.0],
        latents_std=[1.5, 1.0, 2.0, 0.8],
    )
    pipe = QwenImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=_seeded(vae),
        text_encoder=_seeded(Qwen2_5_VLForConditionalGeneration(_seeing_language())),
        tokenizer=_language_tokenizer(),
        transformer=_seeded(transformer),
    )
    _small(pipe)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def small_when_opened(open_it: Callable[..., Any]) -> Callable[..., Any]:
    """Opens pipelines, and makes the pictures of those small whose size no file tells."""

    def opened(*arguments: Any) -> Any:
        return _small(open_it(*arguments))

    return opened


def _small(pipe: Any) -> Any:
    """The pipeline's own size is 128, whatever its networks are."""
    if hasattr(pipe, "default_sample_size") and not hasattr(pipe, "unet"):
        pipe.default_sample_size = 8
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


_TOKENS = 512
_LANGUAGE: dict[str, Any] = {
    "vocab_size": _TOKENS,
    "hidden_size": _WIDTH,
    "intermediate_size": 2 * _WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 0,
}


def _seeing_language() -> Any:
    rope = {"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default", "rope_theta": 1e6}
    return Qwen2_5_VLConfig(
        text_config=_LANGUAGE | {"rope_parameters": rope},
        vision_config={
            "depth": 1,
            "hidden_size": _WIDTH,
            "intermediate_size": _WIDTH,
            "num_heads": 2,
            "out_hidden_size": _WIDTH,
        },
    )


def _language_tokenizer() -> Any:
    """A token for each byte, and a conversation's marks."""
    special = ["<pad>", "<bos>", "<|im_start|>", "<|im_end|>"]
    tokens = [*special, *sorted(ByteLevel.alphabet())]
    tokenizer = Tokenizer(BPE(vocab={token: at for at, token in enumerate(tokens)}, merges=[]))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    tokenizer.post_processor = TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",  # noqa: S106
        bos_token="<bos>",  # noqa: S106
        additional_special_tokens=special[2:],
        chat_template=_CHAT,
    )


_CHAT = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def _flow_solver() -> Any:
    return DPMSolverMultistepScheduler(
        solver_order=1, prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
    )
