"""The README is short, its links lead somewhere, and what it tells people to type works.

Blocks marked `python` and `console` are run; those marked `sh` set up a machine or train for hours.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(language: str) -> list[str]:
    """The contents of the README's fenced blocks in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """The lines that the console blocks tell people to type, split into words."""
    return [
        shlex.split(line[2:])
        for block in blocks("console")
        for line in block.splitlines()
        if line[:2] == "$ "
    ]


def test_the_readme_is_short() -> None:
    """A newcomer reads 75 to 150 lines."""
    assert 75 <= len(README.splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(page: Path) -> None:
    """Each link and picture that is not a web address is a file or folder of this repository."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_python_examples_work(tmp_path: Path) -> None:
    """The Python blocks, typed one after the other into one interpreter, run without a warning."""
    code = "\n".join(blocks("python"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "puppy.png").read_bytes().startswith(b"\x89PNG")


def test_the_client_example_works(live: str, capsys: pytest.CaptureFixture[str]) -> None:
    """OpenAI's client, with the one line changed, gets a link and a stream."""
    [code] = blocks("python client")
    told = code.replace("http://127.0.0.1:8000", live).replace('"none"', '"lk-live"')
    names: dict[str, Any] = {}
    exec(compile(told, "README.md", "exec"), names)  # noqa: S102  the README's own words
    names["client"].close()
    link, *events = capsys.readouterr().out.splitlines()
    assert link.startswith(live)
    assert [event.split()[0] for event in events][-1] == "image_generation.completed"


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_the_commands_work(command: list[str], tmp_path: Path) -> None:
    """Each command of the console blocks succeeds, and the file that it was told to write is there."""
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run([program, *command[1:]], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if "-o" in command:
        assert (tmp_path / command[command.index("-o") + 1]).stat().st_size > 0
