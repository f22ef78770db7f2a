"""`limner serve`: says where it is, keeps strangers out, and leaves in order."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from limner.cli import app
from limner.server.access.keys import KeyFile

# A shell that starts something in the background tells it to ignore Ctrl-C.
HEED = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
COMMAND = [
    *(sys.executable, "-c", f"{HEED}; from limner.cli import main; main()"),
    *("serve", "--engine", "fake"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The command, serving on a free port."""
    command = [*COMMAND, "--port", "0", "--data-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def first_line(server: subprocess.Popen[str]) -> str:
    """What it says when it is there."""
    assert server.stdout is not None
    return server.stdout.readline()


def test_it_says_where_it_is_and_what_to_change(server: subprocess.Popen[str]) -> None:
    """One line with the address and the one change of a program; then it answers there, and leaves when told."""
    line = first_line(server)
    found = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert found is not None
    assert f'OpenAI(base_url="{found[0]}/v1"' in line
    with urllib.request.urlopen(f"{found[0]}/readyz") as answer:  # noqa: S310  an address of ours
        assert answer.status == 200
    server.send_signal(signal.SIGINT)
    assert server.wait(60) == 130
    assert server.stderr is not None
    told = server.stderr.read()
    assert "finishing what is being drawn" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "draw.example.com"])  # noqa: S104  refused
def test_nobody_else_is_let_in_without_a_key(host: str, tmp_path: Path) -> None:
    """It refuses to start, and says why and what to do."""
    arguments = ["serve", "--engine", "fake", "--host", host, "--data-dir", str(tmp_path)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "limner keys new" in result.output


def test_with_a_key_others_are_let_in(tmp_path: Path) -> None:
    """Here up to the point where the port is no port."""
    KeyFile(tmp_path / "k.json").new("test")
    arguments = ["serve", "--host", "0.0.0.0", "--key-file", str(tmp_path / "k.json"), "--engine", "nothing"]  # noqa: S104
    result = CliRunner().invoke(app, arguments)
    assert "There is no engine 'nothing'" in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--engine", "nothing"], "There is no engine 'nothing'"),
        (["--port", "99999"], "LIMNER_PORT"),
        (["--public-url", "ftp://a"], "LIMNER_PUBLIC_URL"),
        (["--data-dir", "/dev/null/x"], "LIMNER_DATA_DIR"),
        (["--model", "a", "--model", "b=c", "--model", "b=d"], "two models the name 'b'"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(arguments: list[str], told: str, tmp_path: Path) -> None:
    """By the setting's name, before anything listens."""
    result = CliRunner().invoke(app, ["serve", "--engine", "fake", "--data-dir", str(tmp_path), *arguments])
    assert result.exit_code in (1, 2)
    assert told in result.output
    assert "Traceback" not in result.output
