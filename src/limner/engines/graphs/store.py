"""Conversions on disk: each in a folder of its own, complete or absent, and told from a damaged one."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from limner.engines.graphs.identity import Hashes
from limner.errors import LimnerError, OutputError
from limner.files import sha256_of, write_json_atomic

__all__ = ["Store"]

_CONTENTS = "contents.json"


class Store:
    """Folders by name.

    Args:
        place: where they are.
        hashes: of their files.
    """

    def __init__(self, place: Path, hashes: Hashes) -> None:
        self._place = place
        self._hashes = hashes

    def find(self, name: str) -> Path | None:
        """A folder in which every file is as it was written, or None; a damaged one is taken away."""
        folder = self._place / name
        if not folder.is_dir():
            return None
        if self._is_intact(folder):
            return folder
        self.drop(name)
        return None

    def keep(self, name: str, write: Callable[[Path], None]) -> Path:
        """Write a folder, which is there as a whole or not at all.

        Args:
            name: its name.
            write: puts files into the empty folder that it is given.

        Raises:
            OutputError: the disk is full, or the cache cannot be written.
        """
        unfinished = self._place / f".{secrets.token_hex(8)}.tmp"
        try:
            unfinished.mkdir(parents=True)
            write(unfinished)
            files = sorted(path for path in unfinished.iterdir() if path.is_file())
            written = {path.name: sha256_of(path) for path in files}
            write_json_atomic(unfinished / _CONTENTS, written)
            # Another process may have been faster; what it wrote is the same.
            if self.find(name) is None:
                unfinished.rename(self._place / name)
        except OSError as error:
            raise OutputError(
                f"The converted model was not written to {self._place} ({error}): free some space, or set "
                "LIMNER_CACHE_DIR to a folder that can be written"
            ) from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return self._place / name

    def drop(self, name: str) -> None:
        """Take a folder away."""
        shutil.rmtree(self._place / name, ignore_errors=True)

    def _is_intact(self, folder: Path) -> bool:
        with contextlib.suppress(OSError, ValueError, AttributeError, LimnerError):
            written = json.loads((folder / _CONTENTS).read_text(encoding="utf-8"))
            return all(self._hashes.of(folder / name) == found for name, found in written.items())
        return False
