"""From a family's networks in torch to graphs of OpenVINO, by tracing the functions in which limner calls them.

One picture and one prompt at a time: graphs have fixed shapes, but for prompts that come in several lengths.

Axes in names: B batch, T tokens, D token width, P pooled width, C channels, H and W pixels, h and w the latent grid.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import openvino as ov
import torch
from openvino import frontend
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
from torch import Tensor, nn
from torch.utils import _pytree as tree

from limner.engines.compiled import first_line
from limner.engines.families import Condition, Family
from limner.engines.graphs.int8 import weights_in_int8
from limner.engines.graphs.texts import Call, heard, text_encoders
from limner.errors import EngineUnavailableError

__all__ = ["DECODER", "DENOISER", "IMAGE_ENCODER", "PACKINGS", "convert", "round_weights"]

DENOISER, DECODER, IMAGE_ENCODER = "denoiser", "decoder", "image_encoder"
PACKINGS = "packings.json"
"""The file that tells how each text encoder packs its answer."""

_PROMPT = "a red boat"
_FAILURES = (
    frontend.GeneralFailure,
    frontend.InitializationFailure,
    frontend.NotImplementedFailure,
    frontend.OpConversionFailure,
    frontend.OpValidationFailure,
    ArithmeticError,
    AttributeError,
    IndexError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)


def convert(family: Family, folder: Path, *, half: bool) -> None:
    """Write all graphs of a checkpoint.

    Args:
        family: the checkpoint, open in float32.
        folder: where they go.
        half: keep numbers in 16 bits; what computes in bf16 rounds them further.

    Raises:
        EngineUnavailableError: OpenVINO cannot convert one of the networks.
    """
    packings = {}
    for name, graph, packing in _graphs(family):
        ov.save_model(graph, folder / f"{name}.xml", compress_to_fp16=half)
        packings[name] = packing
    (folder / PACKINGS).write_text(json.dumps(packings), encoding="utf-8")


def round_weights(folder: Path, *, half: bool) -> None:
    """Round the weights of the denoiser and of the text encoders to 8 bits; `half` as for `convert`."""
    for path in sorted(folder.glob("*.xml")):
        if path.stem not in (DECODER, IMAGE_ENCODER):
            # Not under its own name, from which it is still read.
            rounded = path.with_name(f"rounded-{path.name}")
            ov.save_model(weights_in_int8(ov.Core().read_model(path)), rounded, compress_to_fp16=half)
            for ending in (".xml", ".bin"):
                rounded.with_suffix(ending).replace(path.with_suffix(ending))


def _graphs(family: Family) -> Iterator[tuple[str, ov.Model, str]]:
    """Name, graph, and how the answer is packed, one after the other: together they may not fit into memory."""
    condition, calls = _listen(family)
    for name, encoder in text_encoders(family.pipe).items():
        if calls[name]:
            graph, packing = _text_encoder(name, encoder, calls[name])
            yield name, graph, packing
    _, height, width = family.latent_shape
    scale = family.pipe.vae_scale_factor
    x0_BChw = torch.randn(1, *family.latent_shape)
    pixels_BCHW = torch.rand(1, 3, height * scale, width * scale)
    denoiser = {
        "x": x0_BChw,
        "time": torch.full((1,), 500.0),
        "states": condition.states_BTD,
        "mask": condition.mask_BT.expand(condition.states_BTD.shape[:2]).contiguous(),
        "pooled": condition.pooled_BP,
        "guidance": torch.full((1,), 3.0),
    }
    yield DENOISER, _traced(DENOISER, _Predict(family), denoiser), ""
    yield DECODER, _traced(DECODER, _Function(family.decode, family.pipe.vae), {"x": x0_BChw}), ""
    encoder = _Function(family.encode_image, family.pipe.vae)
    yield IMAGE_ENCODER, _traced(IMAGE_ENCODER, encoder, {"pixels": pixels_BCHW}), ""


def _listen(family: Family) -> tuple[Condition, dict[str, list[Call]]]:
    """How a prompt and no prompt at all are encoded, and what the text encoders are called with meanwhile."""
    encoders = text_encoders(family.pipe)
    for encoder in encoders.values():
        # The states of a text that is never continued need not be kept.
        encoder.config.use_cache = False
    with torch.no_grad(), heard(encoders) as calls:
        condition = family.encode([_PROMPT])
        family.nothing()
    return condition, calls


class _Function(nn.Module):
    """A function of tensors, with the network in it where torch's tracer looks for it."""

    def __init__(self, function: Callable[..., Any], network: nn.Module) -> None:
        super().__init__()
        self.function, self.network = function, network

    def forward(self, *tensors: Tensor) -> Any:
        return self.function(*tensors)


