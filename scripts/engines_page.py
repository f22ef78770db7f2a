"""Writes the measured part of docs/engines.md from bench/results; with --check only says whether it is up to date."""

# ruff: noqa: INP001 - a script is run, never imported

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from generated import between, latest, told, write_or_check

__all__ = ["engines_page"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "engines.md"
RESULTS = ROOT / "bench" / "results"


def engines_page(text: str, results: Path) -> str:
    """The page, with the part between its two marks written anew.

    Args:
        text: the page as it is.
        results: the folder of the results, of which the latest is told.
    """
    numbers = latest("checkpoints", results)
    return between(text, [told("checkpoints", results), *([_alone(numbers)] if numbers else [])])


def _alone(numbers: dict[str, Any]) -> str:
    head = (
        "| who draws 512x512 with a Stable Diffusion 1.5 of random weights | a step | outside the steps | 20 steps, "
        "reckoned | memory |\n|---|---|---|---|---|\n"
    )
    rows = "".join(
        f"| {name} | {each['step']:.2f} s | {each['outside_the_steps']:.2f} s | {each['of_20_steps']:.1f} s "
        f"| {numbers['memory_mb'][name] / 1000:.1f} GB |\n"
        for name, each in numbers["alone"].items()
    )
    return head + rows + _crowd(numbers["four_in_flight"]) + _starts(numbers["starts"]) + _absent(numbers)


def _crowd(crowd: dict[str, Any]) -> str:
    head = (
        "\n| four in flight, 5 to 15 steps each | pictures a second | longest wait | deadline | goodput |\n"
        "|---|---|---|---|---|\n"
    )
    return head + "".join(
        f"| {name} | {each['per_second']:.3f} | {each['longest_wait']:.0f} s | {each['deadline']:.0f} s "
        f"| {each['goodput']:.3f} /s |\n"
        for name, each in crowd.items()
    )


def _starts(starts: dict[str, Any]) -> str:
    head = "\n| from the start of a process | ready | first picture of one step |\n|---|---|---|\n"
    return head + "".join(
        f"| {name} | {each['ready']:.1f} s | {each['drawn']:.1f} s |\n" for name, each in starts.items()
    )


def _absent(numbers: dict[str, Any]) -> str:
    absent = [f"{name} (for want of {', '.join(names)})" for name, names in numbers["left_out"].items()]
    return f"\nLeft out: {'; '.join(absent)}.\n" if absent else ""


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, engines_page(PAGE.read_text(encoding="utf-8"), RESULTS)))
