"""A whole model in small: real networks of a few thousand weights, random but for a seed, and a real folder."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from limner.network.autoencoder import AutoencoderConfig, PatchAutoencoder
from limner.network.denoiser import Denoiser, DenoiserConfig
from limner.network.image_tower import ImageTower, ImageTowerConfig
from limner.network.text_encoder import TextEncoder, TextEncoderConfig
from limner.network.upscaler import Upscaler, UpscalerConfig
from limner.training.export import ModelParts, export_model

__all__ = ["tiny_model", "tiny_parts", "tiny_tokenizer", "tiny_upscaler"]

_WORDS = [
    "a",
    "the",
    "cute",
    "puppy",
    "dog",
    "ball",
    "red",
    "blue",
    "boat",
    "cat",
    "three",
    "cats",
    "under",
    "tree",
    "at",
    "night",
    "park",
    "in",
    "with",
    "playing",
]
_SIGNS = [chr(code) for code in range(33, 127)]


def tiny_tokenizer(path: Path) -> Path:
    """A WordPiece tokenizer that knows a few words and every ASCII letter, in a file."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *_WORDS, *_SIGNS, *(f"##{sign}" for sign in _SIGNS)]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106 (not a password)
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=special
    )
    tokenizer.save(str(path))
    return path


def tiny_parts(tokenizer: Path, shapes: tuple[tuple[int, int], ...] = ()) -> ModelParts:
    """Random networks that fit together: 48 tokens of 32, 8 x 8 latents of 12 channels, 256 pixels.

    With other shapes it is a model that draws those as well, inpaints, and has a memory.
    """
    torch.manual_seed(0)
    denoiser = Denoiser(
        DenoiserConfig(
            channels=12,
            reach=max(map(max, shapes), default=8),
            width=32,
            layers=2,
            heads=2,
            text_width=32,
            text_layers=1,
            inpaints=bool(shapes),
            things=3 * bool(shapes),
            parts=4 * bool(shapes),
            painted=2 * bool(shapes),
            paints=3 * bool(shapes),
        )
    )
    if shapes:
        denoiser.deviation.copy_(torch.linspace(0.5, 2, 12))
    if denoiser.memory is not None:
        tints = denoiser.memory.tints
        assert tints is not None
        tints.begin(torch.tensor([0, 2, 0, 1]), torch.randn(3, 4), torch.randn(3 * 4 * 4, 12))
        for weight in (
            denoiser.memory.looks,
            denoiser.memory.thing.weight,
            denoiser.memory.part.weight,
            tints.paint.weight,
        ):
            torch.nn.init.normal_(weight)
    for layer in (denoiser.head, denoiser.modulate, denoiser.know):
        if layer is not None:
            torch.nn.init.normal_(layer.weight, std=0.2)
    return ModelParts(
        name="tiny",
        text_encoder=TextEncoder(
            TextEncoderConfig(vocabulary=256, positions=64, width=32, layers=2, heads=2, hidden=128)
        ),
        image_tower=ImageTower(ImageTowerConfig(channels=12, width=32, layers=1, heads=2)),
        autoencoder=_autoencoder(),
        denoiser=denoiser,
        tokenizer=tokenizer,
        upscaler=tiny_upscaler(),
        shapes=shapes,
        steps=4,
        training_trace=[{"epoch": 0, "loss": 2.3, "accuracy": 0.1, "observation": "noise"}],
    )


def tiny_upscaler() -> Upscaler:
    """One that changes the plain enlargement by a few levels."""
    upscaler = Upscaler(UpscalerConfig(width=8, outer=1, inner=1))
    torch.nn.init.normal_(upscaler.leave.weight, std=0.05)
    return upscaler


def _autoencoder() -> PatchAutoencoder:
    """Each colour of a patch as a level and two slopes: smooth pictures come back; `fit` takes a minute."""
    autoencoder = PatchAutoencoder(AutoencoderConfig(channels=12, width=8, outer=1, inner=1))
    ramp = torch.linspace(-1, 1, 32)
    smooth = torch.stack([torch.ones(32, 32), ramp[:, None].expand(32, 32), ramp.expand(32, 32)])
    rows = torch.nn.functional.normalize(smooth.flatten(1), dim=1)
    autoencoder.basis[:9] = torch.block_diag(rows, rows, rows)
    autoencoder.scale.copy_(torch.rand(12) + 3)
    return autoencoder


def tiny_model(folder: Path, shapes: tuple[tuple[int, int], ...] = ()) -> Path:
    """Export the tiny model to `folder`/tiny."""
    folder.mkdir(parents=True, exist_ok=True)
    export_model(folder / "tiny", tiny_parts(tiny_tokenizer(folder / "tokenizer.json"), shapes))
    return folder / "tiny"
