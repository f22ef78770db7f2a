"""`scripts/engines_page.py`: the measured part of docs/engines.md comes from the latest result."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
RESULT: dict[str, Any] = {
    "date": "2030-01-02T03:04:05+00:00",
    "commit": "abc1234",
    "engine": "openvino",
    "seconds": 600.4,
    "short": False,
    "machine": {"cores": 2, "architecture": "x86_64"},
    "measures": [],
    "left_out": {"other.cpp": ["other_cpp"]},
    "alone": {"limner": {"step": 1.25, "outside_the_steps": 2.0, "of_20_steps": 27.0}},
    "memory_mb": {"limner": 2500},
    "four_in_flight": {
        "limner": {"per_second": 0.1, "longest_wait": 40.2, "deadline": 75.0, "goodput": 0.09}
    },
    "starts": {"limner": {"ready": 3.21, "drawn": 9.0}},
}


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], str]:
    """Writes the part between the marks from a folder of results."""
    monkeypatch.setattr(sys, "path", [str(SCRIPTS), *sys.path])
    script = runpy.run_path(str(SCRIPTS / "engines_page.py"))
    marks = runpy.run_path(str(SCRIPTS / "generated.py"))

    def write(results: Path) -> str:
        text: str = script["engines_page"](f"before\n{marks['BEGIN']}old\n{marks['END']}after\n", results)
        assert text.startswith("before\n")
        assert text.endswith("after\n")
        return text

    return write


def test_without_a_result_it_says_so(page: Callable[[Path], str], tmp_path: Path) -> None:
    """And which command makes one."""
    assert "There is no result of `python -m bench.checkpoints` yet." in page(tmp_path)


def test_the_latest_result_is_told(page: Callable[[Path], str], tmp_path: Path) -> None:
    """Alone, with four in flight, and from the start of a process; who is left out is named."""
    (tmp_path / "checkpoints-2030-01-02.json").write_text(json.dumps(RESULT))
    text = page(tmp_path)
    assert "2030-01-02, commit abc1234, engine openvino, 2 cores, x86_64, 600 s." in text
    assert "| limner | 1.25 s | 2.00 s | 27.0 s | 2.5 GB |" in text
    assert "| limner | 0.100 | 40 s | 75 s | 0.090 /s |" in text
    assert "| limner | 3.2 s | 9.0 s |" in text
    assert "Left out: other.cpp (for want of other_cpp)." in text
