"""`limner studio`: the web page and the API on one address, or one line that says what is missing."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

HEED = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
RUN = "from limner.cli import main; main()"


@pytest.mark.parametrize("command", [["studio"], ["serve", "--studio"]])
def test_it_says_where_the_page_is(tmp_path: Path, command: list[str]) -> None:
    """It is there, the API is beside it, and an order to stop is followed though a page is open."""
    options = ["--engine", "fake", "--port", "0", "--data-dir", str(tmp_path)]
    arguments = [sys.executable, "-c", f"{HEED}; {RUN}", *command, *options]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = process.stdout.readline() + process.stdout.readline()
        found = re.search(r"limner studio is at (http://127\.0\.0\.1:\d+)/studio", told)
        assert found is not None
        for path in ("/studio/", "/readyz"):
            with urllib.request.urlopen(found[1] + path) as answer:  # noqa: S310  an address of ours
                assert answer.status == 200
        with urllib.request.urlopen(f"{found[1]}/studio/gradio_api/heartbeat/open"):  # noqa: S310  the same
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0


@pytest.mark.parametrize("library", ["gradio", "sqlalchemy"])
def test_what_is_missing_is_told_in_one_line(tmp_path: Path, library: str) -> None:
    """With what to install, and before a model is loaded."""
    code = f"import sys; sys.modules[{library!r}] = None; {RUN}"
    options = ["studio", "--data-dir", str(tmp_path), "--model", str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", code, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'limner[studio]'" in done.stderr


def test_serving_the_api_alone_needs_none_of_it() -> None:
    """The command is known and told of without its libraries."""
    code = f"import sys; sys.modules['gradio'] = None; {RUN}"
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    assert "studio" in done.stdout
