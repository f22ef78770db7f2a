"""`limner.studio.parts`: files that are laid out to be shown, and taken away again."""

from __future__ import annotations

from pathlib import Path

import pytest

from limner.studio.made import Made
from limner.studio.parts import file_of, forget_files


def test_only_a_pictures_own_files_are_forgotten(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All formats of it, and nothing of another picture that has the same seed."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    other = Made(shown=made.shown, kind=made.kind)
    mine, theirs = ([Path(file_of(each, kind)) for kind in ("png", "webp")] for each in (made, other))
    forget_files({made.id})
    assert [path.exists() for path in (*mine, *theirs)] == [False, False, True, True]
