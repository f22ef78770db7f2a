"""What every benchmark does with its numbers: a dated JSON file with the commit and the machine, and a table."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

__all__ = ["Measure", "print_measures", "print_table", "write_result"]

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """A figure beside its goal.

    Attributes:
        what: is measured.
        value: the figure.
        unit: what it counts, "" for a ratio.
        goal: what it must reach.
        at_least: larger is better; otherwise the goal is the most that it may be.
        note: what there is to know of how it was measured.
    """

    what: str
    value: float
    unit: str = ""
    goal: float
    at_least: bool = False
    note: str = ""

    @property
    def reached(self) -> bool:
        """The goal is."""
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    def row(self) -> dict[str, Any]:
        """Everything, for a result's file."""
        return {
            "what": self.what,
            "value": round(self.value, 4),
            "unit": self.unit,
            "goal": round(self.goal, 4),
            "bound": "at least" if self.at_least else "at most",
            "reached": self.reached,
            "note": self.note,
        }


def write_result(name: str, numbers: dict[str, Any], out: Path | None = None) -> Path:
    """Write `numbers` to `out`, or with date, commit and machine to bench/results/NAME-DATE.json; returns the path."""
    if out:
        out.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
        return out
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    facts = {
        "date": now.isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "machine": {
            "cores": os.cpu_count(),
            "architecture": platform.machine(),
            "python": platform.python_version(),
        },
    }
    path = RESULTS / f"{name}-{now:%Y-%m-%d}.json"
    path.write_text(json.dumps(facts | numbers, indent=1) + "\n", encoding="utf-8")
    return path


def print_table(rows: list[tuple[str, str]]) -> None:
    """Two columns, aligned."""
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        print(f"{label:<{width}}  {value}")


def print_measures(measures: Iterable[Measure]) -> None:
    """Figures, each with its goal beside it."""
    print_table([(measure.what, _told(measure)) for measure in measures])


def _told(measure: Measure) -> str:
    bound, verdict = measure.row()["bound"], "reached" if measure.reached else "MISSED"
    return f"{measure.value:9.2f} {measure.unit:<6} {bound} {measure.goal:.3g}, {verdict}"
