"""From a trained run to a model folder that engines can open."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from limner.errors import OutputError, TrainingError
from limner.files import sha256_of, write_atomic
from limner.models.manifest import MANIFEST, UPSCALER, Manifest, denoiser_graph, read_manifest
from limner.network.autoencoder import PatchAutoencoder
from limner.network.denoiser import Denoiser
from limner.network.image_tower import ImageTower
from limner.network.inpainting import InpaintingDenoiser
from limner.network.text_encoder import TextEncoder
from limner.network.upscaler import Upscaler
from limner.network.weights import rounded, widened
from limner.text.lexicon import Lexicon
from limner.text.tokenizer import Tokenizer
from limner.text.vocabulary import VOCABULARY
from limner.training.graph import Graph, write_network
from limner.training.vocabulary import build_vocabulary

__all__ = ["ModelParts", "add_scores", "add_upscaler", "export_model"]

_NOTICE = """The weights in this folder are part of limner and under the Apache License 2.0.

The text encoder is derived from sentence-transformers/all-MiniLM-L6-v2 (Apache License 2.0): its last layers were
fine-tuned, a projection to 1024 dimensions was added, and its matrices were rounded to 8 bits. tokenizer.json is that
model's. All other networks were trained on scenes composed from Fluent Emoji (MIT License, Copyright (c) Microsoft
Corporation). The notices in full: THIRD_PARTY_NOTICES.md of limner.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelParts:
    """What a model is made of.

    Attributes:
        name: the model's name.
        text_encoder, image_tower, autoencoder, denoiser: the trained networks.
        upscaler: the trained network that enlarges its pictures; None leaves them to be resampled.
        tokenizer: path of tokenizer.json.
        shapes: (h, w) that it learned as well as the denoiser's own grid.
        window: how many tokens the text encoder reads.
        lexicon: what its captions were made of; without it, it takes every prompt as it is.
        steps, guidance, timestep_shift: how it draws unless told otherwise.
        scores, training_trace, recipe: for the manifest.
    """

    name: str
    text_encoder: TextEncoder
    image_tower: ImageTower
    autoencoder: PatchAutoencoder
    denoiser: Denoiser
    tokenizer: Path
    upscaler: Upscaler | None = None
    shapes: tuple[tuple[int, int], ...] = ()
    window: int = 48
    lexicon: Lexicon | None = None
    steps: int = 16
    guidance: float = 3.0
    timestep_shift: float = 3.0
    scores: Mapping[str, Any] = field(default_factory=dict)
    training_trace: Sequence[Mapping[str, Any]] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)


def export_model(folder: Path, parts: ModelParts) -> None:
    """Write a model folder, whole or not at all. The networks of `parts` are left rounded, as they are stored.

    Raises:
        OutputError: `folder` exists already, or cannot be written.
        TrainingError: a weight, a score or a number of the trace is NaN or infinite, or there is no tokenizer.
    """
    if folder.exists():
        raise OutputError(f"{folder} exists already: name another folder, or remove it first")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    except OSError as error:
        raise OutputError(f"{folder} cannot be written ({error.strerror}): choose another place") from error
    try:
        _write(scratch, parts)
        scratch.chmod(0o755)
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write(folder: Path, parts: ModelParts) -> None:
    write_atomic(folder / "tokenizer.json", _tokenizer(parts.tokenizer))
    write_atomic(folder / "NOTICE", _NOTICE.encode())
    names = ["tokenizer.json", "NOTICE"]
    for name, (module, int8) in _networks(parts).items():
        names += _write_network(folder, name, module, _graphs(name, parts), int8=int8)
    if parts.upscaler is not None:
        names += _write_network(folder, UPSCALER, parts.upscaler, [_upscaler_graph(parts.upscaler)])
    if parts.lexicon is not None:
        tokenizer = Tokenizer(folder / "tokenizer.json", parts.window)
        vocabulary = build_vocabulary(parts.text_encoder, tokenizer, parts.lexicon)
        write_atomic(folder / VOCABULARY, vocabulary.to_bytes())
        names.append(VOCABULARY)
    _write_manifest(folder, _manifest(parts, {name: sha256_of(folder / name) for name in names}))


def add_upscaler(folder: Path, upscaler: Upscaler) -> None:
    """Give a model folder an upscaler, or another one; nothing else in it changes but the manifest.

    The manifest is written last: until then the folder is the model that it was, or, where there was an upscaler
    before, one that is refused as damaged. The network is left rounded, as it is stored.

    Raises:
        ModelError: the folder has no manifest, or a wrong one.
        TrainingError: a weight is NaN or infinite.
    """
    manifest = read_manifest(folder)
    names = _write_network(folder, UPSCALER, upscaler, [_upscaler_graph(upscaler)])
    hashes = {name: sha256_of(folder / name) for name in names}
    shapes = {UPSCALER: asdict(upscaler.config)}
    _write_manifest(
        folder,
        replace(manifest, networks={**manifest.networks, **shapes}, files={**manifest.files, **hashes}),
    )


