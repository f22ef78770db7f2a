"""`limner keys`: make, list, revoke."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from limner.cli import app
from limner.server.access.keys import KeyFile, KeyRing


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the keys are, as LIMNER_DATA_DIR says."""
    monkeypatch.setenv("LIMNER_DATA_DIR", str(tmp_path))
    return tmp_path / "keys.json"


def keys(*words: str) -> Result:
    """What `limner keys ...` does."""
    return CliRunner().invoke(app, ["keys", *words])


def test_a_new_key_is_the_only_line(path: Path) -> None:
    """A script can take it from stdout; what it is called is told on stderr."""
    result = keys("new", "my laptop")
    [key] = result.stdout.splitlines()
    owner = KeyRing(KeyFile(path)).owner(key)
    assert (result.exit_code, f"limner: {owner} is made" in result.stderr) == (0, True)


def test_keys_are_listed_without_themselves() -> None:
    """Id, day, state and name of each; a key and its hash are in neither form of the list."""
    key = keys("new", "my laptop").stdout.strip()
    listed, facts = keys("list"), json.loads(keys("list", "--json").stdout)
    assert listed.stdout.splitlines()[0].endswith("good  my laptop")
    assert list(facts["keys"][0]) == ["id", "name", "created", "revoked"]
    assert key not in listed.stdout + json.dumps(facts)


def test_a_key_is_revoked_by_its_id(path: Path) -> None:
    """Its line says since when, and it opens nothing any more."""
    key = keys("new", "my laptop").stdout.strip()
    key_id = json.loads(keys("list", "--json").stdout)["keys"][0]["id"]
    assert "revoked 20" in keys("revoke", key_id).stdout
    assert "revoked 20" in keys("list").stdout
    assert KeyRing(KeyFile(path)).owner(key) is None


@pytest.mark.parametrize("words", [("revoke", "key-x"), ("new", " ")])
def test_what_cannot_be_is_bad_use(words: tuple[str, ...]) -> None:
    """One line, and exit code 2."""
    result = keys(*words)
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)


def test_without_keys_the_list_is_empty() -> None:
    """And nothing is made by looking."""
    assert (keys("list").exit_code, keys("list").stdout) == (0, "")
    assert json.loads(keys("list", "--json").stdout) == {"keys": []}


def test_use_is_told_of_a_database_only() -> None:
    """One line says which setting is missing."""
    result = keys("usage")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "LIMNER_DATABASE_URL" in result.stderr
