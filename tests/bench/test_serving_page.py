"""`scripts/serving_page.py`, `scripts/deploy_page.py`: what the pages measure comes from the latest results."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

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


Page: TypeAlias = Callable[[Path], list[str]]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Path], list[str]]:
    """Writes a page's part between the marks from a folder of results; its lines that are not empty."""
    monkeypatch.setattr(sys, "path", [str(SCRIPTS), *sys.path])
    marks = runpy.run_path(str(SCRIPTS / "generated.py"))

    def write(name: str, results: Path) -> list[str]:
        page = runpy.run_path(str(SCRIPTS / f"{name}.py"))[name]
        text: str = page(f"before\n{marks['BEGIN']}old\n{marks['END']}after\n", results)
        lines = [line for line in text.splitlines() if line]
        assert (lines[0], lines[-1]) == ("before", "after")
        return lines[2:-2]

    return write


@pytest.fixture
def page(written: Callable[[str, Path], list[str]]) -> Page:
    """The one of the crowd at the door."""
    return partial(written, "serving_page")


@pytest.fixture
def deploy_page(written: Callable[[str, Path], list[str]]) -> Page:
    """The one of many replicas."""
    return partial(written, "deploy_page")


def test_without_a_result_it_says_so(page: Page, tmp_path: Path) -> None:
    """And which command makes one."""
    assert page(tmp_path) == [
        f"There is no result of `python -m bench.{name}` yet." for name in ("serving", "http")
    ]


def test_the_latest_result_is_told(page: Page, tmp_path: Path) -> None:
    """With its date, its commit, its machine, and what was missed in bold."""
    for date, commit in (("2030-01-02", "abc1234"), ("2029-12-31", "fff0000")):
        numbers = FACTS | MACHINE | {"commit": commit, "measures": [MEASURE]}
        (tmp_path / f"http-{date}.json").write_text(json.dumps(numbers))
    lines = page(tmp_path)
    assert (
        "`python -m bench.http` on 2030-01-02, commit abc1234, engine fake, 2 cores, x86_64, 30 s." in lines
    )
    assert lines[-1] == "| wait | 12.35 ms | at most 10 | **no** |  |"


def test_load_is_told_by_rate_and_server(page: Page, tmp_path: Path) -> None:
    """Waits, goodput and the ratio to it; how large the networks are; and who is left out for want of what."""
    numbers = FACTS | MACHINE | LOAD | {"measures": [MEASURE]}
    (tmp_path / "serving-2030-01-02.json").write_text(json.dumps(numbers))
    text = "\n".join(page(tmp_path))
    assert "| 0.3 | peer | 0.25 s | 0.50 s | none | 1.50 /s | 2.00 /s | 1 | 2.00 times |" in text
    assert "peer 9.20 million weights and 1.07 GFLOP a pass" in text
    assert "Left out: other (for want of its_package)." in text


GOODPUT = {"replicas": 1, "per_second": 4.0, "proxy_seconds": 0.004, "controller_cores": 0.05}
MANY: dict[str, Any] = {
    "picture_seconds": 0.25,
    "steps": 12,
    "goodput": [GOODPUT, GOODPUT | {"replicas": 8, "per_second": 30.4}],
    "costs": {"picture": 0.25, "proxy": 0.004, "controller": 0.002},
    "limits": {"one proxy": 56, "the controller": 450},
    "simulated_seconds": 10,
}
MANY["simulated"] = [
    {"replicas": 1000, "proxies": 125, "p50": 0.3, "p99": 0.7, "goodput": 3200.0, "asked": 32_000}
]


def test_replicas_without_a_result_say_so(deploy_page: Page, tmp_path: Path) -> None:
    """And which command makes one."""
    assert deploy_page(tmp_path) == ["There is no result of `python -m bench.cluster` yet."]


def test_replicas_are_told_with_what_they_cost(deploy_page: Page, tmp_path: Path) -> None:
    """The share of linear, the arithmetic of a million a day, a thousand replicas, and what breaks first."""
    numbers = FACTS | MACHINE | MANY | {"measures": [MEASURE]}
    (tmp_path / "cluster-2030-01-02.json").write_text(json.dumps(numbers))
    text = "\n".join(deploy_page(tmp_path))
    assert "| 8 | 30.40 | 0.950 | 4.0 ms | 0.050 |" in text
    assert "| 1,000,000 / 86,400 / (0.8 x 4.00) | 4 replicas |" in text
    assert "| x 3 | 11 replicas |" in text
    assert "1,000 | $0.0069 |" in text
    assert "| 1,000 | 125 | 0.30 s | 0.70 s | 3,200.0 /s | 100% |" in text
    assert "one proxy at about 56 replicas; the controller at about 450 replicas" in text
    assert "**What breaks first is one proxy.**" in text
