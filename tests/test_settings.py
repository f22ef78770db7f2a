"""Settings come from LIMNER_* variables, are checked at start, and are documented."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from limner.errors import SettingsError
from limner.settings import Settings, user_cache_dir, user_data_dir

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LIMNER_")]:
        monkeypatch.delenv(name)


def test_without_variables_the_defaults_hold() -> None:
    """The shipped model is drawn by OpenVINO on all cores."""
    settings = Settings()
    assert (settings.model, settings.engine, settings.threads) == ("limner-2", "openvino", 0)
    assert settings.precision == "auto"


def test_a_variable_sets_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """LIMNER_THREADS becomes a number, LIMNER_CACHE_DIR a path with ~ resolved."""
    monkeypatch.setenv("LIMNER_THREADS", "3")
    monkeypatch.setenv("LIMNER_CACHE_DIR", "~/pictures")
    assert Settings().threads == 3
    assert Settings().cache_dir == Path.home() / "pictures"


def test_the_caller_wins_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that is passed in is nearer than the environment."""
    monkeypatch.setenv("LIMNER_ENGINE", "torch")
    assert Settings(engine="fake").engine == "fake"


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """`LIMNER_THREADS=` leaves the default in force."""
    monkeypatch.setenv("LIMNER_THREADS", "")
    assert Settings().threads == 0


@pytest.mark.parametrize(("name", "value"), [("THREADS", "-1"), ("THREADS", "two"), ("PRECISION", "f16")])
def test_a_bad_value_names_its_variable_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A value that cannot be used is an error that names the variable, the value and what to do."""
    monkeypatch.setenv(f"LIMNER_{name}", value)
    with pytest.raises(SettingsError, match=f"LIMNER_{name} cannot be '{value}'.*unset it") as caught:
        Settings()
    assert caught.value.param == f"LIMNER_{name}"


def test_a_misspelt_variable_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown LIMNER_ variable is an error that names it, the nearest one and all valid ones."""
    monkeypatch.setenv("LIMNER_TREADS", "2")
    with pytest.raises(
        SettingsError, match=r"LIMNER_TREADS .*did you mean LIMNER_THREADS.*LIMNER_MODEL"
    ) as caught:
        Settings()
    assert caught.value.param == "LIMNER_TREADS"


def test_settings_do_not_change() -> None:
    """What was read at start holds for the whole process."""
    with pytest.raises(ValueError, match="frozen"):
        Settings().threads = 2


def test_the_cache_lies_where_the_user_said(tmp_path: Path) -> None:
    """An absolute XDG_CACHE_HOME wins on every platform; a relative one is ignored, as its standard asks."""
    assert user_cache_dir({"XDG_CACHE_HOME": str(tmp_path)}, "darwin") == tmp_path / "limner"
    assert user_cache_dir({"XDG_CACHE_HOME": "here"}, "linux") == Path.home() / ".cache" / "limner"


def test_the_cache_lies_where_the_platform_keeps_caches(tmp_path: Path) -> None:
    """Mac and Windows have their own folders for what can be made again."""
    assert user_cache_dir({}, "darwin") == Path.home() / "Library" / "Caches" / "limner"
    assert user_cache_dir({"LOCALAPPDATA": str(tmp_path)}, "win32") == tmp_path / "limner" / "Cache"


def test_data_lie_where_the_user_or_the_platform_keeps_them(tmp_path: Path) -> None:
    """An absolute XDG_DATA_HOME wins; otherwise it is the platform's folder for what must not be lost."""
    assert user_data_dir({"XDG_DATA_HOME": str(tmp_path)}, "darwin") == tmp_path / "limner"
    assert user_data_dir({"XDG_DATA_HOME": "here"}, "linux") == Path.home() / ".local/share/limner"
    assert user_data_dir({}, "darwin") == Path.home() / "Library/Application Support/limner"
    assert user_data_dir({"LOCALAPPDATA": str(tmp_path)}, "win32") == tmp_path / "limner" / "Data"


def test_the_keys_are_among_the_data_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """LIMNER_DATA_DIR moves the keys file with it, LIMNER_KEYS_FILE moves it alone."""
    monkeypatch.setenv("LIMNER_DATA_DIR", "~/data")
    assert Settings().keys_file == Path.home() / "data" / "keys.json"
    monkeypatch.setenv("LIMNER_KEYS_FILE", "~/keys")
    assert Settings().keys_file == Path.home() / "keys"


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blanks and empty parts do not count; keys do not show when settings are printed."""
    monkeypatch.setenv("LIMNER_FETCH_HOSTS", "a.test, b.test,")
    monkeypatch.setenv("LIMNER_API_KEYS", "hush")
    assert Settings().fetch_hosts == ("a.test", "b.test")
    assert [key.get_secret_value() for key in Settings().api_keys] == ["hush"]
    assert "hush" not in repr(Settings())


def test_links_work_for_an_hour_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shorter lifetime is an error that names the variable."""
    monkeypatch.setenv("LIMNER_URL_LIFETIME", "3599")
    with pytest.raises(SettingsError, match="LIMNER_URL_LIFETIME"):
        Settings()


def test_a_user_without_a_home_learns_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no home folder can be found, the error names LIMNER_CACHE_DIR."""

    def no_home() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(SettingsError, match="set LIMNER_CACHE_DIR"):
        user_cache_dir({}, "linux")


def test_every_setting_is_described() -> None:
    """No setting goes without the sentence that the generated page shows."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_settings_page_is_up_to_date() -> None:
    """docs/settings.md says what the code says; `make docs` writes it."""
    command = [sys.executable, str(ROOT / "scripts" / "settings_page.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
