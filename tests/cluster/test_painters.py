"""`limner batch --ray`: each line once, whatever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from limner import load
from limner.bulk.making import Made
from limner.bulk.wishes import Wish, wish_of
from limner.cli import app
from limner.cluster.connection import connect
from limner.cluster.painters import Painters, _Painter
from limner.engines.base import Capabilities
from limner.errors import CancelledError, EngineError, EngineUnavailableError, ModelError
from limner.imaging.reader import read_pixels
from limner.settings import Settings
from tests.cluster.helpers import ray_processes

LINES = 250
ENVIRON = os.environ | {"RAY_DEFAULT_OBJECT_STORE_MAX_MEMORY_BYTES": "100000000", "RAY_worker_niceness": "0"}


def command(source: Path, *more: str) -> list[str]:
    """Draw a list into a folder beside it, with the instant engine."""
    limner = [sys.executable, "-c", "from limner.cli import main; main()"]
    return [
        *limner,
        "batch",
        str(source),
        "-o",
        str(source.parent / "out"),
        "--engine",
        "fake",
        "--json",
        *more,
    ]


def results(source: Path) -> list[dict[str, Any]]:
    """The lines that are drawn so far, in the order in which they were."""
    path = source.parent / "out" / "results.jsonl"
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def kill_one(process: subprocess.Popen[str]) -> None:
    """Some engine, as soon as there is one."""
    while not (found := ray_processes(process, "ray::_Painter")):
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(found[-1], signal.SIGKILL)


def wait_for(source: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Until so many lines are drawn."""
    while len(results(source)) < count:
        assert process.poll() is None
        time.sleep(0.02)


@contextmanager
def drawing(source: Path) -> Iterator[subprocess.Popen[str]]:
    """The command, at work with two engines."""
    asked = command(source, "--ray", "--replicas", "2")
    with (
        (source.parent / "log").open("a") as log,
        subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=log, text=True, env=ENVIRON) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def test_each_line_once_whatever_dies(tmp_path: Path) -> None:
    """Engines are killed, then the one who reads the list; in the end each line has its own picture, and one."""
    source = tmp_path / "prompts.jsonl"
    lines = [{"prompt": f"{number}", "seed": number, "steps": 12} for number in range(1, LINES + 1)]
    source.write_text("".join(f"{json.dumps(line)}\n" for line in [*lines, {"prompt": ""}]), encoding="utf-8")
    with drawing(source) as process:
        for count in (20, 60, 100):
            wait_for(source, count, process)
            kill_one(process)
        wait_for(source, 120, process)
        process.kill()
    before = len(results(source))
    assert 120 <= before < LINES
    done = subprocess.run(command(source), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    tally = json.loads(done.stdout)
    assert (tally["lines"], tally["kept"], tally["kept"] + tally["drawn"]) == (LINES + 1, before, LINES)
    assert sorted(line["line"] for line in results(source)) == list(range(1, LINES + 1))
    pictures = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert pictures == [f"{number:06}.png" for number in range(1, LINES + 1)]
    for number in (1, 125, LINES):
        drawn = load(engine="fake").generate(f"{number}", seed=number, steps=12)[0].pixels_HWC
        assert (read_pixels((tmp_path / "out" / f"{number:06}.png").read_bytes()) == drawn).all()
    [failure] = (tmp_path / "out" / "failures.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(failure)["error"]["type"] == "InvalidRequestError"


class Mortal:
    """An engine that one line is the death of; Ray runs it."""

    def open(self) -> Capabilities:
        """It is ready."""
        return load(engine="fake").engine.capabilities

    def make(self, wish: Wish) -> Made:
        """No files, if it survives."""
        if wish.request.prompt == "poison":
            os.kill(os.getpid(), signal.SIGKILL)
        return Made(files=(), unread=wish.request.prompt)


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """Ray, on this machine."""
    with pytest.MonkeyPatch.context() as environ:
        for name in ("RAY_DEFAULT_OBJECT_STORE_MAX_MEMORY_BYTES", "RAY_worker_niceness"):
            environ.setenv(name, ENVIRON[name])
        found = connect(None)
        yield found
        found.shutdown()


def test_a_line_that_kills_engines_is_given_up(ray: Any) -> None:
    """After five of them, and the next line finds another one."""
    painters = Painters(ray.remote(max_restarts=0, max_concurrency=2)(Mortal).remote, 1, 2)
    with pytest.raises(EngineError, match=r"5 engines died one after the other while they drew this line"):
        painters.make(wish_of({"prompt": "poison"}))
    assert painters.make(wish_of({"prompt": "bread"})).unread == "bread"
    painters.close()
    with pytest.raises(CancelledError, match="begin anew"):
        painters.make(wish_of({"prompt": "bread"}))


def test_an_engine_that_cannot_be_had_is_an_error(ray: Any) -> None:
    """The reason is told that the engine has, where it is; it is no line's own fault."""
    settings = Settings(model="nowhere", engine="torch")
    painters = Painters(lambda: ray.remote(max_restarts=0)(_Painter).remote(settings, 2), 1, 2)
    with pytest.raises(ModelError, match="nowhere"):
        painters.able()
    with pytest.raises(EngineUnavailableError, match=r"no engine is left that could draw: .*nowhere"):
        painters.make(wish_of({"prompt": "a cat"}))
    painters.close()


@pytest.mark.parametrize("option", ["replicas", "cpus", "gpus", "address"])
def test_what_is_about_ray_is_refused_without_it(tmp_path: Path, option: str) -> None:
    """By name."""
    asked = ["batch", str(tmp_path / "x.jsonl"), "-o", str(tmp_path), "--engine", "fake", f"--{option}", "1"]
    result = CliRunner().invoke(app, asked)
    assert (result.exit_code, f"--{option} is about engines that Ray runs" in result.stderr) == (2, True)
