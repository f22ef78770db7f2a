"""A network as a file that two engines read: weights by name for torch, and OpenVINO graphs over the same bytes.

A safetensors file is a JSON header and then the tensors' bytes, one after the other. An OpenVINO graph is an .xml
file whose constants are (offset, size) into a file of bytes. So the graph's offsets are made to point into the
safetensors file, and no weight is stored twice. How narrow they are stored: `network.weights`. The graph widens
them when it is compiled, torch when it loads.
"""

from __future__ import annotations

import json
import tempfile
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import torch
from numpy.typing import NDArray
from openvino import opset13 as ops
from openvino.frontend import FrontEndManager
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
from torch import Tensor, nn

from limner.errors import TrainingError
from limner.files import write_atomic
from limner.network.weights import Stored, widened

__all__ = ["Graph", "write_network"]

_ALIGN = 64
_TYPES = {torch.float32: ov.Type.f32, torch.int64: ov.Type.i64, torch.bool: ov.Type.boolean}
_DTYPES = {"float32": "F32", "float16": "F16", "int8": "I8", "int64": "I64", "int32": "I32", "bool": "BOOL"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """One way through a network.

    Attributes:
        name: file name of the graph, without its suffix.
        module: what is called.
        inputs: example inputs by name, in the order of the call.
        free: the axes of inputs that may be of any length.
        outputs: names of what comes out.
    """

    name: str
    module: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: tuple[str, ...]
    free: tuple[int, ...] = (0,)


def write_network(folder: Path, name: str, stored: Stored, graphs: list[Graph]) -> list[str]:
    """Write `name`.safetensors and one .xml for each graph; returns the names of the files."""
    documents = {graph.name: _converted(graph, stored) for graph in graphs}
    everything = dict(stored)
    for _, constants in documents.values():
        for constant in constants:
            _name_of(constant, everything, add=True)
    header, offsets = _layout(everything)
    body = b"".join(np.ascontiguousarray(everything[key]).tobytes() for key in offsets)
    write_atomic(folder / f"{name}.safetensors", header + body)
    for graph_name, (document, constants) in documents.items():
        data = [element for element in document.iter("data") if "offset" in element.attrib]
        for element, constant in zip(data, constants, strict=True):
            element.set("offset", str(len(header) + offsets[_name_of(constant, everything)]))
        write_atomic(folder / f"{graph_name}.xml", ET.tostring(document))
    return [f"{name}.safetensors", *(f"{graph.name}.xml" for graph in graphs)]


def _converted(graph: Graph, stored: Stored) -> tuple[ET.Element, list[NDArray[Any]]]:
    """The graph's document, and the constants that its data elements stand for, in order."""
    model = _traced(graph)
    for port, name in zip([*model.inputs, *model.outputs], [*graph.inputs, *graph.outputs], strict=True):
        port.get_tensor().set_names({name})
    _narrow(model, stored)
    model.validate_nodes_and_infer_types()
    with tempfile.TemporaryDirectory() as scratch:
        ov.serialize(model, f"{scratch}/graph.xml", f"{scratch}/graph.bin")
        document = ET.parse(f"{scratch}/graph.xml").getroot()  # noqa: S314 (written the line before)
        weights = Path(scratch, "graph.bin").read_bytes()
    return document, [
        _constant(element, weights) for element in document.iter("data") if "offset" in element.attrib
    ]


def _traced(graph: Graph) -> ov.Model:
    """The module as an OpenVINO model.

    By the frontend itself: `openvino.convert_model` does the same, and reports it over the network.
    """
    example = tuple(graph.inputs.values())
    frontend = FrontEndManager().load_by_framework("pytorch")
    with warnings.catch_warnings():
        # OpenVINO converts what `torch.jit.trace` records, which torch calls deprecated from 2.9 on.
        warnings.simplefilter("ignore", DeprecationWarning)
        decoder = TorchScriptPythonDecoder(graph.module.eval(), example_input=example)
    model = frontend.convert(frontend.load(decoder))
    for port, tensor in zip(model.inputs, example, strict=True):
        port.get_node().set_element_type(_TYPES[tensor.dtype])
        shape = [-1 if axis in graph.free else length for axis, length in enumerate(tensor.shape)]
        port.get_node().set_partial_shape(ov.PartialShape(shape))
    model.validate_nodes_and_infer_types()
    return model


def _constant(element: ET.Element, weights: bytes) -> NDArray[Any]:
    kinds = {"f32": "f4", "f16": "f2", "i8": "i1", "i32": "i4", "i64": "i8", "boolean": "i1", "u8": "u1"}
    start, size = int(element.get("offset", "0")), int(element.get("size", "0"))
    # An empty constant is written as one byte, whatever its type.
    kind = "u1" if element.get("shape") == "0" else kinds[element.get("element_type", "f32")]
    return np.frombuffer(weights[start : start + size], dtype=kind)


def _narrow(model: ov.Model, stored: Stored) -> None:
    """Replace every constant that is a stored matrix by that matrix and the arithmetic that widens it."""
    wide = {tensor.numpy().tobytes(): name for name, tensor in widened(stored).items()}
    for node in model.get_ops():
        if node.get_type_name() != "Constant" or node.get_element_type() != ov.Type.f32:
            continue
        name = wide.get(np.ascontiguousarray(node.data).tobytes())
        if name is None or stored[name].dtype == np.float32:
            continue
        value = ops.convert(ops.constant(stored[name].reshape(node.data.shape)), "f32")
        if f"{name}.scale" in stored:
            scale_R1 = stored[f"{name}.scale"][:, None]
            value = ops.multiply(value, ops.convert(ops.constant(scale_R1), "f32"))
        for target in node.output(0).get_target_inputs():
            target.replace_source_output(value.output(0))


def _name_of(constant: NDArray[Any], everything: Stored, *, add: bool = False) -> str:
    """The name under which these bytes are stored, whatever their shape."""
    raw = constant.tobytes()
    for name, array in everything.items():
        if (
            array.nbytes == len(raw)
            and array.dtype.itemsize == constant.dtype.itemsize
            and array.tobytes() == raw
        ):
            return name
    if not add:
        raise TrainingError(
            "a constant of the graph is not in the weights file; this is a fault of the exporter"
        )
    name = f"graph.{sum(key.startswith('graph.') for key in everything)}"
    everything[name] = constant
    return name


def _layout(everything: Stored) -> tuple[bytes, dict[str, int]]:
    """The safetensors header, and each tensor's offset after it; wide numbers first, so that all are aligned."""
    offsets, entries, at = {}, {}, 0
    for name in sorted(everything, key=lambda key: (-everything[key].dtype.itemsize, key)):
        array = everything[name]
        offsets[name] = at
        entries[name] = {
            "dtype": "U8" if array.dtype == np.uint8 else _DTYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [at, at + array.nbytes],
        }
        at += array.nbytes
    text = json.dumps(entries).encode()
    text += b" " * (-(len(text) + 8) % _ALIGN)
    return len(text).to_bytes(8, "little") + text, offsets
