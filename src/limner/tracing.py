"""How a picture came about, noted while it is drawn and told afterwards. Off the hot path unless asked for.

Axes in names: B batch, T tokens, C channels, H height, W width (h, w on the latent grid).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from limner.diffusion.rendering import Rendering
from limner.engines.base import Engine
from limner.engines.stepping import Look
from limner.imaging.picture import Picture
from limner.imaging.resize import fit
from limner.types import FileFormat, Floats, Pixels, SamplerName, TextFeatures, Trace
from limner.upscaling import factor

__all__ = ["Stopwatch", "TraceRecorder"]

_PREVIEW_SIDE = 64


class Stopwatch:
    """Seconds spent, by name; what is measured twice under one name adds up."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Add the time that the block takes to `name`."""
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


class TraceRecorder:
    """Notes every look at pictures that are drawn together, and tells each picture's story at the end.

    It only ever reads: the pictures come out the same with it and without it. Its own work, previews and
    attention, is in nobody's seconds.
    """

    def __init__(
        self, engine: Engine, features: TextFeatures, renderings: Sequence[Rendering], sampler: SamplerName
    ) -> None:
        self._engine = engine
        self._features = features
        self._renderings = renderings
        self._sampler = sampler
        self._steps: list[list[dict[str, float]]] = [[] for _ in renderings]
        self._previews: list[list[Pixels]] = [[] for _ in renderings]
        self._attention_BThw: Floats | None = None

    def record(self, look: Look) -> None:
        """Note one step of all the pictures."""
        step = len(self._steps[0])
        tensor_BHWC = self._engine.decode(look.x0_BChw)
        for i, rendering in enumerate(self._renderings):
            self._steps[i].append(_numbers(step, rendering, look.x_BChw[i], look.x0_BChw[i]))
            self._previews[i].append(fit(tensor_BHWC[i], _preview_size(tensor_BHWC[i])))
        if step in _middle(self._renderings[0].steps):
            self._add_attention(look)

    def _add_attention(self, look: Look) -> None:
        features = [rendering.features for rendering in self._renderings]
        attention_BThw = self._engine.attend(look.x_BChw, look.t_B, features)
        if self._attention_BThw is not None:
            attention_BThw = attention_BThw + self._attention_BThw
        self._attention_BThw = attention_BThw

    def tell(
        self, pictures: Sequence[Picture], tensor_shape: tuple[int, ...], file_format: FileFormat
    ) -> list[Picture]:
        """The pictures, each with its trace.

        Args:
            pictures: the finished pictures, in the order of the renderings, with their seconds per stage.
            tensor_shape: (H, W, 3) of the tensor that the diffusion made.
            file_format: the file in which the third layer ends.
        """
        return [
            replace(
                picture,
                trace=Trace(
                    text_encoding=_text_encoding(self._features, picture.timings["text_encoding"]),
                    image_generation=self._image_generation(i, tensor_shape, picture.timings),
                    image_decoding=self._image_decoding(picture, tensor_shape, file_format),
                    previews=tuple(self._previews[i]),
                    attention=self._attention(i),
                ),
            )
            for i, picture in enumerate(pictures)
        ]

    def _image_generation(
        self, index: int, shape: tuple[int, ...], timings: Mapping[str, float]
    ) -> dict[str, Any]:
        rendering = self._renderings[index]
        return {
            "sampler": self._sampler,
            "seed": rendering.seed,
            "timesteps": rendering.times.tolist(),
            "guidance": rendering.guidance,
            "steps": self._steps[index],
            "shape": list(shape),
            "seconds": timings["image_generation"],
        }

    def _image_decoding(
        self, picture: Picture, tensor_shape: tuple[int, ...], file_format: FileFormat
    ) -> dict[str, Any]:
        stopwatch = Stopwatch()
        with stopwatch.measure("file"):
            data = picture.to_bytes(file_format)
        height, width = picture.pixels_HWC.shape[:2]
        return {
            "format": file_format,
            "upscaled": factor(self._engine, (tensor_shape[1], tensor_shape[0]), (width, height)),
            "shape": list(picture.pixels_HWC.shape),
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "seconds": picture.timings["image_decoding"] + stopwatch.seconds["file"],
        }

    def _attention(self, index: int) -> dict[str, Floats]:
        """Each word's map, summing to 1; a word that occurs twice has one map, of all its tokens."""
        if self._attention_BThw is None:
            return {}
        tokens_of: dict[str, list[int]] = {}
        for span in self._features.words:
            tokens_of.setdefault(span.word, []).extend(range(span.start, span.stop))
        return {
            word: _to_distribution(self._attention_BThw[index, tokens].mean(axis=0))
            for word, tokens in tokens_of.items()
            if tokens
        }


def _preview_size(tensor_HWC: Pixels) -> tuple[int, int]:
    height, width = tensor_HWC.shape[:2]
    scale = _PREVIEW_SIDE / max(height, width)
    return round(width * scale), round(height * scale)


def _middle(steps: int) -> range:
    """The middle third of the steps, at least one: before it x is mostly noise, after it all is decided."""
    return range(steps // 3, max(steps // 3 + 1, 2 * steps // 3))


def _numbers(step: int, rendering: Rendering, x_Chw: Floats, x0_Chw: Floats) -> dict[str, float]:
    return {
        "step": step,
        "t": float(rendering.times[step]),
        "t_next": float(rendering.times[step + 1]),
        "x_mean": float(x_Chw.mean()),
        "x_std": float(x_Chw.std()),
        "x0_mean": float(x0_Chw.mean()),
        "x0_std": float(x0_Chw.std()),
    }


def _to_distribution(map_hw: Floats) -> Floats:
    # The smallest number keeps a word that drew nowhere at all from becoming 0 / 0: it drew evenly.
    positive_hw = map_hw + np.finfo(np.float32).tiny
    distribution_hw: Floats = positive_hw / positive_hw.sum()
    return distribution_hw


def _text_encoding(features: TextFeatures, seconds: float) -> dict[str, Any]:
    return {
        "prompt": features.prompt,
        "tokens": list(features.tokens),
        "words": [{"word": span.word, "start": span.start, "stop": span.stop} for span in features.words],
        "vector": features.vector_D.tolist(),
        "shape": list(features.vector_D.shape),
        "unread": features.unread,
        "swaps": [swap._asdict() for swap in features.swaps],
        "seconds": seconds,
    }
