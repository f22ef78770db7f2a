"""Pages that are written from the code or from results: written, or with --check compared."""

# ruff: noqa: INP001 - shared by scripts, which are no package

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["BEGIN", "END", "between", "head", "latest", "measures_table", "told", "write_or_check"]

BEGIN = "<!-- generated from bench/results by `make docs`: begin -->\n"
END = "<!-- generated: end -->\n"
NOTHING = "There is no result of `python -m bench.{name}` yet.\n"


def between(text: str, parts: list[str]) -> str:
    """The page, with the part between its two marks written anew."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + "\n" + "\n".join(parts) + "\n" + END + after


def latest(name: str, results: Path) -> dict[str, Any] | None:
    """The numbers of the latest result of a benchmark; None if there is none."""
    files = sorted(results.glob(f"{name}-*.json"))
    return json.loads(files[-1].read_text(encoding="utf-8")) if files else None


def head(name: str, numbers: Mapping[str, Any]) -> str:
    """Which run that was, when, and where."""
    cores = f"{numbers['machine']['cores']} cores, {numbers['machine']['architecture']}"
    short = " A short run, which only shows that it works." if numbers["short"] else ""
    return (
        f"`python -m bench.{name}` on {numbers['date'][:10]}, commit {numbers['commit']}, engine "
        f"{numbers['engine']}, {cores}, {numbers['seconds']:.0f} s.{short}\n\n"
    )


def measures_table(measures: list[dict[str, Any]]) -> str:
    """Figures, each with its goal beside it."""
    rows = [
        f"| {row['what']} | {row['value']:.2f} {row['unit']} | {row['bound']} {row['goal']:.3g} "
        f"| {'yes' if row['reached'] else '**no**'} | {row['note']} |\n"
        for row in measures
    ]
    return "| what | measured | goal | reached | |\n|---|---|---|---|---|\n" + "".join(rows)


def told(name: str, results: Path) -> str:
    """What the latest result of a benchmark says of its goals."""
    numbers = latest(name, results)
    return (
        NOTHING.format(name=name)
        if numbers is None
        else head(name, numbers) + measures_table(numbers["measures"])
    )


def write_or_check(page: Path, text: str) -> int:
    """Write the page, or with --check on the command line compare it; the exit status."""
    if "--check" not in sys.argv:
        page.write_text(text, encoding="utf-8")
        return 0
    if page.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"docs/{page.name} is out of date: run `make docs`\n")
    return 1
