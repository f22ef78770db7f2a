"""The folder that a list is drawn into: its pictures, and what is known of each line.

::

    000001.png              the picture of line 1; 000002-cat-1.webp is the first one of line 2, whose id is "cat"
    results.jsonl           a line for each line that is drawn
    failures.jsonl          a line for each that could not be; not there if there is none
    batch.json              of which list all this is

A line is drawn when it is in `results.jsonl`. Its pictures are there before that, under names that do not change, so
whoever draws it again after a kill writes over them.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from limner.errors import InvalidRequestError, LimnerError, OutputError
from limner.files import take_lock, write_json_atomic

__all__ = ["FAILURES", "MANIFEST", "RESULTS", "Manifest", "locked_folder", "picture_names"]

RESULTS, FAILURES, MANIFEST = "results.jsonl", "failures.jsonl", "batch.json"

_STRAY = re.compile(r"\.[0-9a-f]{16}\.tmp")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
_ID_CHARACTERS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """Of which list a folder's pictures are.

    Attributes:
        input: the list's file, as it was called.
        sha256: of its content.
        model: who draws it.
    """

    input: str
    sha256: str
    model: str


def picture_names(number: int, line_id: str | None, count: int, extension: str) -> list[str]:
    """How the pictures of a line are called: the number makes the name its own, the id makes it readable."""
    slug = _NOT_IN_NAMES.sub("-", line_id or "")[:_ID_CHARACTERS].strip("-.")
    stem = f"{number:06}" + (f"-{slug}" if slug else "")
    if count == 1:
        return [f"{stem}.{extension}"]
    return [f"{stem}-{index}.{extension}" for index in range(1, count + 1)]


@contextlib.contextmanager
def locked_folder(folder: Path, manifest: Manifest) -> Iterator[None]:
    """The folder is there, belongs to this list, and nobody else draws into it until the end of the block.

    Raises:
        InvalidRequestError: it is of another list or model, or somebody draws into it just now.
        OutputError: it cannot be made, or not be written into.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder {folder} cannot be used ({error}): choose another one") from error
    lock = take_lock(folder / ".lock")
    if lock is None:
        message = f"another process is drawing into {folder}: wait for it, or choose another folder"
        raise InvalidRequestError(message, param="output")
    with lock:
        _check(folder, manifest)
        _tidy(folder)
        yield


def _check(folder: Path, manifest: Manifest) -> None:
    path = folder / MANIFEST
    if not path.exists():
        if (folder / RESULTS).exists():
            raise InvalidRequestError(
                f"{folder} has a {RESULTS} and no {MANIFEST}: choose another folder", param="output"
            )
        write_json_atomic(path, asdict(manifest))
        return
    known = _read(path)
    for name, what in (("sha256", "has another content"), ("model", "is to be drawn by another model")):
        if known.get(name) != getattr(manifest, name):
            raise InvalidRequestError(
                f"{manifest.input} {what} than when {folder} was begun: choose another folder, or draw what "
                "was there then",
                param="output",
            )


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        return dict(found)
    except (OSError, ValueError, TypeError) as error:
        raise LimnerError(f"{path} cannot be read ({error}): choose another folder") from error


def _tidy(folder: Path) -> None:
    """Delete what a killed process left of a file that it was writing."""
    for path in folder.iterdir():
        if _STRAY.fullmatch(path.name):
            path.unlink(missing_ok=True)
