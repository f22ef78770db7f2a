"""Writes the measured part of docs/serving.md from bench/results; with --check only says whether it is up to date."""

# ruff: noqa: INP001 - a script is run, never imported

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from generated import write_or_check

__all__ = ["serving_page"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "serving.md"
RESULTS = ROOT / "bench" / "results"
BEGIN = "<!-- generated from bench/results by `make docs`: begin -->\n"
END = "<!-- generated: end -->\n"
NOTHING = "There is no result of `python -m bench.{name}` yet.\n"


def serving_page(text: str, results: Path) -> str:
    """The page, with the part between its two marks written anew.

    Args:
        text: the page as it is.
        results: the folder of the results, of which the latest of each benchmark is told.
    """
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    parts = [_told(name, results) for name in ("serving", "http")]
    return before + BEGIN + "\n" + "\n".join(parts) + "\n" + END + after


def _told(name: str, results: Path) -> str:
    files = sorted(results.glob(f"{name}-*.json"))
    if not files:
        return NOTHING.format(name=name)
    numbers = json.loads(files[-1].read_text(encoding="utf-8"))
    text = _head(name, numbers) + _measures(numbers["measures"])
    return text + _rates(numbers) if "rates" in numbers else text


def _head(name: str, numbers: dict[str, Any]) -> str:
    cores = f"{numbers['machine']['cores']} cores, {numbers['machine']['architecture']}"
    short = " A short run, which only shows that it works." if numbers["short"] else ""
    return (
        f"`python -m bench.{name}` on {numbers['date'][:10]}, commit {numbers['commit']}, engine "
        f"{numbers['engine']}, {cores}, {numbers['seconds']:.0f} s.{short}\n\n"
    )


def _measures(measures: list[dict[str, Any]]) -> str:
    rows = [
        f"| {row['what']} | {row['value']:.2f} {row['unit']} | {row['bound']} {row['goal']:.3g} "
        f"| {'yes' if row['reached'] else '**no**'} | {row['note']} |\n"
        for row in measures
    ]
    return "| what | measured | goal | reached | |\n|---|---|---|---|---|\n" + "".join(rows)


def _rates(numbers: dict[str, Any]) -> str:
    head = (
        f"\nUnder load: {numbers['capacity_per_second']:.2f} pictures a second is what limner draws with eight "
        f"requests in flight, the deadline is {numbers['deadline_seconds']:.2f} s, requests come for "
        f"{numbers['seconds_per_rate']:g} s at each rate, every one for {numbers['steps']} steps.\n\n"
        "| rate | server | p50 | p95 | p99 | goodput | asked | refused | limner's goodput is |\n"
        "|---|---|---|---|---|---|---|---|---|\n"
    )
    rows = "".join(_rate(row, numbers["goodput_ratios"]) for row in numbers["rates"])
    return head + rows + _networks(numbers)


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
