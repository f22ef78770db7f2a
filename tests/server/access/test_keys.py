"""`limner.server.access.keys`: keys that are shown once, known again, and ended."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.errors import InvalidRequestError, NotFoundError, OutputError, SettingsError
from limner.server.access.keys import KeyFile, KeyRing
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    """A clock at some time in 2026."""
    return Clock()


@pytest.fixture
def file(tmp_path: Path, clock: Clock) -> KeyFile:
    """A file of keys that is not there yet, nor is its folder."""
    return KeyFile(tmp_path / "new" / "keys.json", clock)


def test_a_key_is_known_again(file: KeyFile, clock: Clock) -> None:
    """A made key has a name, a time and an id, by which it is known when it is shown."""
    known, key = file.new("my laptop")
    assert (known.name, known.created, known.revoked) == ("my laptop", int(clock.now), None)
    assert file.all() == (known,)
    assert KeyRing(file).owner(key) == known.id


def test_a_key_is_long_random_and_recognisable(file: KeyFile) -> None:
    """`lk-` and 256 random bits."""
    keys = {file.new("a")[1] for _ in range(3)}
    assert len(keys) == 3
    assert all(key.startswith("lk-") and len(key) == 3 + 43 for key in keys)


def test_the_key_itself_is_nowhere(file: KeyFile, tmp_path: Path) -> None:
    """Neither the key nor a part of it is on disk or in what is told of it."""
    known, key = file.new("a")
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()).decode()
    for text in (written, repr(known), repr(file)):
        assert key[3:13] not in text
        assert key[-10:] not in text


def test_a_revoked_key_is_refused(file: KeyFile, clock: Clock) -> None:
    """At once, for good, and with the time of the first revocation; others go on."""
    (known, key), (_, other) = file.new("a"), file.new("b")
    ring = KeyRing(file)
    clock.now += 10
    revoked = file.revoke(known.id)
    clock.now += 10
    assert file.revoke(known.id) == revoked
    assert revoked.revoked == int(clock.now) - 10
    assert ring.owner(key) is None
    assert ring.owner(other) is not None


def test_a_running_server_learns_of_changes(file: KeyFile, tmp_path: Path) -> None:
    """What another process changes holds from the next request on."""
    ring = KeyRing(KeyFile(tmp_path / "new" / "keys.json"))
    assert (ring.needed(), ring.owner("lk-x")) == (False, None)
    known, key = file.new("a")
    assert (ring.needed(), ring.owner(key)) == (True, known.id)
    file.revoke(known.id)
    assert ring.owner(key) is None


def test_a_server_whose_keys_are_all_revoked_stays_closed(file: KeyFile) -> None:
    """Revoking the last key does not open the server to everybody."""
    file.revoke(file.new("a")[0].id)
    assert KeyRing(file).needed()


def test_keys_of_the_setting_count_too(file: KeyFile) -> None:
    """They are known by an id that does not tell the key, and cannot be listed or revoked."""
    ring = KeyRing(file, ["a long secret"])
    owner = ring.owner("a long secret")
    assert (ring.needed(), file.all()) == (True, ())
    assert owner is not None
    assert "secret" not in owner
    assert owner == KeyRing(file, ["a long secret", "b"]).owner("a long secret")


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.text())
def test_anything_else_is_no_key(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Any text may be shown, and is refused without an error."""
    ring = KeyRing(KeyFile(tmp_path_factory.getbasetemp() / "none.json"), ["lk-right"])
    assert ring.owner(text) is None
    assert ring.owner(f"lk-right{text or ' '}") is None


@pytest.mark.parametrize("name", ["", " \n", "x" * 101])
def test_a_key_needs_a_name(file: KeyFile, name: str) -> None:
    """A key of which nobody knows what it is for cannot be revoked with a clear conscience."""
    with pytest.raises(InvalidRequestError, match="1 to 100 characters"):
        file.new(name)


def test_revoking_an_unknown_key_is_told(file: KeyFile) -> None:
    """The error says where to find the ids."""
    with pytest.raises(NotFoundError, match="no key key-x: `limner keys list`"):
        file.revoke("key-x")


def test_no_key_is_lost_when_many_are_made_at_once(file: KeyFile, tmp_path: Path) -> None:
    """Changes by several processes wait for each other."""
    files = [KeyFile(tmp_path / "new" / "keys.json") for _ in range(20)]
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda each: each.new("a")[0].id, files))
    assert sorted(key.id for key in file.all()) == sorted(made)


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"keys": 1}', '{"keys": [{}]}', '{"keys": ["x"]}'])
def test_a_damaged_file_closes_the_server(file: KeyFile, tmp_path: Path, damage: str) -> None:
    """It is an error that names the file, not an empty list of keys, and nothing is written over it."""
    file.new("a")
    path = tmp_path / "new" / "keys.json"
    path.write_text(damage, encoding="utf-8")
    for use in (KeyRing(file).needed, lambda: KeyRing(file).owner("x"), lambda: file.new("b")):
        with pytest.raises(SettingsError, match=r"keys\.json cannot be read"):
            use()
    assert path.read_text(encoding="utf-8") == damage


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Where a file is in the folder's way, the error names the setting."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="LIMNER_KEYS_FILE"):
        KeyFile(tmp_path / "file" / "keys.json").new("a")


def test_the_file_is_json_that_people_can_read(file: KeyFile, tmp_path: Path) -> None:
    """One object for each key, with exactly what is known of it."""
    known, _ = file.new("Zoë's")
    [written] = json.loads((tmp_path / "new" / "keys.json").read_text(encoding="utf-8"))["keys"]
    assert written == {
        "id": known.id,
        "name": "Zoë's",
        "sha256": known.sha256,
        "created": known.created,
        "revoked": None,
    }
