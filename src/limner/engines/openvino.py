"""The default engine: OpenVINO on the processor, without torch.

Axes in names: B batch, T tokens, C channels, H and W pixels, h and w the latent grid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from limner.engines.base import Engine, EngineOptions, Inpaint
from limner.engines.compiled import Network, first_line, properties, rows_of
from limner.engines.networked import Condition, NetworkEngine
from limner.errors import EngineError, ModelError
from limner.models.manifest import Manifest, denoiser_graph, read_manifest, verify
from limner.types import Floats

__all__ = ["OpenVinoEngine", "load"]

_COMPANY = 4
"""Rows from which on pairs are faster: with fewer, half of the threads would have nothing to do."""


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
    """Each network is compiled when it is first used, and those that draw for each shape by itself.

    A row of a batch is computed by itself, so that nothing beside it can change it, and two at a time, each with half
    of the threads; a guided picture has two.
    """

    def __init__(self, folder: Path, manifest: Manifest, options: EngineOptions) -> None:
        super().__init__(folder, manifest, options.upscaler, batch_invariant=True)
        self._folder = folder
        self._core = ov.Core()
        self._properties = properties(self._core, options)
        self._denoisers: dict[str, _Denoiser] = {}
        self._autoencoders: dict[tuple[str, tuple[int, ...]], Network] = {}

    @cached_property
    def _text_encoder(self) -> Network:
        return self._compile("text_encoder", "text_encoder")

    @cached_property
    def _image_tower(self) -> Network:
        return self._compile("image_tower", "image_tower")

    @cached_property
    def _upscaler(self) -> Network:
        return self._compile("upscaler", "upscaler")

    def _denoiser(self, grid: tuple[int, int]) -> _Denoiser:
        graph = denoiser_graph(grid, self.capabilities.shapes)
        if graph not in self._denoisers:
            self._denoisers[graph] = _Denoiser(partial(self._compile, graph, "denoiser", streams=2))
        return self._denoisers[graph]

    def _autoencoder(self, graph: str, sides: tuple[int, ...]) -> Network:
        if (graph, sides) not in self._autoencoders:
            self._autoencoders[graph, sides] = self._compile(graph, "autoencoder", sides=sides)
        return self._autoencoders[graph, sides]

    def _compile(
        self, graph: str, weights: str, *, rows: int = 1, streams: int = 1, sides: tuple[int, ...] = ()
    ) -> Network:
        """A network for so many rows; `sides` are the lengths of its inputs' last axes, if they are free."""
        try:
            model = self._core.read_model(
                self._folder / f"{graph}.xml", self._folder / f"{weights}.safetensors"
            )
            model.reshape({port: _shape(port, rows, sides) for port in model.inputs})
            hints = self._properties | {"NUM_STREAMS": streams}
            return Network(self._core.compile_model(model, "CPU", hints), rows)
        except RuntimeError as error:
            raise EngineError(f"OpenVINO cannot compile {graph}.xml: {first_line(error)}") from error

    def run_text_encoder(
        self, ids_BT: NDArray[np.int64], mask_BT: NDArray[np.bool_]
    ) -> tuple[Floats, Floats]:
        """See `NetworkEngine`."""
        states_BTD, vectors_BV = self._text_encoder.run({"ids": ids_BT, "mask": mask_BT})
        return states_BTD, vectors_BV

    def run_denoiser(
        self, x_BChw: Floats, t_B: Floats, condition: Condition, known: Inpaint | None
    ) -> tuple[Floats, Floats]:
        """See `NetworkEngine`."""
        states_BTD, mask_BT, vector_BV = condition
        inputs = {"x": x_BChw, "t": t_B, "states": states_BTD, "mask": mask_BT, "vector": vector_BV}
        if known is not None:
            inputs |= {"known": known.known_BChw, "known_mask": known.mask_B1hw}
        x0_BChw, attention_BThw = self._denoiser((x_BChw.shape[2], x_BChw.shape[3])).run(inputs)
        return x0_BChw, attention_BThw

    def run_decoder(self, x_BChw: Floats) -> Floats:
        """See `NetworkEngine`."""
        return self._autoencoder("decoder", x_BChw.shape[2:]).run({"x": x_BChw})[0]

    def run_image_encoder(self, pixels_BCHW: Floats) -> Floats:
        """See `NetworkEngine`."""
        return self._autoencoder("image_encoder", pixels_BCHW.shape[2:]).run({"pixels": pixels_BCHW})[0]

    def run_image_tower(self, x_BChw: Floats) -> Floats:
        """See `NetworkEngine`."""
        return self._image_tower.run({"x": x_BChw})[0]

    def run_upscaler(self, pixels_BCHW: Floats) -> Floats:
        """See `NetworkEngine`."""
        return self._upscaler.run({"pixels": pixels_BCHW})[0]


class _Denoiser:
    """The denoiser for pictures of one shape.

    In company it computes pairs of rows, two pairs at a time: on two cores with matrix units that takes 0.75 of the
    time. Kernels may choose how to add up by the batch's size, so this is done only where a trial gives the same bits,
    as on all processors tried (AVX2, AVX-512, AMX).
    """

    def __init__(self, compiled: Callable[..., Network]) -> None:
        self._compiled = compiled

    @cached_property
    def _single(self) -> Network:
        return self._compiled()

    @cached_property
    def _paired(self) -> Network | None:
        """For two rows at a time, where that changes no bit."""
        paired, trial = self._compiled(rows=2), self._single.trial(_COMPANY)
        return paired if _same(paired.run(trial), self._single.run(trial)) else None

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> list[Floats]:
        """Compute the batch, as `Network.run`."""
        count = len(inputs["x"])
        pairs = count // _COMPANY * _COMPANY
        if not pairs or self._paired is None:
            return self._single.run(inputs)
        parts = [self._paired.run(rows_of(inputs, slice(pairs)))]
        if pairs < count:
            parts.append(self._single.run(rows_of(inputs, slice(pairs, None))))
        return [np.concatenate(column) for column in zip(*parts, strict=True)]


def _shape(port: ov.Output, rows: int, sides: tuple[int, ...]) -> list[int | ov.Dimension]:
    lengths = list(port.get_partial_shape())
    return [rows, *lengths[1 : len(lengths) - len(sides)], *sides]


def _same(one: Sequence[Floats], other: Sequence[Floats]) -> bool:
    return all(np.array_equal(mine, theirs) for mine, theirs in zip(one, other, strict=True))