class _Predict(_Function):
    def __init__(self, family: Family) -> None:
        super().__init__(family.predict, family.network)

    def forward(self, *tensors: Tensor) -> Any:
        x_BChw, time_B, states_BTD, mask_BT, pooled_BP, guidance_B = tensors
        condition = Condition(states_BTD=states_BTD, mask_BT=mask_BT, pooled_BP=pooled_BP)
        return self.function(x_BChw, time_B, condition, guidance_B)


def _text_encoder(name: str, encoder: nn.Module, calls: Sequence[Call]) -> tuple[ov.Model, str]:
    first = calls[0]
    packings: list[tree.TreeSpec] = []

    def answer(*tensors: Tensor) -> tuple[Any, ...]:
        leaves, packing = tree.tree_flatten(first.repeated(encoder, tensors))
        packings.append(packing)
        return tuple(leaves)

    shapes = [_common(list(column)) for column in zip(*(_shapes(call) for call in calls), strict=True)]
    graph = _traced(name, _Function(answer, encoder), first.tensors, shapes)
    return graph, tree.treespec_dumps(packings[-1])


def _shapes(call: Call) -> list[torch.Size]:
    return [tensor.shape for tensor in call.tensors.values()]


def _common(shapes: list[torch.Size]) -> list[int]:
    """A shape for all of these: -1 where they differ."""
    return [sizes[0] if len(set(sizes)) == 1 else -1 for sizes in zip(*shapes, strict=True)]


def _traced(
    name: str, module: nn.Module, inputs: Mapping[str, Tensor], shapes: Iterable[Sequence[int]] | None = None
) -> ov.Model:
    """A graph with these inputs, by name, in their shapes or in others.

    Raises:
        EngineUnavailableError: OpenVINO or torch's tracer does not know how.
    """
    try:
        with torch.no_grad(), warnings.catch_warnings():
            # torch's tracer warns of every size that a network compares; what comes of it is compared afterwards.
            warnings.simplefilter("ignore")
            graph = _converted(module.eval(), tuple(inputs.values()))
            wanted = shapes or [tensor.shape for tensor in inputs.values()]
            for port, (input_name, tensor), shape in zip(graph.inputs, inputs.items(), wanted, strict=True):
                port.get_tensor().set_names({input_name})
                port.get_node().set_element_type(ov.Type(tensor.numpy().dtype))
                port.get_node().set_partial_shape(ov.PartialShape(list(shape)))
            graph.validate_nodes_and_infer_types()
    except _FAILURES as error:
        raise EngineUnavailableError(
            f"OpenVINO cannot convert the {name} of this model ({first_line(error)}): choose --engine diffusers"
        ) from error
    return graph


def _converted(module: nn.Module, example: tuple[Tensor, ...]) -> ov.Model:
    """By the frontend itself: `openvino.convert_model` does the same, and reports it over the network."""
    pytorch = frontend.FrontEndManager().load_by_framework("pytorch")
    # The frontend asks it until the graph is there, and does not keep it.
    decoder = TorchScriptPythonDecoder(module, example_input=example)
    return pytorch.convert(pytorch.load(decoder))
