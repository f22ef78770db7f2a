"""`limner.server.access.auth`: whose key it is, or why nobody comes in."""

from __future__ import annotations

from pathlib import Path

import pytest

from limner.server.access.auth import Caller, authenticate
from limner.server.access.keys import KeyFile, KeyRing
from limner.server.errors import ApiError


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    """A file of keys that does not exist yet."""
    return KeyFile(tmp_path / "keys.json")


def test_without_keys_anybody_may_come(keys: KeyFile) -> None:
    """Everybody sees the same files, and turns are counted by address."""
    caller = authenticate(KeyRing(keys, ()), "sk-anything", "192.0.2.1")
    assert caller == Caller(owner="anonymous", key="192.0.2.1")


def test_a_key_tells_its_owner(keys: KeyFile) -> None:
    """Limits and files go by the key, from whatever address it comes."""
    ring = KeyRing(keys, ("sk-one", "sk-two"))
    one, other = (authenticate(ring, key, "192.0.2.1") for key in ("sk-one", "sk-two"))
    assert one == authenticate(ring, "sk-one", "192.0.2.2")
    assert one.owner == one.key != other.key


@pytest.mark.parametrize("given", [None, ""])
def test_a_missing_key_is_asked_for(keys: KeyFile, given: str | None) -> None:
    """No key at all has no code, and the answer says how one is sent."""
    with pytest.raises(ApiError, match="didn't provide an API key") as refused:
        authenticate(KeyRing(keys, ("sk-one",)), given, "192.0.2.1")
    assert (refused.value.status, refused.value.code) == (401, None)


def test_a_wrong_key_is_not_repeated(keys: KeyFile) -> None:
    """Only its first four characters are."""
    with pytest.raises(ApiError, match=r"provided: sk-w\*{6}\.$") as refused:
        authenticate(KeyRing(keys, ("sk-one",)), "sk-wrong-1", "192.0.2.1")
    assert (refused.value.status, refused.value.code) == (401, "invalid_api_key")
