"""The run on screen, as numbers in words: what several chapters tell of it.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

import math

import numpy as np

from limner.loading import DEFAULT_MODEL
from limner.models import Manifest, available, find, read_manifest
from limner.report.parts import seconds, shape, shortened
from limner.studio.shown import Shown
from limner.types import Trace

__all__ = ["manifest_of", "model_name", "numbers", "trace_of", "vector_bytes"]

_ENDS = 3


def trace_of(shown: Shown | None) -> Trace | None:
    """How the picture on screen came about; None if there is none, or it was not drawn in this session."""
    return shown.picture.trace if shown else None


def model_name(shown: Shown | None) -> str:
    """The shipped model that drew the picture, or the one that would."""
    shipped = shown is not None and shown.picture.model in available()
    return shown.picture.model if shown and shipped else DEFAULT_MODEL


def manifest_of(shown: Shown | None) -> Manifest:
    """What that model says of itself.

    Raises:
        ModelError: it is not there, or damaged.
    """
    return read_manifest(find(model_name(shown)))


def vector_bytes(trace: Trace) -> int:
    """What the text's vector takes in memory."""
    return len(trace.text_encoding["vector"]) * np.dtype(np.float32).itemsize


def numbers(shown: Shown | None) -> dict[str, str]:
    """The run's own numbers by name, for sentences; empty without a trace."""
    trace = trace_of(shown)
    if shown is None or trace is None:
        return {}
    text, image, file = trace.text_encoding, trace.image_generation, trace.image_decoding
    vector = text["vector"]
    return {
        "prompt": shortened(text["prompt"], 80),
        "characters": f"{len(text['prompt']):,}",
        "tokens": f"{len(text['tokens']):,}",
        "vector": f"{len(vector)}",
        "first": _row(vector[:_ENDS]),
        "last": _row(vector[-_ENDS:]),
        "shape": shape(image["shape"]),
        "values": f"{math.prod(image['shape']):,}",
        "steps": f"{len(image['steps']):,}",
        "t_first": f"{image['timesteps'][0]:g}",
        "t_last": f"{image['timesteps'][-1]:g}",
        "guidance": f"{image['guidance']:g}",
        "sampler": image["sampler"],
        "seed": str(image["seed"]),
        "format": file["format"].upper(),
        "bytes": f"{file['bytes']:,}",
        "text_seconds": seconds(text["seconds"]),
        "image_seconds": seconds(image["seconds"]),
        "file_seconds": seconds(file["seconds"]),
        "model": shown.picture.model,
    }


def _row(values: list[float]) -> str:
    return ", ".join(f"{value:+.4f}" for value in values)
