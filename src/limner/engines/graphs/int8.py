"""Weights in 8 bits: a quarter of float32's room, each row of a matrix with a scale of its own.

Axes in names: O what a layer puts out, I what it takes in, a convolution's window with it.
"""

from __future__ import annotations

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from limner.types import Floats

__all__ = ["weights_in_int8"]

_LAYERS = ("MatMul", "Convolution")
_WEIGHTS_AT = 1
"""Which of their inputs the weights are."""
_SMALLEST = 1024
"""Numbers below which nothing is gained."""


def weights_in_int8(graph: ov.Model) -> ov.Model:
    """Round the weights of all layers to 8 bits, in place; activations stay as they are.

    ``w ~ q s`` with ``q = round(w / s)`` and ``s = max |w| / 127`` over each of the O rows.

    Returns:
        The same graph.
    """
    for node in graph.get_ordered_ops():
        weight = _weight(node)
        if weight is not None:
            rows_last = node.get_type_name() == "MatMul" and not node.get_attributes()["transpose_b"]
            node.input(_WEIGHTS_AT).replace_source_output(_rounded(weight, rows_last=rows_last))
    graph.validate_nodes_and_infer_types()
    return graph


def _weight(node: ov.Node) -> Floats | None:
    """A layer's matrix; None if this is no layer, or a small one. In 16 bits it stands behind a conversion."""
    if node.get_type_name() not in _LAYERS:
        return None
    source = node.input_value(_WEIGHTS_AT).get_node()
    if source.get_type_name() == "Convert":
        source = source.input_value(0).get_node()
    if source.get_type_name() != "Constant" or source.get_element_type() not in (ov.Type.f32, ov.Type.f16):
        return None
    weight: Floats = source.data.astype(np.float32)
    return weight if weight.ndim > 1 and weight.size >= _SMALLEST else None


def _rounded(weight: Floats, *, rows_last: bool) -> ov.Output:
    over = tuple(range(weight.ndim - 1)) if rows_last else tuple(range(1, weight.ndim))
    scale = np.abs(weight).max(axis=over, keepdims=True) / np.float32(127)
    scale = np.maximum(scale, np.finfo(np.float32).tiny)
    whole = np.rint(weight / scale).astype(np.int8)
    return ops.multiply(ops.convert(ops.constant(whole), "f32"), ops.constant(scale)).output(0)
