"""Checkpoints of other people on a processor: OpenVINO computes their networks, limner and diffusers do the rest.

The first time a checkpoint is opened its networks are converted and compared with torch's. What comes of it is kept on
disk, and from then on no weight of the checkpoint is read. Where there is a GPU, or a network cannot be converted,
torch computes: see `engines.diffusers`.

Axes in names: B batch, C channels, h and w the latent grid.
"""

from __future__ import annotations

import warnings
import weakref
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import openvino as ov
import torch

from limner.diffusion.noise import noise
from limner.engines import diffusers
from limner.engines.base import Engine, EngineOptions
from limner.engines.compiled import properties
from limner.engines.devices import torch_device
from limner.engines.diffusers import DiffusersEngine
from limner.engines.families import FAMILIES, Family
from limner.engines.families.hollow import hollow, open_hollow
from limner.engines.families.lora import parse_lora
from limner.engines.families.opening import fetched, open_pipeline, pipeline_class
from limner.engines.families.single_file import WEIGHTS, check_file, description
from limner.engines.graphs.convert import convert, round_weights
from limner.engines.graphs.engine import ConvertedEngine
from limner.engines.graphs.identity import Hashes, identity
from limner.engines.graphs.store import Store
from limner.errors import EngineUnavailableError, EngineWarning
from limner.models.weights import weight_files
from limner.types import Floats

__all__ = ["load"]

_FORM = 1
"""Raised when what is written to the cache changes."""

_CLOSE = 0.02
"""How far a graph's numbers may be from torch's, of their length: those of 16 bits in float32 arithmetic are 0.001."""


def load(folder: Path | None, options: EngineOptions) -> Engine:
    """Open a checkpoint: a folder that diffusers saved, a file, or a name on a hub.

    Warns:
        EngineWarning: OpenVINO cannot compute this model, and torch does.

    Raises:
        ModelError: it is not there, not a model, damaged, a pickle, or no model that draws from a prompt.
        EngineUnavailableError: this machine cannot compute in the precision that was asked for.
        OutputError: the cache cannot be written.
    """
    if folder is None or torch_device() != "cpu":
        return diffusers.load(folder, options)
    core = ov.Core()
    hints = properties(core, options)
    files = _files(folder, options)
    kind = FAMILIES.get(pipeline_class(files))
    if kind is None:
        return diffusers.load(folder, options)
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        return _Checkpoint(
            model=folder, files=files, kind=kind, options=options, core=core, hints=hints
        ).open()
    except EngineUnavailableError as error:
        warnings.warn(f"{error}. torch computes it", EngineWarning, stacklevel=2)
        return diffusers.load(folder, options)


def _files(model: Path, options: EngineOptions) -> Path:
    """Where the networks' configs and the tokenizers are."""
    if model.is_file() or model.suffix in WEIGHTS:
        check_file(model, options)
        return description(model)
    return fetched(model, options)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Checkpoint:
    """A checkpoint that is about to be opened."""

    model: Path
    files: Path
    kind: type[Family]
    options: EngineOptions
    core: ov.Core
    hints: dict[str, Any]

    def open(self) -> Engine:
        """From the cache, or converted."""
        if self.options.cache_dir is None:
            return self._without_cache()
        hashes = Hashes(self.options.cache_dir / "hashes.json")
        store, name = Store(self.options.cache_dir / "checkpoints", hashes), self._name(hashes)
        found = store.find(name) or store.keep(name, self._convert)
        return self._engine(self.kind(open_hollow(self.files)), found, self.hints)

    def _without_cache(self) -> Engine:
        """Converted anew; the graphs are gone with the process."""
        place = TemporaryDirectory(prefix="limner-")
        self._convert(Path(place.name))
        engine = self._engine(self.kind(open_hollow(self.files)), Path(place.name), self.hints)
        weakref.finalize(engine, place.cleanup)
        return engine

    def _name(self, hashes: Hashes) -> str:
        """Everything on which the graphs depend."""
        loras = [parse_lora(text) for text in self.options.loras]
        weights = weight_files(self.model if self.model.is_file() else self.files, self.options.variant)
        told = {
            "form": _FORM,
            "half": self._half,
            "int8": self.options.int8_weights,
            "loras": [lora.weight for lora in loras],
            "packages": {name: version(name) for name in ("diffusers", "openvino", "torch", "transformers")},
        }
        configs = sorted(self.files.glob("**/*.json"))
        # One that is not there is told of when it is opened.
        added = [lora.path for lora in loras if lora.path.is_file()]
        return identity([*configs, *weights, *added], told, hashes)

    @property
    def _half(self) -> bool:
        return bool(self.hints["INFERENCE_PRECISION_HINT"] == "bf16")

    def _engine(self, family: Family, graphs: Path, hints: dict[str, Any]) -> ConvertedEngine:
        name = self.model.stem if self.model.is_file() else self.model.name
        open_torch = partial(diffusers.load, self.model, self.options)
        return ConvertedEngine(name, family, graphs, self.core, hints, open_torch)

    def _convert(self, graphs: Path) -> None:
        """Write the graphs, and compare what they compute with what torch does.

        Raises:
            EngineUnavailableError: they cannot be made, or compute something else.
        """
        family = self.kind(open_pipeline(self.model, self.options, torch.float32, "cpu"))
        expected = _look(DiffusersEngine(self.model.name, family))
        convert(family, graphs, half=self._half)
        hollow(family.pipe)
        exact = {name: hint for name, hint in self.hints.items() if name != "CACHE_DIR"}
        found = _look(self._engine(family, graphs, exact | {"INFERENCE_PRECISION_HINT": "f32"}))
        for what, theirs in expected.items():
            away = float(np.linalg.norm(found[what] - theirs) / np.linalg.norm(theirs))
            # Written so that NaN is far.
            if not away <= _CLOSE:
                raise EngineUnavailableError(
                    f"OpenVINO's {what} of {self.model} are not torch's (by {away:.1%}): choose --engine diffusers"
                )
        if self.options.int8_weights:
            round_weights(graphs, half=self._half)


def _look(engine: Engine) -> dict[str, Floats]:
    """What a model makes of two prompts of unequal length, at two times, and of a picture."""
    features = engine.encode(["a red boat", "three cats under a tree, at night"])
    shape = engine.capabilities.latent_shape
    x_BChw = np.stack([noise(seed, shape) for seed in range(2)])
    estimates = engine.denoise(x_BChw, np.array([0.7, 0.3], np.float32), features, np.ones(2, np.float32))
    pixels_BHWC = engine.decode(x_BChw[:1])
    return {
        "token states": np.concatenate([feature.states_TD for feature in features]),
        "estimates": estimates,
        "pictures": pixels_BHWC.astype(np.float32),
        "latents": engine.encode_image(pixels_BHWC),
    }
