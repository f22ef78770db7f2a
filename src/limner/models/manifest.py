"""What a model's manifest says: shapes, defaults, scores, how it was trained, and the hash of every file.

A model is a folder: `manifest.json`, one safetensors file for each network, OpenVINO graphs that point into those,
`tokenizer.json` and a notice. There is no pickle in it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from limner.errors import LimnerError, ModelError
from limner.files import sha256_of

__all__ = ["FORMAT", "MANIFEST", "UPSCALER", "Manifest", "denoiser_graph", "read_manifest", "verify"]

FORMAT = 1
MANIFEST = "manifest.json"
UPSCALER = "upscaler"
"""The network, and its graph, that a model may be without."""
_NETWORKS = ("text_encoder", "denoiser", "autoencoder", "image_tower")
_GRAPHS = ("text_encoder", "denoiser", "decoder", "image_encoder", "image_tower")
_REQUIRED = {
    "tokenizer.json",
    *(f"{network}.safetensors" for network in _NETWORKS),
    *(f"{graph}.xml" for graph in _GRAPHS),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """A model's own account of itself.

    Attributes:
        format: version of this layout.
        name: the model's name.
        licence: under which it may be used.
        window: tokens that the text encoder reads; what is beyond them is reported.
        latent_shape: (C, h, w).
        picture_size: (width, height).
        shapes: (h, w) that it draws as well, wide or high.
        steps, guidance, timestep_shift: how it draws unless told otherwise.
        networks: the shapes of each network, as its config's fields; an upscaler may be missing.
        files: the SHA-256 of each file.
        scores: what was measured of it.
        training_trace: loss, accuracy and an observation for each epoch.
        recipe: what it was trained by.
    """

    name: str
    window: int
    latent_shape: tuple[int, int, int]
    picture_size: tuple[int, int]
    steps: int
    guidance: float
    timestep_shift: float
    networks: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, str]
    shapes: tuple[tuple[int, int], ...] = ()
    licence: str = "Apache-2.0"
    scores: Mapping[str, Any] = field(default_factory=dict)
    training_trace: Sequence[Mapping[str, Any]] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def to_json(self) -> str:
        """As the manifest file holds it.

        Raises:
            ValueError: a number is NaN or infinite, which JSON cannot hold.
        """
        return json.dumps(asdict(self), indent=1, allow_nan=False)


def denoiser_graph(grid: tuple[int, int], shapes: Iterable[tuple[int, int]]) -> str:
    """The name of the denoiser's graph for pictures of (h, w): each of a model's `shapes` has its own."""
    return f"denoiser-{grid[0]}x{grid[1]}" if grid in shapes else "denoiser"


def read_manifest(folder: Path) -> Manifest:
    """Read a model's manifest.

    Raises:
        ModelError: it is missing, not JSON, of another format, lacks a field, or says what cannot be.
    """
    path = folder / MANIFEST
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read ({error}): copy or export the model again") from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise ModelError(f"{path} is not of format {FORMAT}: export the model with this version of limner")
    known = {item.name for item in fields(Manifest)}
    if unknown := facts.keys() - known:
        raise ModelError(f"{path} has unknown fields: {', '.join(sorted(unknown))}; export the model again")
    for name in ("latent_shape", "picture_size"):
        if isinstance(facts.get(name), list):
            facts[name] = tuple(facts[name])
    if isinstance(facts.get("shapes"), list):
        facts["shapes"] = tuple(tuple(grid) if isinstance(grid, list) else grid for grid in facts["shapes"])
    try:
        manifest = Manifest(**facts)
    except TypeError as error:
        raise ModelError(f"{path} is incomplete ({error}): export the model again") from error
    if wrong := _wrong_fields(manifest):
        raise ModelError(f"{path} has a wrong {', '.join(wrong)}: copy or export the model again")
    return manifest


def _wrong_fields(manifest: Manifest) -> list[str]:
    """Names of the fields that cannot be what they say; after this, nobody need doubt their types."""
    shapes = manifest.shapes if _are_grids(manifest.shapes) else ()
    right = {
        "name": isinstance(manifest.name, str),
        "window": _is_count(manifest.window),
        "latent_shape": _are_counts(manifest.latent_shape, 3),
        "picture_size": _are_counts(manifest.picture_size, 2),
        "shapes": shapes == manifest.shapes,
        "steps": _is_count(manifest.steps),
        "guidance": _is_number(manifest.guidance, 1.0),
        "timestep_shift": _is_number(manifest.timestep_shift, 0.0),
        "networks": isinstance(manifest.networks, dict)
        and all(isinstance(manifest.networks.get(name), dict) for name in _NETWORKS)
        and isinstance(manifest.networks.get(UPSCALER, {}), dict),
        "files": isinstance(manifest.files, dict) and manifest.files.keys() >= _required(manifest, shapes),
    }
    return [name for name, is_right in right.items() if not is_right]


def _required(manifest: Manifest, shapes: tuple[tuple[int, int], ...]) -> set[str]:
    shaped = {f"{denoiser_graph(grid, shapes)}.xml" for grid in shapes}
    if UPSCALER not in manifest.networks:
        return _REQUIRED | shaped
    return _REQUIRED | shaped | {f"{UPSCALER}.safetensors", f"{UPSCALER}.xml"}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _are_counts(values: object, length: int) -> bool:
    return isinstance(values, tuple) and len(values) == length and all(map(_is_count, values))


def _are_grids(values: object) -> bool:
    return isinstance(values, tuple) and all(_are_counts(grid, 2) for grid in values)


def _is_number(value: object, least: float) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= least


def verify(folder: Path, manifest: Manifest) -> None:
    """Check that every file of the model is there and is the one that the manifest means.

    All bytes are hashed each time: the 47 MB of our model take 0.06 s on a processor with SHA instructions,
    some 0.2 s on one without. Remembering what was found intact would save less than it could miss.

    Raises:
        ModelError: a file is missing or differs; the message names it.
    """
    for name, expected in manifest.files.items():
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise ModelError(f"{path} is missing: copy or export the model again")
        try:
            actual = sha256_of(path)
        except LimnerError as error:
            raise ModelError(str(error)) from error
        if actual != expected:
            raise ModelError(
                f"{path} is damaged (its SHA-256 is not the manifest's): copy or export the model again"
            )
