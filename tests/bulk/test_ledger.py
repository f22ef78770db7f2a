"""`limner.bulk.ledger`: what is in the file stays, and what was torn off was never there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from limner.bulk.ledger import Ledger
from limner.errors import LimnerError, OutputError


def lines(path: Path) -> list[dict[str, int]]:
    """What is in the file, for the next one that opens it."""
    with Ledger(path) as ledger:
        return list(ledger)


def test_lines_stay(tmp_path: Path) -> None:
    """In the order in which they came, over several openings."""
    for number in (1, 2, 3):
        with Ledger(tmp_path / "a") as ledger:
            ledger.append({"n": number})
    assert lines(tmp_path / "a") == [{"n": 1}, {"n": 2}, {"n": 3}]


@pytest.mark.parametrize("torn", [b'{"n"', b'{"n": 2}', b"\0\0\0\n", b"\0\0"])
def test_a_torn_line_was_never_there(tmp_path: Path, torn: bytes) -> None:
    """Whatever a kill or a power cut left of it is cut off, and the next line stands by itself."""
    (tmp_path / "a").write_bytes(b'{"n": 1}\n' + torn)
    with Ledger(tmp_path / "a") as ledger:
        ledger.append({"n": 3})
    assert lines(tmp_path / "a") == [{"n": 1}, {"n": 3}]


def test_a_line_that_finds_no_room_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to do, and later lines are whole."""
    with Ledger(tmp_path / "a") as ledger:
        ledger.append({"n": 1})
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left")))
            with pytest.raises(OutputError, match="free some space"):
                ledger.append({"n": 2})
        ledger.append({"n": 3})
    assert lines(tmp_path / "a") == [{"n": 1}, {"n": 3}]


@pytest.mark.parametrize("spoilt", [b"spoilt\n", b"[1]\n"])
def test_what_was_changed_by_hand_is_told(tmp_path: Path, spoilt: bytes) -> None:
    """With the number of the line; nothing is thrown away in silence."""
    (tmp_path / "a").write_bytes(b'{"n": 1}\n' + spoilt + b'{"n": 2}\n')
    with pytest.raises(LimnerError, match="line 2 of"):
        lines(tmp_path / "a")


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """As an error that says what to do."""
    with pytest.raises(OutputError, match="make its folder writable"):
        Ledger(tmp_path / "no" / "a")
