"""Networks that OpenVINO has compiled for the processor: how, and how batches go through them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from limner.engines.base import EngineOptions
from limner.errors import EngineError, EngineUnavailableError
from limner.types import Floats

__all__ = ["Network", "first_line", "properties", "rows_of"]


class Network:
    """A compiled network for so many rows, and the requests that it computes at a time.

    So many rows of a batch are computed by themselves, so that nothing beside them can change them.
    """

    def __init__(self, compiled: ov.CompiledModel, rows: int = 1) -> None:
        self.rows = rows
        self._inputs = {port.get_any_name(): port for port in compiled.inputs}
        self._outputs = range(len(compiled.outputs))
        self._queue = ov.AsyncInferQueue(compiled)
        self._queue.set_callback(self._keep)

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> list[Floats]:
        """Compute the batch; the outputs in their order, float32.

        Raises:
            EngineError: OpenVINO fails.
        """
        count = len(next(iter(inputs.values())))
        parts: list[list[Floats]] = [[] for _ in range(0, count, self.rows)]
        try:
            for number, part in enumerate(parts):
                at = slice(number * self.rows, (number + 1) * self.rows)
                self._queue.start_async(rows_of(inputs, at), part)
            self._queue.wait_all()
        except RuntimeError as error:
            raise EngineError(f"OpenVINO failed: {first_line(error)}") from error
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def trial(self, count: int) -> dict[str, NDArray[Any]]:
        """Some input of so many rows, all different."""
        random, inputs = np.random.default_rng(0), {}
        for name, port in self._inputs.items():
            values = random.random((count, *list(port.get_shape())[1:]))
            kind = port.get_element_type().to_dtype()
            inputs[name] = values < 0.5 if kind == np.bool_ else values.astype(kind)
        return inputs

    def _keep(self, request: ov.InferRequest, part: list[Floats]) -> None:
        part.extend(np.array(request.get_output_tensor(at).data, dtype=np.float32) for at in self._outputs)


def rows_of(inputs: Mapping[str, NDArray[Any]], at: slice) -> dict[str, NDArray[Any]]:
    """Some rows of a batch."""
    return {name: value[at] for name, value in inputs.items()}


def properties(core: ov.Core, options: EngineOptions) -> dict[str, Any]:
    """How to compile: for latency, in the precision that the processor is good at.

    Raises:
        EngineUnavailableError: bf16 is asked for, and the processor has no units for it.
    """
    abilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if options.precision == "bf16" and "BF16" not in abilities:
        raise EngineUnavailableError("This processor has no bf16 units: choose precision auto or f32")
    fast = "BF16" in abilities and options.precision != "f32"
    found: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if fast else "f32",
        "INFERENCE_NUM_THREADS": options.threads,
        # Where the processor has instructions for it, activations would be rounded to 8 bits as well.
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
    }
    if options.cache_dir is not None:
        found["CACHE_DIR"] = str(options.cache_dir / "openvino")
    return found


def first_line(error: Exception) -> str:
    """What OpenVINO says first; the rest is where in its source."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
