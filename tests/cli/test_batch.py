"""`limner batch`: each line exactly once, whatever happens on the way."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from limner import load
from limner.cli import app
from limner.imaging.reader import read_pixels
from tests.fatal import fatal

OPENAI = {
    "custom_id": "r-1",
    "method": "POST",
    "url": "/v1/images/generations",
    "body": {"model": "gpt-image-1", "prompt": "a boat", "seed": 4, "output_format": "webp"},
}


def listed(folder: Path, *lines: object) -> Path:
    """A file of these lines; strings are written as they are."""
    path = folder / "prompts.jsonl"
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def batch(source: Path, *more: str) -> Result:
    """What the command does with the instant engine, drawing into "out" beside the file."""
    command = ["batch", str(source), "-o", str(source.parent / "out"), "--engine", "fake", *more]
    return CliRunner().invoke(app, command)


def summary(source: Path) -> dict[str, Any]:
    """What it tells of itself as JSON."""
    told: dict[str, Any] = json.loads(batch(source, "--json").stdout)
    return told


def noted(source: Path, name: str = "results.jsonl") -> list[dict[str, Any]]:
    """The lines of a file in the folder, by the line that they tell of."""
    text = (source.parent / "out" / name).read_text()
    return sorted((json.loads(line) for line in text.splitlines()), key=lambda line: line["line"])


def pictures(source: Path) -> list[str]:
    """The files in the folder that are neither lists nor hidden."""
    found = (path.name for path in (source.parent / "out").iterdir())
    return sorted(name for name in found if not name.startswith(".") and ".json" not in name)


def test_each_line_becomes_its_pictures(tmp_path: Path) -> None:
    """Named by number and id, told in results.jsonl, and the same to the byte as `limner generate` draws."""
    source = listed(
        tmp_path,
        {"prompt": "a cat", "seed": 3, "id": "My cat!"},
        "",
        {"prompt": "a", "n": 2, "format": "jpeg"},
    )
    result = batch(source)
    assert (result.exit_code, "2 of 2 lines" in result.stdout) == (0, True)
    assert pictures(source) == ["000001-My-cat.png", "000003-1.jpg", "000003-2.jpg"]
    [cat, _] = noted(source)
    assert (cat["line"], cat["id"], cat["pictures"][0]["seed"]) == (1, "My cat!", 3)
    data = (tmp_path / "out" / "000001-My-cat.png").read_bytes()
    assert data == load(engine="fake").generate("a cat", seed=3)[0].to_bytes()
    assert not (tmp_path / "out" / "failures.jsonl").exists()


def test_lines_of_openais_batch_api_are_drawn(tmp_path: Path) -> None:
    """By the contract that single calls are judged by."""
    source = listed(tmp_path, OPENAI, OPENAI | {"custom_id": "r-2", "body": {"prompt": "x", "n": 99}})
    assert batch(source).exit_code == 1
    assert pictures(source) == ["000001-r-1.webp"]
    assert noted(source)[0]["pictures"][0]["seed"] == 4
    assert noted(source, "failures.jsonl")[0]["error"]["param"] == "n"


def test_bad_lines_do_not_stop_the_others(tmp_path: Path) -> None:
    """Each is told with its number in failures.jsonl, and the exit code is 1."""
    twice = {"prompt": "a", "id": "b"}
    stream = OPENAI | {"body": {"model": "gpt-image-1", "prompt": "x", "stream": True}}
    source = listed(
        tmp_path, "nonsense", {"prompt": "a", "colour": 1}, twice, twice, OPENAI | {"url": "/v1/chat"}, stream
    )
    result = batch(source)
    assert (result.exit_code, "5 of 6 lines failed" in result.stderr) == (1, True)
    failures = noted(source, "failures.jsonl")
    assert [(line["line"], line["error"]["param"]) for line in failures] == [
        (1, None),
        (2, "colour"),
        (4, "id"),
        (5, "url"),
        (6, "stream"),
    ]
    assert pictures(source) == ["000003-b.png"]


def test_the_same_command_goes_on(tmp_path: Path) -> None:
    """What is drawn is not drawn again; what failed is tried again."""
    source = listed(tmp_path, {"prompt": "a cat"}, "nonsense")
    first = summary(source)
    before = (tmp_path / "out" / "000001.png").stat().st_mtime_ns
    assert (first["drawn"], first["kept"], first["failed"]) == (1, 0, 1)
    again = summary(source)
    assert (again["drawn"], again["kept"], again["failed"], again["lines"]) == (0, 1, 1, 2)
    assert (tmp_path / "out" / "000001.png").stat().st_mtime_ns == before
    assert len(noted(source, "failures.jsonl")) == 1


def test_a_torn_result_is_drawn_again(tmp_path: Path) -> None:
    """What a power cut left of the last line does not count, and the next line does not run into it."""
    source = listed(tmp_path, *({"prompt": f"{i}", "seed": i} for i in range(3)))
    batch(source)
    results = tmp_path / "out" / "results.jsonl"
    results.write_bytes(results.read_bytes()[:-20])
    assert summary(source)["drawn"] == 1
    assert [line["line"] for line in noted(source)] == [1, 2, 3]
    assert len(pictures(source)) == 3


def test_another_list_is_refused(tmp_path: Path) -> None:
    """The error says which, and the folder stays as it is."""
    source = listed(tmp_path, {"prompt": "a cat"})
    batch(source)
    listed(tmp_path, {"prompt": "a dog"})
    result = batch(source)
    assert (result.exit_code, "has another content" in result.stderr) == (2, True)
    assert noted(source)[0]["prompt"] == "a cat"


def test_two_at_a_time_are_refused(tmp_path: Path) -> None:
    """Whoever holds the folder draws into it."""
    source = listed(tmp_path, {"prompt": "a cat"})
    (tmp_path / "out").mkdir()
    with (tmp_path / "out" / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = batch(source)
    assert (result.exit_code, "another process" in result.stderr) == (2, True)


def test_a_list_that_is_not_there_is_told(tmp_path: Path) -> None:
    """In one line, with exit code 2."""
    result = batch(tmp_path / "none.jsonl")
    assert (result.exit_code, "cannot be read" in result.stderr) == (2, True)


def test_a_disk_that_is_full_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is no line's fault: nothing is noted as failed, and the same command goes on."""
    source = listed(tmp_path, {"prompt": "a cat"})
    with monkeypatch.context() as patched:
        patched.setattr("limner.files._write_to_disk", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
        batch(source)
        patched.setattr("limner.bulk.folder.write_json_atomic", lambda *_: None)
        result = batch(source)
    assert (result.exit_code, "the disk is full" in result.stderr) == (1, True)
    assert not (tmp_path / "out" / "failures.jsonl").exists()


FATAL = fatal(("fsync", "replace"), "from limner.cli import main; main()")


def test_kill_9_in_the_middle(tmp_path: Path) -> None:
    """Killed again and again, the same command ends with exactly one picture for each line."""
    source = listed(tmp_path, *({"prompt": f"{i}", "seed": i} for i in range(9)))
    for call in (3, 8, 12):
        command = [sys.executable, "-c", FATAL, str(call), "batch", str(source), "-o", str(tmp_path / "out")]
        done = subprocess.run([*command, "--engine", "fake"], capture_output=True, timeout=60, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr
    told = summary(source)
    assert (told["failed"], told["kept"] + told["drawn"]) == (0, 9)
    assert told["kept"] > 0
    assert [line["line"] for line in noted(source)] == list(range(1, 10))
    assert pictures(source) == [f"{i:06}.png" for i in range(1, 10)]
    assert list((tmp_path / "out").glob(".*.tmp")) == []
    for seed, name in enumerate(pictures(source)):
        drawn = load(engine="fake").generate(f"{seed}", seed=seed)[0].pixels_HWC
        assert (read_pixels((tmp_path / "out" / name).read_bytes()) == drawn).all()
