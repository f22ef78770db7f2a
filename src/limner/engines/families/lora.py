"""LoRA: small changes to a checkpoint's weights, added to them once, when the model is opened.

Axes in names: O what a layer puts out, I what it takes in, R the rank.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.utils.state_dict_utils import convert_unet_state_dict_to_peft
from safetensors import SafetensorError, safe_open
from torch import Tensor

from limner.engines.families.checking import line
from limner.errors import InvalidRequestError, ModelError
from limner.models.folder import PICKLES

__all__ = ["Lora", "add_lora", "parse_lora"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lora:
    """A file, and how much of it is added."""

    path: Path
    weight: float = 1.0


def parse_lora(text: str) -> Lora:
    """``ink.safetensors=0.8``, or without a weight for 1.

    Raises:
        InvalidRequestError: what stands behind the sign is no number.
    """
    path, _, weight = text.rpartition("=")
    if not path:
        return Lora(path=Path(text).expanduser())
    try:
        return Lora(path=Path(path).expanduser(), weight=float(weight))
    except ValueError as error:
        raise InvalidRequestError(
            f"The weight of {path} cannot be {weight!r}: write FILE=NUMBER, such as {path}=0.8", param="loras"
        ) from error


def add_lora(pipe: Any, lora: Lora) -> None:
    """Add a LoRA to the pipeline's weights; several add up.

    Every weight W of its becomes ``W + weight * alpha / R * B A``.

    Source: Hu et al. 2021, "LoRA: Low-rank adaptation of large language models", section 4.1.

    Raises:
        ModelError: it is not there, a pickle, damaged, or was made for another family.
    """
    downs, ups, alphas = _read(pipe, lora.path)
    changes = [
        (_layer(pipe, lora.path, name), downs[name], ups[name], alphas[name]) for name in sorted(downs)
    ]
    for layer, down_RI, up_OR, _ in changes:
        _check_fits(pipe, lora.path, layer, down_RI, up_OR)
    for layer, down_RI, up_OR, alpha in changes:
        rank = down_RI.shape[0]
        scale = lora.weight * (rank if alpha is None else alpha) / rank
        change_OI = up_OR.flatten(1).float() @ down_RI.flatten(1).float()
        with torch.no_grad():
            layer.weight += (scale * change_OI).view_as(layer.weight).to(layer.weight)


def _read(pipe: Any, path: Path) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, float | None]]:
    """Matrices A and B and alphas by the name of their layer, in whichever of the usual spellings."""
    if path.suffix in PICKLES or not path.is_file():
        raise ModelError(f"{path} is not a LoRA: name a safetensors file that is there")
    if not hasattr(pipe, "lora_state_dict"):
        raise ModelError(f"A {type(pipe).__name__} takes no LoRA: leave {path} out")
    try:
        read = pipe.lora_state_dict(
            path.parent,
            weight_name=path.name,
            local_files_only=True,
            use_safetensors=True,
            return_alphas=True,
        )
        told = _told(path)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"{path} cannot be read as a LoRA for a {type(pipe).__name__} ({line(error)}): download it again, or "
            "leave it out"
        ) from error
    weights, alphas = read if isinstance(read, tuple) else (read, None)
    weights = _spelled_alike(weights)
    downs = {name.removesuffix(_DOWN): each for name, each in weights.items() if name.endswith(_DOWN)}
    ups = {name.removesuffix(_UP): each for name, each in weights.items() if name.endswith(_UP)}
    if not downs or len(weights) != len(downs) + len(ups) or downs.keys() != ups.keys():
        raise ModelError(
            f"{path} is not a LoRA of pairs of matrices, the one kind that is read: leave it out"
        )
    by_layer = {name.removesuffix(".alpha"): float(each) for name, each in (alphas or {}).items()}
    by_part = {name: told.get(f"{name.partition('.')[0]}.lora_alpha") for name in downs}
    return downs, ups, {name: by_layer.get(name, alpha) for name, alpha in by_part.items()}


def _told(path: Path) -> dict[str, Any]:
    """What PEFT wrote beside the matrices: settings by part, such as ``unet.lora_alpha``.

    Raises:
        ValueError: a setting that makes the change another than alpha / R B A.
    """
    with safe_open(path, "pt") as file:
        told: dict[str, Any] = json.loads((file.metadata() or {}).get("lora_adapter_metadata", "{}"))
    if any(name.endswith(_UNREAD) and value for name, value in told.items()):
        raise ValueError("it has settings that are not read")
    return told


_UNREAD = (".alpha_pattern", ".use_rslora", ".use_dora")


_DOWN, _UP = ".lora_A.weight", ".lora_B.weight"


def _spelled_alike(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    older = {
        name.replace(".lora_linear_layer.down", ".lora_A").replace(".lora_linear_layer.up", ".lora_B"): each
        for name, each in weights.items()
    }
    alike: dict[str, Tensor] = convert_unet_state_dict_to_peft(older)
    return alike


def _layer(pipe: Any, path: Path, name: str) -> Any:
    """The layer of the pipeline that a LoRA calls so."""
    part, _, inside = name.partition(".")
    # transformers has dropped this level of its text encoders; LoRAs still name it.
    for spelling in (inside, inside.removeprefix("text_model.")):
        try:
            layer = getattr(pipe, part).get_submodule(spelling)
        except AttributeError:
            continue
        if hasattr(layer, "weight"):
            return layer
    raise ModelError(_other(pipe, path, name))


def _check_fits(pipe: Any, path: Path, layer: Any, down_RI: Tensor, up_OR: Tensor) -> None:
    out, into = layer.weight.flatten(1).shape
    if up_OR.flatten(1).shape != (out, len(down_RI)) or down_RI.flatten(1).shape[1] != into:
        raise ModelError(_other(pipe, path, f"layer of {into} by {out}"))


def _other(pipe: Any, path: Path, what: str) -> str:
    return (
        f"{path} is a LoRA for another model: this {type(pipe).__name__} has no such {what}; choose one that "
        "was made for it, or leave it out"
    )