def add_scores(folder: Path, scores: Mapping[str, Any]) -> None:
    """Write what was measured of a model into its manifest, beside what is there.

    Raises:
        ModelError: the folder has no manifest, or a wrong one.
        TrainingError: a score is NaN or infinite.
    """
    manifest = read_manifest(folder)
    _write_manifest(folder, replace(manifest, scores={**manifest.scores, **scores}))


def _write_network(
    folder: Path, name: str, module: nn.Module, graphs: list[Graph], *, int8: tuple[str, ...] = ()
) -> list[str]:
    stored = rounded(module, int8=int8)
    module.load_state_dict(widened(stored))
    return write_network(folder, name, stored, graphs)


def _write_manifest(folder: Path, manifest: Manifest) -> None:
    try:
        write_atomic(folder / MANIFEST, manifest.to_json().encode())
    except ValueError as error:
        raise TrainingError(
            f"scores, trace or recipe cannot be written as JSON ({error}): mend them"
        ) from error


def _tokenizer(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TrainingError(f"{path} cannot be read ({error.strerror}): name the tokenizer.json") from error


def _networks(parts: ModelParts) -> dict[str, tuple[nn.Module, tuple[str, ...]]]:
    """Each network, and how the names of those of its matrices begin that are rounded to 8 bits."""
    return {
        "text_encoder": (parts.text_encoder, ("",)),
        "image_tower": (parts.image_tower, ()),
        "autoencoder": (parts.autoencoder, ()),
        "denoiser": (parts.denoiser, ("memory.looks", "memory.tints.changes")),
    }


def _manifest(parts: ModelParts, files: Mapping[str, str]) -> Manifest:
    shape, patch = parts.denoiser.config, parts.autoencoder.config.patch
    return Manifest(
        name=parts.name,
        window=parts.window,
        latent_shape=(shape.channels, shape.grid, shape.grid),
        picture_size=(shape.grid * patch, shape.grid * patch),
        shapes=parts.shapes,
        steps=parts.steps,
        guidance=parts.guidance,
        timestep_shift=parts.timestep_shift,
        networks={
            "text_encoder": asdict(parts.text_encoder.config),
            "image_tower": asdict(parts.image_tower.config),
            "autoencoder": asdict(parts.autoencoder.config),
            "denoiser": asdict(parts.denoiser.config),
            **({UPSCALER: asdict(parts.upscaler.config)} if parts.upscaler else {}),
        },
        files=files,
        scores=parts.scores,
        training_trace=parts.training_trace,
        recipe=parts.recipe,
    )


class _Encode(nn.Module):
    """The autoencoder's other direction, as a module."""

    def __init__(self, autoencoder: PatchAutoencoder) -> None:
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        return self.autoencoder.encode(pixels_BCHW)


def _graphs(name: str, parts: ModelParts) -> list[Graph]:
    shape, window = parts.denoiser.config, parts.window
    side = shape.grid * parts.autoencoder.config.patch
    x = torch.randn(2, shape.channels, shape.grid, shape.grid)
    mask = torch.ones(2, window, dtype=torch.bool)
    condition = {
        "states": torch.randn(2, window, shape.text_width),
        "mask": mask,
        "vector": torch.randn(2, shape.vector),
    }
    graphs = {
        "text_encoder": [
            Graph(
                name="text_encoder",
                module=parts.text_encoder,
                inputs={"ids": torch.ones(2, window, dtype=torch.int64), "mask": mask},
                outputs=("states", "vector"),
            )
        ],
        "denoiser": [
            _denoiser_graph(parts, grid, condition) for grid in [(shape.grid, shape.grid), *parts.shapes]
        ],
        "autoencoder": [
            Graph(
                name="decoder",
                module=parts.autoencoder,
                inputs={"x": x},
                outputs=("pixels",),
                free=(0, 2, 3),
            ),
            Graph(
                name="image_encoder",
                module=_Encode(parts.autoencoder),
                inputs={"pixels": torch.randn(2, 3, side, side)},
                outputs=("x",),
                free=(0, 2, 3),
            ),
        ],
        "image_tower": [
            Graph(name="image_tower", module=parts.image_tower, inputs={"x": x}, outputs=("vector",))
        ],
    }
    return graphs[name]


def _denoiser_graph(parts: ModelParts, grid: tuple[int, int], condition: Mapping[str, Tensor]) -> Graph:
    """Where its tokens stand is fixed in the graph: there is one for each shape."""
    denoiser, x = parts.denoiser, torch.randn(2, parts.denoiser.config.channels, *grid)
    inputs, module = {"x": x, "t": torch.rand(2), **condition}, cast("nn.Module", denoiser)
    if denoiser.config.inpaints:
        module = InpaintingDenoiser(denoiser)
        inputs |= {"known": torch.randn_like(x), "known_mask": torch.ones_like(x[:, :1])}
    return Graph(
        name=denoiser_graph(grid, parts.shapes),
        module=module,
        inputs=inputs,
        outputs=("x0", "attention"),
    )


def _upscaler_graph(upscaler: Upscaler) -> Graph:
    """Pictures come in all sizes, and in parts."""
    pixels = torch.randn(2, 3, 16, 24)
    return Graph(
        name=UPSCALER, module=upscaler, inputs={"pixels": pixels}, outputs=("larger",), free=(0, 2, 3)
    )
