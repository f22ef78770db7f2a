"""The default engine: OpenVINO on the processor, without torch.

Axes in names: B batch, T tokens, C channels, H and W pixels, h and w the latent grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from limner.engines.base import Engine, EngineOptions
from limner.engines.networked import Condition, NetworkEngine
from limner.errors import EngineError, EngineUnavailableError, ModelError
from limner.models.manifest import Manifest, read_manifest, verify
from limner.types import Floats

__all__ = ["OpenVinoEngine", "load"]


def load(folder: Path | None, options: EngineOptions) -> Engine:
    """Open a model folder.

    Raises:
        ModelError: there is none, or a file in it is missing or damaged.
    """
    if folder is None:
        raise ModelError("The engine openvino needs a model: name one, or the folder of one")
    manifest = read_manifest(folder)
    verify(folder, manifest)
    return OpenVinoEngine(folder, manifest, options)


class OpenVinoEngine(NetworkEngine):
    """Each network is compiled when it is first used.

    Every picture is computed by itself, in a batch of one, so that nothing beside it can change it. On the
    processors tried (AVX2) larger batches gave the same bits too, but kernels may choose how to add up by the
    batch's size. It costs nothing for two pictures, and 1.4 times a real batch's time for four.
    """

    def __init__(self, folder: Path, manifest: Manifest, options: EngineOptions) -> None:
        super().__init__(folder, manifest, batch_invariant=True)
        self._folder = folder
        self._core = ov.Core()
        self._properties = _properties(self._core, options)

    @cached_property
    def _text_encoder(self) -> ov.CompiledModel:
        return self._compile("text_encoder", "text_encoder")

    @cached_property
    def _denoiser(self) -> ov.CompiledModel:
        return self._compile("denoiser", "denoiser")

    @cached_property
    def _decoder(self) -> ov.CompiledModel:
        return self._compile("decoder", "autoencoder")

    @cached_property
    def _image_encoder(self) -> ov.CompiledModel:
        return self._compile("image_encoder", "autoencoder")

    @cached_property
    def _image_tower(self) -> ov.CompiledModel:
        return self._compile("image_tower", "image_tower")

    def _compile(self, graph: str, weights: str) -> ov.CompiledModel:
        try:
            model = self._core.read_model(
                self._folder / f"{graph}.xml", self._folder / f"{weights}.safetensors"
            )
            model.reshape({port: [1, *list(port.get_partial_shape())[1:]] for port in model.inputs})
            return self._core.compile_model(model, "CPU", self._properties)
        except RuntimeError as error:
            raise EngineError(f"OpenVINO cannot compile {graph}.xml: {_first_line(error)}") from error

    def run_text_encoder(
        self, ids_BT: NDArray[np.int64], mask_BT: NDArray[np.bool_]
    ) -> tuple[Floats, Floats]:
        """See `NetworkEngine`."""
        states_BTD, vectors_BV = _run(self._text_encoder, {"ids": ids_BT, "mask": mask_BT})
        return states_BTD, vectors_BV

    def run_denoiser(self, x_BChw: Floats, t_B: Floats, condition: Condition) -> tuple[Floats, Floats]:
        """See `NetworkEngine`."""
        states_BTD, mask_BT, vector_BV = condition
        inputs = {"x": x_BChw, "t": t_B, "states": states_BTD, "mask": mask_BT, "vector": vector_BV}
        x0_BChw, attention_BThw = _run(self._denoiser, inputs)
        return x0_BChw, attention_BThw

    def run_decoder(self, x_BChw: Floats) -> Floats:
        """See `NetworkEngine`."""
        return _run(self._decoder, {"x": x_BChw})[0]

    def run_image_encoder(self, pixels_BCHW: Floats) -> Floats:
        """See `NetworkEngine`."""
        return _run(self._image_encoder, {"pixels": pixels_BCHW})[0]

    def run_image_tower(self, x_BChw: Floats) -> Floats:
        """See `NetworkEngine`."""
        return _run(self._image_tower, {"x": x_BChw})[0]


def _run(network: ov.CompiledModel, inputs: Mapping[str, NDArray[Any]]) -> list[Floats]:
    """Run one row of the batch after the other; the outputs in their order, float32."""
    rows: list[list[Floats]] = []
    try:
        for at in range(len(next(iter(inputs.values())))):
            result = network({name: value[at : at + 1] for name, value in inputs.items()})
            rows.append([np.array(result[port], dtype=np.float32) for port in network.outputs])
    except RuntimeError as error:
        raise EngineError(f"OpenVINO failed: {_first_line(error)}") from error
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def _properties(core: ov.Core, options: EngineOptions) -> dict[str, Any]:
    """How to compile: for latency, in the precision that the processor is good at."""
    abilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if options.precision == "bf16" and "BF16" not in abilities:
        raise EngineUnavailableError("This processor has no bf16 units: choose precision auto or f32")
    fast = "BF16" in abilities and options.precision != "f32"
    properties: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if fast else "f32",
        "INFERENCE_NUM_THREADS": options.threads,
    }
    if options.cache_dir is not None:
        properties["CACHE_DIR"] = str(options.cache_dir / "openvino")
    return properties


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
