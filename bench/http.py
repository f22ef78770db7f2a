"""What the server costs: over the library's call, in answering while it draws, and in memory.

Run with `python -m bench.http`; `--short` only shows that it works. A real `limner serve` on loopback and the
library in this process draw the same picture in turn, so that a noisy machine is noisy for both. What both must do,
the PNG file included, cancels out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench.load import percentile
from bench.results import Measure
from bench.running import Measured, run
from bench.servers import LIMNER, Server, health_seconds, order, picture_of, pixels_of, starting
from limner.loading import load
from limner.pipeline import Pipeline

__all__ = ["main"]

PROMPT = "A cute puppy playing with a ball in the park"
SIZES = ("256x256", "1024x1024")
"""The model's own, which is dall-e-2's smallest, and the smallest of all other OpenAI models."""

_STEPS = 4
# By then the cache of prompts, which has 256 places, is full.
_WARM_UP = 300


def main() -> None:
    """Measure, print, and write the result."""
    parser = argparse.ArgumentParser(prog="python -m bench.http", description="What the server costs.")
    parser.add_argument("--engine", default="openvino", help="who draws")
    run(
        parser,
        _measured_here,
        lambda numbers: [(size, _told(row)) for size, row in numbers["overhead"].items()],
    )


def _measured_here(options: argparse.Namespace) -> Measured:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with starting(folder / "limner", LIMNER, "serve", "--engine", options.engine) as server:
            pipeline = load(engine=options.engine, cache_dir=folder)
            return _measured(pipeline, server, short=options.short)


def _measured(pipeline: Pipeline, server: Server, *, short: bool) -> Measured:
    overhead = {size: _overhead(pipeline, server.address, size, 3 if short else 60) for size in SIZES}
    health = health_seconds(server.address, 2, 3 if short else 30)
    memory = _memory(server, 40 if short else 1000)
    growth = 100 * (memory[-1] / memory[0] - 1)
    measures = [
        Measure(what=f"server over library, {size}, p50", value=row["difference_ms"], unit="ms", goal=10)
        for size, row in overhead.items()
    ]
    measures += [
        Measure(what="/healthz while drawing, p99", value=1e3 * percentile(health, 0.99), unit="ms", goal=20),
        Measure(what="memory, growth", value=growth, unit="%", goal=5, note=f"of {memory[0]:.0f} MB"),
    ]
    p50_ms = round(1e3 * percentile(health, 0.5), 2)
    return {
        "overhead": overhead,
        "health": {"asked": len(health), "p50_ms": p50_ms},
        "memory_mb": memory,
    }, measures


def _overhead(pipeline: Pipeline, address: str, size: str, rounds: int) -> dict[str, float]:
    """Medians in ms of the library's call, of the server's, and of the difference of the two in each round."""
    width, height = map(int, size.split("x"))
    connection = HTTPConnection(address, timeout=100)
    files: dict[str, bytes] = {}

    def library(seed: int) -> None:
        [picture] = pipeline.generate(PROMPT, seed=seed, size=(width, height), steps=_STEPS)
        files["library"] = picture.to_bytes("png")

    def server(seed: int) -> None:
        files["server"] = _drawn(connection, order(PROMPT, seed, size=size, steps=_STEPS))

    pairs = []
    for seed in range(rounds + 2):
        # Who goes first takes turns too.
        took = [_milliseconds(call, seed) for call in ((library, server), (server, library))[seed % 2]]
        pairs.append(took if seed % 2 == 0 else took[::-1])
    connection.close()
    if (pixels_of(files["library"]) != pixels_of(files["server"])).any():
        raise RuntimeError("the server and the library do not draw the same picture")
    warm = pairs[2:]
    return {
        "rounds": rounds,
        "library_ms": round(statistics.median(mine for mine, _ in warm), 2),
        "server_ms": round(statistics.median(theirs for _, theirs in warm), 2),
        "difference_ms": round(statistics.median(theirs - mine for mine, theirs in warm), 2),
    }


def _milliseconds(call: Callable[[int], None], seed: int) -> float:
    start = time.perf_counter()
    call(seed)
    return 1e3 * (time.perf_counter() - start)


def _drawn(connection: HTTPConnection, fields: dict[str, Any]) -> bytes:
    """The picture's file, over a connection that stays."""
    connection.request(
        "POST", "/v1/images/generations", json.dumps(fields), {"content-type": "application/json"}
    )
    with connection.getresponse() as response:
        body = response.read()
    if response.status != 200:
        raise RuntimeError(f"the server answers {response.status}: {body[:200]!r}")
    return picture_of(body)


def _memory(server: Server, requests: int) -> list[float]:
    """The server's resident memory in MB, after a warm-up and then ten times, over so many requests one by one."""
    connection, seed = HTTPConnection(server.address, timeout=100), 0
    memory = []
    for number in [requests * _WARM_UP // 1000, *[requests // 10] * 10]:
        for _ in range(number):
            seed += 1
            _drawn(connection, order(f"{seed} boats", seed, steps=1))
        memory.append(round(server.memory(), 1))
    connection.close()
    return memory


def _told(row: dict[str, float]) -> str:
    return f"library {row['library_ms']:.1f} ms, server {row['server_ms']:.1f} ms, {row['rounds']} rounds"


if __name__ == "__main__":
    main()
