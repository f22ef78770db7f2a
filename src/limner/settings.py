"""Every setting of limner and its LIMNER_* variable, once.

A setting comes from the caller, else from its environment variable, else from its default. What is wrong is
found at start: a bad value and a misspelt variable both raise `SettingsError`, none is passed over. An empty
variable counts as not set. `docs/settings.md` is generated from this file.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from limner.errors import SettingsError

__all__ = ["PREFIX", "Settings", "user_cache_dir"]

PREFIX = "LIMNER_"


def user_cache_dir(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """The folder in which this user's programs keep what can be made again.

    Args:
        environ: the environment; an absolute XDG_CACHE_HOME wins on every platform (XDG Base Directory
            Specification 0.8: a relative one is to be ignored).
        platform: as `sys.platform` names it.

    Raises:
        SettingsError: the user has no home folder.
    """
    named = Path(environ.get("XDG_CACHE_HOME", ""))
    if named.is_absolute():
        return named / "limner"
    try:
        home = Path.home()
    except RuntimeError as error:
        raise SettingsError(
            f"this user has no home folder: set {PREFIX}CACHE_DIR to a folder that can be written",
            param=f"{PREFIX}CACHE_DIR",
        ) from error
    if platform == "darwin":
        return home / "Library" / "Caches" / "limner"
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "limner" / "Cache"
    return home / ".cache" / "limner"


class Settings(BaseSettings):
    """What holds for the whole process; read once and handed on.

    Raises:
        SettingsError: a value is out of range, or a LIMNER_* variable is not one of these settings;
            `param` names the variable.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    model: str = Field(
        "limner-1", description="The model that draws: a shipped one's name or a model folder."
    )
    engine: str = Field("openvino", description="Who computes.")
    threads: int = Field(0, ge=0, description="Processor threads to compute with; 0 takes all cores.")
    precision: Literal["auto", "f32", "bf16"] = Field(
        "auto", description="The numbers to compute in: `auto` takes what this processor is fastest with."
    )
    cache_dir: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        default_factory=user_cache_dir,
        description="Where compiled models and fetched art are kept; it may be deleted at any time. "
        "By default `$XDG_CACHE_HOME/limner`, else the platform's own folder, on Linux `~/.cache/limner`.",
    )

    def __init__(self, **values: Any) -> None:
        _refuse_unknown(os.environ)
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _explained(error) from error


def _variable(field: str) -> str:
    return PREFIX + field.upper()


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    """A typo in a variable's name must not silently leave the default in force."""
    valid = [_variable(field) for field in Settings.model_fields]
    for name in environ:
        if name.upper().startswith(PREFIX) and name.upper() not in valid:
            close = difflib.get_close_matches(name.upper(), valid, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise SettingsError(
                f"{name} is not a setting of limner: {hint}Valid are {', '.join(valid)}", param=name
            )


def _explained(error: ValidationError) -> SettingsError:
    problem = error.errors(include_url=False)[0]
    name = _variable(str(problem["loc"][0]))
    return SettingsError(
        f"{name} cannot be {problem['input']!r}: {problem['msg']}. Correct it, or unset it for the default",
        param=name,
    )
