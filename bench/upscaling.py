"""How near enlarged pictures come to the scene composed at that size, and how long that takes; beside plain Lanczos.

`python -m bench.upscaling` takes held-out scenes through the shipped model's encoder and decoder, as its own pictures
come out of it, enlarges them, and compares them with the same scenes composed 2 and 4 times as large. Errors are told
in decibel (peak signal to noise) and as the mean difference of slopes, in levels of 255. Processor time is counted,
all cores together, not the clock, so that other work on the machine disturbs little. A sheet shows the
reference prompts, Lanczos on the left.

Axes in names: K scenes, H height, W width, C channels.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.results import RESULTS, print_table, write_result
from limner.imaging.resize import fit
from limner.loading import load
from limner.pipeline import Pipeline
from limner.settings import Settings
from limner.training.dataset import SceneStream, StreamConfig
from limner.training.scenes.art import fetch_art
from limner.types import Pixels
from limner.upscaling import completed, enlarging

__all__ = ["PROMPTS", "main"]

PROMPTS = (
    "A cute puppy playing with a ball in the park",
    "a red car next to a tree in the city at night",
    "three cats on the beach at sunset",
    "a penguin in the snow",
    "a wizard in front of a castle in the rain",
    "a robot to the left of a cup in the kitchen",
    "a whale under water",
)
SEED, SCALES, ROUNDS = 10, (2, 4), 3
SIZES = ((512, 512), (1024, 1024), (1792, 1024))


def main() -> None:
    """Measure, print, and write the result."""
    parser = argparse.ArgumentParser(prog="python -m bench.upscaling", description="Enlarged pictures.")
    parser.add_argument("--art", type=Path, help="where the art is; by default the cache folder")
    parser.add_argument("--scenes", type=int, default=40, help="how many to measure with")
    parser.add_argument("--model", default="limner-2", help="the model")
    options = parser.parse_args()
    art = fetch_art(options.art or Settings().cache_dir / "art")
    pipeline = load(options.model)
    stream = SceneStream(StreamConfig(art=art, seed=1, held_out=True))
    near = {f"{scale}x": _errors(pipeline, stream, range(options.scenes), scale) for scale in SCALES}
    numbers: dict[str, Any] = {
        "scenes": options.scenes,
        "errors": near,
        "processor_seconds": _seconds(pipeline),
    }
    sheet = RESULTS / f"upscaling-{datetime.now(UTC):%Y-%m-%d}.webp"
    Image.fromarray(_sheet(pipeline)).save(sheet, quality=90)
    path = write_result("upscaling", numbers)
    print_table(
        [*((name, _told(row)) for name, row in near.items()), *_told_times(numbers["processor_seconds"])]
    )
    print(f"written to {path} and {sheet}")


def _told(row: dict[str, dict[str, float]]) -> str:
    return "; ".join(
        f"{name} {each['decibel']:.2f} dB, slopes {each['slopes']:.2f}" for name, each in row.items()
    )


def _told_times(seconds: dict[str, dict[str, float]]) -> list[tuple[str, str]]:
    return [
        (size, ", ".join(f"{name} {each * 1000:.0f} ms" for name, each in row.items()))
        for size, row in seconds.items()
    ]


def _larger(pipeline: Pipeline, pixels_HWC: Pixels, size: tuple[int, int]) -> dict[str, Callable[[], Pixels]]:
    """Both ways to the size."""
    return {
        "lanczos": lambda: fit(pixels_HWC, size),
        "learned": lambda: fit(completed(enlarging(pipeline.engine, pixels_HWC, size, cropped=True)), size),
    }


def _errors(
    pipeline: Pipeline, stream: SceneStream, scenes: range, scale: int
) -> dict[str, dict[str, float]]:
    """Mean errors of both ways, over all scenes."""
    found: dict[str, list[tuple[float, float]]] = {"lanczos": [], "learned": []}
    for scene in scenes:
        truth_HWC = stream.picture(scene, scale)
        latents_1Chw = pipeline.engine.encode_image(stream.picture(scene)[None])
        [drawn_HWC] = pipeline.engine.decode(latents_1Chw)
        size = (truth_HWC.shape[1], truth_HWC.shape[0])
        for name, make in _larger(pipeline, drawn_HWC, size).items():
            found[name].append(_error(make(), truth_HWC))
    means = {name: np.mean(rows, axis=0) for name, rows in found.items()}
    return {
        name: {"decibel": round(float(mean[0]), 3), "slopes": round(float(mean[1]), 3)}
        for name, mean in means.items()
    }


def _error(pixels_HWC: Pixels, truth_HWC: Pixels) -> tuple[float, float]:
    wrong_HWC = pixels_HWC.astype(np.float32) - truth_HWC
    slopes = np.abs(np.diff(wrong_HWC, axis=0)).mean() + np.abs(np.diff(wrong_HWC, axis=1)).mean()
    return float(10 * np.log10(255**2 / np.square(wrong_HWC).mean())), float(slopes)


def _seconds(pipeline: Pipeline) -> dict[str, dict[str, float]]:
    """Median processor seconds of both ways, taking turns."""
    [picture] = pipeline.generate(PROMPTS[0], seed=SEED)
    told = {}
    for size in SIZES:
        ways = _larger(pipeline, picture.pixels_HWC, size)
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS + 1):
            for name, make in ways.items():
                began = time.process_time()
                make()
                times[name].append(time.process_time() - began)
        # The first of each compiles for its size.
        told["x".join(map(str, size))] = {
            name: round(float(np.median(row[1:])), 4) for name, row in times.items()
        }
    return told


def _sheet(pipeline: Pipeline, side: int = 1024, crop: int = 512) -> Pixels:
    """Each prompt's picture at `side`, cropped to what it is about: Lanczos on the left, learned on the right."""
    rows = []
    for prompt in PROMPTS:
        [picture] = pipeline.generate(prompt, seed=SEED)
        top, left = side - crop - 64, (side - crop) // 2
        row = [
            make()[top : top + crop, left : left + crop]
            for make in _larger(pipeline, picture.pixels_HWC, (side, side)).values()
        ]
        rows.append(np.concatenate(row, axis=1))
    return np.concatenate(rows)


if __name__ == "__main__":
    main()
