"""What a benchmark with goals does besides measuring: read the command line, print, and write the result."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from bench.results import Measure, print_measures, print_table, write_result

__all__ = ["Measured", "run"]

Measured: TypeAlias = tuple[dict[str, Any], list[Measure]]


def run(
    parser: argparse.ArgumentParser,
    measure: Callable[[argparse.Namespace], Measured],
    table: Callable[[dict[str, Any]], list[tuple[str, str]]] | None = None,
) -> None:
    """Measure, print, and write the result.

    Args:
        parser: of the command line, with the name of the module; `--short` and `--out` are added here.
        measure: measures as the command line says.
        table: rows to print of the numbers, besides the goals.
    """
    parser.add_argument("--short", action="store_true", help="much less, to see that it works")
    parser.add_argument("--out", type=Path, help="the file for the result; by default a dated one")
    options = parser.parse_args()
    began = time.perf_counter()
    found, measures = measure(options)
    seconds = round(time.perf_counter() - began, 1)
    numbers: dict[str, Any] = {"engine": getattr(options, "engine", "openvino")}
    numbers |= {"short": options.short, "seconds": seconds} | found
    numbers["measures"] = [each.row() for each in measures]
    print_measures(measures)
    if table is not None:
        print_table(table(numbers))
    for name, packages in numbers.get("left_out", {}).items():
        print(f"left out: {name}, for want of {', '.join(packages)}; `pip install --group bench` installs it")
    name = parser.prog.rpartition(".")[2]
    print(f"written to {write_result(name, numbers, options.out)}")
