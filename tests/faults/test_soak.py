"""Many pictures, a mix of everything, clients that leave and steps that fail: nothing piles up, nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("engine", "pictures"), [("fake", 100), ("openvino", 16)])
def test_soak(engine: str, pictures: int, cache: Path, tmp_path: Path) -> None:
    """Memory stays flat, no thread and no open file is left, and each link works until its time and is gone then."""
    out = tmp_path / "soak.json"
    command = [sys.executable, "-m", "bench.soak", "--engine", engine, "--pictures", str(pictures)]
    environ = os.environ | {"LIMNER_CACHE_DIR": str(cache), "LIMNER_THREADS": "1"}
    subprocess.run([*command, "--out", str(out)], cwd=ROOT, env=environ, check=True, timeout=100)
    numbers = json.loads(out.read_text())
    assert numbers["pictures"] >= pictures
    assert numbers["untrue"] == []
    assert numbers["links"] > 0
    assert numbers["memory_growth"] <= numbers["goal"], numbers["memory"]
    assert len(set(numbers["open_files"])) == 1
    assert (numbers["threads_left"], numbers["open_files_left"]) == ([], 0)
