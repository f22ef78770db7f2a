"""What tells one conversion from another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from limner.engines.graphs import identity as module
from limner.engines.graphs.identity import Hashes, identity
from limner.errors import LimnerError


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A file of weights."""
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"1234")
    return path


def test_the_same_files_told_the_same_have_one_name(weights: Path) -> None:
    """64 hexadecimal digits, wherever the hashes are kept."""
    name = identity([weights], {"half": True}, Hashes(None))
    assert name == identity([weights], {"half": True}, Hashes(weights.with_name("hashes.json")))
    assert len(bytes.fromhex(name)) == 32


def test_a_single_bit_makes_another_name(weights: Path) -> None:
    """Of the weights, of what is told, or of which files there are."""
    names = {identity([weights], {"half": half}, Hashes(None)) for half in (True, False)}
    names.add(identity([weights, weights], {"half": True}, Hashes(None)))
    weights.write_bytes(b"1235")
    names.add(identity([weights], {"half": True}, Hashes(None)))
    assert len(names) == 4


def test_a_file_is_read_once(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its hash is kept, for another process too, as long as size and time of its last change stay."""
    place = weights.with_name("hashes.json")
    found = Hashes(place).of(weights)
    monkeypatch.setattr(module, "sha256_of", lambda path: pytest.fail(f"{path} is read again"))
    assert Hashes(place).of(weights) == found


def test_a_changed_file_is_read_again(weights: Path) -> None:
    """Even when it is as long as before."""
    hashes = Hashes(weights.with_name("hashes.json"))
    before = hashes.of(weights)
    weights.write_bytes(b"4321")
    os.utime(weights, ns=(0, 0))
    assert hashes.of(weights) != before


def test_damaged_hashes_are_reckoned_again(weights: Path) -> None:
    """They are only a memory."""
    place = weights.with_name("hashes.json")
    found = Hashes(place).of(weights)
    for text in ("", "[]", "{"):
        place.write_text(text)
        assert Hashes(place).of(weights) == found


def test_where_nothing_can_be_kept_hashes_are_reckoned(weights: Path) -> None:
    """A file stands where the folder should be."""
    assert Hashes(weights / "hashes.json").of(weights) == Hashes(None).of(weights)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(LimnerError, match="no-file"):
        Hashes(None).of(tmp_path / "no-file")
