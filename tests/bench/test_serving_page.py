"""`scripts/serving_page.py`: the measured part of docs/serving.md comes from the latest results."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
FACTS = {
    "date": "2030-01-02T03:04:05+00:00",
    "commit": "abc1234",
    "engine": "fake",
    "seconds": 30.4,
    "short": False,
}
MACHINE = {"machine": {"cores": 2, "architecture": "x86_64"}}
MEASURE = {
    "what": "wait",
    "value": 12.345,
    "unit": "ms",
    "goal": 10,
    "bound": "at most",
    "reached": False,
    "note": "",
}
ROW = {
    "rate": 0.3,
    "p50": 0.25,
    "p95": 0.5,
    "p99": None,
    "goodput": 1.5,
    "asked_per_second": 2.0,
    "refused": 1,
}
LOAD: dict[str, Any] = {
    "capacity_per_second": 3.0,
    "deadline_seconds": 1.5,
    "seconds_per_rate": 12,
    "steps": 12,
}
LOAD |= {"rates": [ROW | {"server": "peer"}], "goodput_ratios": {"peer": {"0.3": 2.0}}}
LOAD |= {
    "networks": {"peer": {"parameters": 9_200_000, "gflop": 1.07}},
    "left_out": {"other": ["its_package"]},
}


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], list[str]]:
    """Writes the part between the marks from a folder of results; its lines that are not empty."""
    monkeypatch.setattr(sys, "path", [str(SCRIPTS), *sys.path])
    script = runpy.run_path(str(SCRIPTS / "serving_page.py"))

    def write(results: Path) -> list[str]:
        text: str = script["serving_page"](f"before\n{script['BEGIN']}old\n{script['END']}after\n", results)
        lines = [line for line in text.splitlines() if line]
        assert (lines[0], lines[-1]) == ("before", "after")
        return lines[2:-2]

    return write


def test_without_a_result_it_says_so(page: Callable[[Path], list[str]], tmp_path: Path) -> None:
    """And which command makes one."""
    assert page(tmp_path) == [
        f"There is no result of `python -m bench.{name}` yet." for name in ("serving", "http")
    ]


def test_the_latest_result_is_told(page: Callable[[Path], list[str]], tmp_path: Path) -> None:
    """With its date, its commit, its machine, and what was missed in bold."""
    for date, commit in (("2030-01-02", "abc1234"), ("2029-12-31", "fff0000")):
        numbers = FACTS | MACHINE | {"commit": commit, "measures": [MEASURE]}
        (tmp_path / f"http-{date}.json").write_text(json.dumps(numbers))
    lines = page(tmp_path)
    assert (
        "`python -m bench.http` on 2030-01-02, commit abc1234, engine fake, 2 cores, x86_64, 30 s." in lines
    )
    assert lines[-1] == "| wait | 12.35 ms | at most 10 | **no** |  |"


def test_load_is_told_by_rate_and_server(page: Callable[[Path], list[str]], tmp_path: Path) -> None:
    """Waits, goodput and the ratio to it; how large the networks are; and who is left out for want of what."""
    numbers = FACTS | MACHINE | LOAD | {"measures": [MEASURE]}
    (tmp_path / "serving-2030-01-02.json").write_text(json.dumps(numbers))
    text = "\n".join(page(tmp_path))
    assert "| 0.3 | peer | 0.25 s | 0.50 s | none | 1.50 /s | 2.00 /s | 1 | 2.00 times |" in text
    assert "peer 9.20 million weights and 1.07 GFLOP a pass" in text
    assert "Left out: other (for want of its_package)." in text
