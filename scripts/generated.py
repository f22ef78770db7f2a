"""Pages that are written from the code: written, or with --check compared."""

# ruff: noqa: INP001 - shared by scripts, which are no package

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["write_or_check"]


def write_or_check(page: Path, text: str) -> int:
    """Write the page, or with --check on the command line compare it; the exit status."""
    if "--check" not in sys.argv:
        page.write_text(text, encoding="utf-8")
        return 0
    if page.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"docs/{page.name} is out of date: run `make docs`\n")
    return 1
