"""Pipelines without weights: their networks tell what they are, and something else computes."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import diffusers
import torch
from accelerate import init_empty_weights
from torch import nn

from limner.engines.families.checking import UNUSED, explained
from limner.engines.families.opening import pipeline_class
from limner.models.folder import MODEL_INDEX

__all__ = ["hollow", "open_hollow"]

_LIBRARIES = ("diffusers", "transformers")


def open_hollow(folder: Path) -> Any:
    """A pipeline with its tokenizers, its scheduler and the configs of its networks: no weight is read.

    Args:
        folder: in diffusers' layout; weights may be missing.

    Raises:
        ModelError: it is no such folder.
    """
    family = pipeline_class(folder)
    unused = dict.fromkeys(UNUSED) | {"requires_safety_checker": False}
    with explained(folder):
        pipe = getattr(diffusers, family).from_pretrained(
            folder,
            local_files_only=True,
            **_networks(folder),
            **(unused if family == "StableDiffusionPipeline" else {}),
        )
    return hollow(pipe)


def hollow(pipe: Any) -> Any:
    """Take all weights out of a pipeline, which keeps the rest: configs, dtypes, and that it is on the processor."""
    for part in pipe.components.values():
        if isinstance(part, nn.Module):
            for module in part.modules():
                for name, weight in module.named_parameters(recurse=False):
                    empty = torch.empty(0, dtype=weight.dtype)
                    module.register_parameter(name, nn.Parameter(empty, requires_grad=False))
    return pipe


def _networks(folder: Path) -> dict[str, nn.Module]:
    """The networks that the folder's index names, with weights that take no memory."""
    index = json.loads((folder / MODEL_INDEX).read_text(encoding="utf-8"))
    named = {name: entry for name, entry in index.items() if isinstance(entry, list) and name not in UNUSED}
    return {
        name: _network(kind, folder / name)
        for name, (library, told) in named.items()
        if library in _LIBRARIES and issubclass(kind := getattr(import_module(library), told), nn.Module)
    }


def _network(kind: Any, folder: Path) -> nn.Module:
    with init_empty_weights():
        if hasattr(kind, "load_config"):
            network: nn.Module = kind.from_config(kind.load_config(folder))
        else:
            network = kind(kind.config_class.from_pretrained(folder))
    return network.eval()
