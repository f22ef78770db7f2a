"""How long one picture takes: per stage, warm, as a cold process, and in memory; OpenVINO beside torch.

The two engines take turns in one run, so that a noisy machine is noisy for both. Effective speed is told against
the fastest float32 matmul that NumPy reaches here at the same time.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.results import print_table, write_result
from limner.loading import load
from limner.models import find, read_manifest
from limner.pipeline import Pipeline
from limner.training.evaluation.speed import denoiser_flops, median_seconds

__all__ = ["main"]

PROMPT = "A cute puppy playing with a ball in the park"
ROUNDS, COLD_ROUNDS = 9, 5


def main() -> None:
    """Measure, print, and write the result."""
    with tempfile.TemporaryDirectory() as cache:
        cache_dir = Path(cache)
        pipelines = {name: load(engine=name, cache_dir=cache_dir) for name in ("openvino", "torch")}
        warm = _warm(pipelines)
        cold = _cold(cache_dir)
    matmul = _matmul_tflops()
    flops = denoiser_flops(read_manifest(find("limner-2")))
    pass_seconds = median_seconds(lambda: _one_pass(pipelines["openvino"]), 15)
    numbers: dict[str, Any] = {
        "warm_seconds": warm,
        "outside_the_networks": _overhead(pipelines["openvino"]),
        "cold_process_seconds": cold,
        "denoiser_pass_seconds": pass_seconds,
        "denoiser_tflops": flops / pass_seconds / 1e12,
        "matmul_tflops": matmul,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    }
    path = write_result("latency", numbers)
    _print(numbers)
    print(f"written to {path}")


def _warm(pipelines: dict[str, Pipeline]) -> dict[str, dict[str, float]]:
    """Median seconds per stage of a picture, the engines in turn."""
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in pipelines}
    for number in range(ROUNDS + 1):
        for name, pipeline in pipelines.items():
            start = time.perf_counter()
            [picture] = pipeline.generate(PROMPT, seed=number)
            picture.to_bytes("png")
            timings = dict(picture.timings) | {"prompt_to_png": time.perf_counter() - start}
            if number:
                rounds[name].append(timings)
    return {
        name: {stage: statistics.median(row[stage] for row in rows) for stage in rows[0]}
        for name, rows in rounds.items()
    }


def _overhead(pipeline: Pipeline) -> float:
    """Share of a picture's seconds that is spent outside encode, denoise and decode."""
    engine, inside = pipeline.engine, [0.0]
    plain = {name: getattr(engine, name) for name in ("encode", "denoise", "decode")}

    def timed(name: str) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            start = time.perf_counter()
            result = plain[name](*args)
            inside[0] += time.perf_counter() - start
            return result

        return call

    for name in plain:
        setattr(engine, name, timed(name))
    start = time.perf_counter()
    for seed in range(5):
        pipeline.generate(PROMPT, seed=seed)
    total = time.perf_counter() - start
    for name in plain:
        delattr(engine, name)
    return 1 - inside[0] / total


def _cold(cache_dir: Path) -> dict[str, float]:
    """Median seconds of whole processes, and with an empty cache."""
    folder = Path(tempfile.mkdtemp(dir=cache_dir))
    program = str(Path(sys.executable).with_name("limner"))
    draw = [program, "generate", PROMPT, "-o", str(folder / "puppy.png"), "--seed", "1"]

    def run(command: list[str], cache: Path) -> Callable[[], object]:
        environ = os.environ | {"LIMNER_CACHE_DIR": str(cache)}
        return lambda: subprocess.run(command, check=True, capture_output=True, env=environ)

    def run_with_an_empty_cache() -> None:
        run(draw, Path(tempfile.mkdtemp(dir=cache_dir)))()

    return {
        "python -c pass": median_seconds(run([sys.executable, "-c", "pass"], folder), COLD_ROUNDS),
        "import limner": median_seconds(run([sys.executable, "-c", "import limner"], folder), COLD_ROUNDS),
        "limner generate, compiled networks cached": median_seconds(run(draw, folder), COLD_ROUNDS),
        "limner generate, empty cache": median_seconds(run_with_an_empty_cache, COLD_ROUNDS),
    }


def _one_pass(pipeline: Pipeline) -> object:
    shape = pipeline.engine.capabilities.latent_shape
    [features] = pipeline.engine.encode([PROMPT])
    one = np.ones(1, np.float32)
    return pipeline.engine.denoise(np.zeros((1, *shape), np.float32), one, [features], one)


def _matmul_tflops() -> float:
    a = np.ones((2048, 2048), np.float32)
    return float(2 * 2048**3 / median_seconds(lambda: a @ a, 5) / 1e12)


def _print(numbers: dict[str, Any]) -> None:
    rows = [
        (f"{engine}: {stage}", f"{seconds:.3f} s")
        for engine, stages in numbers["warm_seconds"].items()
        for stage, seconds in stages.items()
    ]
    rows += [
        (f"process: {name}", f"{seconds:.3f} s") for name, seconds in numbers["cold_process_seconds"].items()
    ]
    rows += [
        ("outside the networks", f"{numbers['outside_the_networks']:.1%} of a picture's time"),
        ("denoiser, one pass", f"{numbers['denoiser_pass_seconds'] * 1e3:.1f} ms"),
        ("denoiser, effective", f"{numbers['denoiser_tflops']:.3f} TFLOP/s"),
        ("best float32 matmul here", f"{numbers['matmul_tflops']:.3f} TFLOP/s"),
        ("peak memory of a process", f"{numbers['peak_memory_mb']:.0f} MB"),
    ]
    print_table(rows)


if __name__ == "__main__":
    main()
