"""How fast training scenes are composed, captioned and turned into questions, on one core.

Run with `python -m bench.scenes`. Processor time is counted, not the clock on the wall, so that other work on
the machine disturbs little. "cold" draws most sprites for the first time, "warm" has them in memory, as a
training run has after its first minute.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import PIL

from bench.results import print_table, write_result
from limner.settings import Settings
from limner.training.dataset import SceneStream, StreamConfig
from limner.training.scenes.art import fetch_art

__all__ = ["GOAL", "main", "measure"]

GOAL = 60.0
"""Pictures a second and core: a million scenes in less than five hours on one core."""

_FIRST_WARM = 1_000_000


def main() -> None:
    """Measure, print, and write the result."""
    parser = argparse.ArgumentParser(prog="python -m bench.scenes", description="Scenes a second and core.")
    parser.add_argument("--art", type=Path, help="where the art is; by default the cache folder")
    parser.add_argument("--scenes", type=int, default=500, help="how many to measure with")
    options = parser.parse_args()
    art = fetch_art(options.art or Settings().cache_dir / "art")
    rates = measure(SceneStream(StreamConfig(art=art)), options.scenes)
    verdict = "reached" if rates["picture, warm"] >= GOAL else "missed"
    print_table(
        [(name, f"{rate:7.0f} /s") for name, rate in rates.items()]
        + [("goal for pictures", f"{GOAL:7.0f} /s, {verdict}")]
    )
    versions = {"numpy": np.__version__, "pillow": PIL.__version__}
    write_result(
        "scenes",
        {"scenes": options.scenes, "goal": GOAL, "per_second_and_core": rates, "versions": versions},
    )


def measure(stream: SceneStream, scenes: int) -> dict[str, float]:
    """How many a second of processor time, for each thing that a stream can be asked for."""
    cold, warm = range(scenes), range(_FIRST_WARM, _FIRST_WARM + scenes)
    return {
        "picture, cold": _rate(stream.picture, cold),
        "picture, warm": _rate(stream.picture, warm),
        "scene": _rate(stream.scene, warm),
        "caption": _rate(stream.caption, warm),
        "ten choices": _rate(stream.choices, warm),
    }


def _rate(make: Callable[[int], object], indices: Sequence[int]) -> float:
    start = time.process_time()
    for index in indices:
        make(index)
    return len(indices) / (time.process_time() - start)


if __name__ == "__main__":
    main()
