"""`limner.storage.signing`: one key for a folder, and signatures that only it can make."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.errors import OutputError, SettingsError
from limner.storage.signing import is_signature, signature, signing_key


def test_the_key_stays(tmp_path: Path) -> None:
    """A second start finds the first one's key: 32 bytes, for its owner's eyes only, in a folder like that."""
    key = signing_key(tmp_path / "new" / "store")
    assert signing_key(tmp_path / "new" / "store") == key
    assert len(key) == 32
    [path] = (tmp_path / "new" / "store").iterdir()
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)


def test_every_folder_has_its_own_key(tmp_path: Path) -> None:
    """A key is not derived from anything that another server shares."""
    assert signing_key(tmp_path / "a") != signing_key(tmp_path / "b")


def test_who_starts_at_the_same_time_gets_the_same_key(tmp_path: Path) -> None:
    """Of many that find no key, one makes it, all use it, and nothing else is left."""
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(signing_key, [tmp_path / "store"] * 32))
    assert len(keys) == 1
    assert len(list((tmp_path / "store").iterdir())) == 1


def test_a_damaged_key_is_told(tmp_path: Path) -> None:
    """A key of another length is no key; the error says which file to delete and what that costs."""
    signing_key(tmp_path)
    (tmp_path / "signing.key").write_bytes(b"short")
    with pytest.raises(SettingsError, match=r"signing\.key is damaged: delete it.*stop working"):
        signing_key(tmp_path)


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    """Where a file is in the way, the error names the setting."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="LIMNER_DATA_DIR"):
        signing_key(tmp_path / "file" / "store")


def test_a_key_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A folder in place of the key is an error of ours, not of the operating system."""
    os.mkdir(tmp_path / "signing.key")  # noqa: PTH102  short
    with pytest.raises(OutputError, match="check the folder's permissions"):
        signing_key(tmp_path)


def test_a_signature_is_the_standard_one() -> None:
    """RFC 4231, test case 2."""
    digits = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert signature(b"Jefe", "what do ya want for nothing?") == digits


@settings(deadline=None, derandomize=True)
@given(st.binary(min_size=32, max_size=32), st.text(st.characters(codec="utf-8")), st.text())
def test_only_the_signature_is_one(key: bytes, text: str, other: str) -> None:
    """Whatever else is given, lone surrogates and NUL included, is no signature and no error."""
    assert is_signature(key, text, signature(key, text))
    assert not is_signature(key, text, other)
    assert not is_signature(key, text, signature(key, text).upper() + "\n")
