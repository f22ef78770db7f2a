"""Writes the measured part of docs/serving.md from bench/results; with --check only says whether it is up to date."""

# ruff: noqa: INP001 - a script is run, never imported

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from generated import between, latest, told, write_or_check

__all__ = ["serving_page"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "serving.md"
RESULTS = ROOT / "bench" / "results"


def serving_page(text: str, results: Path) -> str:
    """The page, with the part between its two marks written anew.

    Args:
        text: the page as it is.
        results: the folder of the results, of which the latest of each benchmark is told.
    """
    return between(text, [_told(name, results) for name in ("serving", "http")])


def _told(name: str, results: Path) -> str:
    numbers = latest(name, results) or {}
    return told(name, results) + (_rates(numbers) if "rates" in numbers else "")


def _rates(numbers: dict[str, Any]) -> str:
    title = (
        f"\nUnder load: {numbers['capacity_per_second']:.2f} pictures a second is what limner draws with eight "
        f"requests in flight, the deadline is {numbers['deadline_seconds']:.2f} s, requests come for "
        f"{numbers['seconds_per_rate']:g} s at each rate, every one for {numbers['steps']} steps.\n\n"
        "| rate | server | p50 | p95 | p99 | goodput | asked | refused | limner's goodput is |\n"
        "|---|---|---|---|---|---|---|---|---|\n"
    )
    rows = "".join(_rate(row, numbers["goodput_ratios"]) for row in numbers["rates"])
    return title + rows + _networks(numbers)


def _rate(row: dict[str, Any], ratios: dict[str, dict[str, float | None]]) -> str:
    waits = " | ".join(
        "none" if row[share] is None else f"{row[share]:.2f} s" for share in ("p50", "p95", "p99")
    )
    ratio = ratios.get(row["server"], {}).get(f"{row['rate']:g}")
    return (
        f"| {row['rate']:g} | {row['server']} | {waits} | {row['goodput']:.2f} /s | "
        f"{row['asked_per_second']:.2f} /s | {row['refused']} | {'' if ratio is None else f'{ratio:.2f} times'} |\n"
    )


def _networks(numbers: dict[str, Any]) -> str:
    sizes = [
        f"{name} {size['parameters'] / 1e6:.2f} million weights and {size['gflop']:.2f} GFLOP a pass"
        for name, size in numbers["networks"].items()
    ]
    told = f"\nThe denoisers: {'; '.join(sizes)}.\n" if sizes else ""
    absent = [f"{name} (for want of {', '.join(names)})" for name, names in numbers["left_out"].items()]
    return told + (f"\nLeft out: {'; '.join(absent)}.\n" if absent else "")


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, serving_page(PAGE.read_text(encoding="utf-8"), RESULTS)))
