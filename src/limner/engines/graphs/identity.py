"""What tells one conversion from another: the weights to the bit, what is added to them, and who converts how.

Hashing gigabytes takes seconds at every start. So the hash of a file is kept, and holds for as long as its size and
the time of its last change are what they were.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from limner.errors import OutputError
from limner.files import sha256_of, write_json_atomic

__all__ = ["Hashes", "identity"]


class Hashes:
    """Hashes of files, kept in a file of their own.

    Args:
        place: that file; it need not be there. None keeps nothing.
    """

    def __init__(self, place: Path | None) -> None:
        self._place = place
        self._known = _read(place) if place else {}

    def of(self, path: Path) -> str:
        """The SHA-256 of a file's content.

        Raises:
            LimnerError: it cannot be read.
        """
        with contextlib.suppress(OSError):
            path = path.resolve()
            state = path.stat()
            known = self._known.get(str(path))
            if known and known[:2] == [state.st_size, state.st_mtime_ns]:
                return str(known[2])
            found = sha256_of(path)
            self._keep(str(path), [state.st_size, state.st_mtime_ns, found])
            return found
        return sha256_of(path)

    def _keep(self, path: str, entry: list[Any]) -> None:
        self._known[path] = entry
        if self._place:
            # It can be reckoned again.
            with contextlib.suppress(OutputError, OSError):
                self._place.parent.mkdir(parents=True, exist_ok=True)
                write_json_atomic(self._place, self._known)


def _read(place: Path) -> dict[str, list[Any]]:
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def identity(files: Iterable[Path], told: Mapping[str, Any], hashes: Hashes) -> str:
    """A name for what comes of these files, told so: 64 hexadecimal digits.

    Args:
        files: their names, in the order given, count as well as what is in them.
        told: what else makes a difference, as plain JSON.
        hashes: of files.

    Raises:
        LimnerError: a file cannot be read.
    """
    content = [[path.name, hashes.of(path)] for path in files]
    text = json.dumps([content, told], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
