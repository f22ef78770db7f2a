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

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from limner.errors import SettingsError

__all__ = ["PREFIX", "Settings", "user_cache_dir", "user_data_dir"]

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
    places = {"darwin": "Library/Caches/limner", "win32": "limner/Cache", "linux": ".cache/limner"}
    return _user_dir("CACHE", environ, platform, places)


def user_data_dir(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """The folder in which this user's programs keep what must not be lost.

    Args:
        environ: the environment; an absolute XDG_DATA_HOME wins on every platform, as in `user_cache_dir`.
        platform: as `sys.platform` names it.

    Raises:
        SettingsError: the user has no home folder.
    """
    places = {
        "darwin": "Library/Application Support/limner",
        "win32": "limner/Data",
        "linux": ".local/share/limner",
    }
    return _user_dir("DATA", environ, platform, places)


def _user_dir(kind: str, environ: Mapping[str, str], platform: str, places: Mapping[str, str]) -> Path:
    """A folder by platform; what is neither macOS nor Windows keeps to Linux's customs."""
    named = Path(environ.get(f"XDG_{kind}_HOME", ""))
    if named.is_absolute():
        return named / "limner"
    home = _home(f"{kind}_DIR")
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / places["win32"]
    return home / places.get(platform, places["linux"])


def _home(setting: str) -> Path:
    try:
        return Path.home()
    except RuntimeError as error:
        raise SettingsError(
            f"this user has no home folder: set {PREFIX}{setting} to a folder that can be written",
            param=f"{PREFIX}{setting}",
        ) from error


def _parts(value: Any) -> Any:
    """'a, b' -> ('a', 'b'): a variable cannot hold a list."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


class Settings(BaseSettings):
    """What holds for the whole process; read once and handed on.

    Raises:
        SettingsError: a value is out of range, or a LIMNER_* variable is not one of these settings;
            `param` names the variable.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    model: str = Field(
        "limner-2", description="The model that draws: a shipped one's name or a model folder."
    )
    more_models: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts)] = Field(
        (),
        description="Further models that `limner serve` has, each under its own name or one that is given: "
        "`painter=/models/sdxl`. A request picks one by its `model`.",
    )
    engine: str = Field(
        "openvino",
        description="Who computes: `openvino`, `torch` or `fake`; `diffusers` has torch compute checkpoints only.",
    )
    threads: int = Field(0, ge=0, description="Processor threads to compute with; 0 takes all cores.")
    precision: Literal["auto", "f32", "bf16"] = Field(
        "auto", description="The numbers to compute in: `auto` takes what this processor is fastest with."
    )
    upscaler: Literal["learned", "lanczos"] = Field(
        "learned",
        description="How pictures larger than the model's own are made: `learned` by the model's upscaler, if it has "
        "one; `lanczos` by resampling alone, which is faster and softer.",
    )
    variant: str = Field(
        "",
        description="Which of a checkpoint's sets of weights is opened, such as `fp16`; by default the usual one. "
        "This, the revision and LoRAs are those of `LIMNER_MODEL`.",
    )
    revision: str = Field(
        "", description="Branch, tag or commit of a checkpoint on a hub; by default its main branch."
    )
    allow_pickle: bool = Field(
        default=False,
        description="Open checkpoints that are Python pickles too. Opening one can run any code that its maker "
        "put in: only for files that you trust.",
    )
    loras: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts)] = Field(
        (),
        description="LoRA files that are added to a checkpoint when it is opened, each with its weight: "
        "`ink.safetensors=0.8`.",
    )
    int8_weights: bool = Field(
        default=False,
        description="Round the weights of checkpoints to 8 bits when they are converted for the processor: smaller "
        "files, and pictures a little off.",
    )
    cache_dir: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        default_factory=user_cache_dir,
        description="Where compiled models and fetched art are kept; it may be deleted at any time. "
        "By default `$XDG_CACHE_HOME/limner`, else the platform's own folder, on Linux `~/.cache/limner`.",
    )
    memory_limit: int = Field(
        0,
        ge=0,
        description="Bytes that loaded models may take together on a device, as estimated; 0 takes four fifths of "
        "what is free when the first of them is loaded there.",
    )
    idle_unload: int = Field(
        0, ge=0, description="Seconds after which a model that nobody uses is unloaded; 0 keeps it."
    )
    pinned: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts)] = Field(
        (), description="Names of models that are never unloaded, whoever needs their room."
    )
    load_at_start: bool = Field(
        default=True,
        description="Whether the first model is loaded when the server starts; otherwise when it is first asked for, "
        "like the others.",
    )
    queue_size: int = Field(
        32, ge=1, description="Requests that may wait to be drawn; more are told to come back later."
    )
    batch_max: int = Field(
        8,
        ge=1,
        description="Pictures that may be drawn in one step together; how many it pays to is measured.",
    )
    request_timeout: int = Field(
        600, ge=1, description="Seconds after which a request that is not drawn yet is given up."
    )
    data_dir: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        default_factory=user_data_dir,
        description="Where the server keeps pictures behind links, uploaded files, batches and API keys. "
        "By default `$XDG_DATA_HOME/limner`, else the platform's own folder, on Linux `~/.local/share/limner`.",
    )
    storage_url: str = Field(
        "",
        pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?)?$",
        description="Object storage where all machines keep pictures behind links and all other files, as "
        "`s3://bucket/prefix`; its address and keys are in the usual AWS variables. By default they are in the "
        "data folder.",
    )
    database_url: SecretStr = Field(
        SecretStr(""),
        description="PostgreSQL database of its own where all servers have limits, use by key, batches and the "
        "studio's history, as `postgresql://user:password@host/name`. By default each server has its own.",
    )
    keys_file: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        default_factory=lambda before: before["data_dir"] / "keys.json",
        json_schema_extra={"format": "file-path"},
        description="The hashes of the API keys that `limner keys` makes. "
        "By default `keys.json` in the data folder.",
    )
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_parts)] = Field(
        (), description="Further API keys as they are; `limner keys` is the better way."
    )
    images_per_minute: int = Field(
        0, ge=0, description="Pictures that each API key may ask for in a minute; 0 for no limit."
    )
    url_lifetime: int = Field(3600, ge=3600, description="Seconds that the link to a picture works.")
    store_bytes: int = Field(
        4 * 1024**3,
        ge=1,
        description="Bytes that all pictures behind links may take together, all files as well, and all answers of "
        "batches that are not over.",
    )
    fetch_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts)] = Field(
        (),
        description="Hosts that `image_url` may name although their addresses are private or their port is "
        "not 443.",
    )
    host: str = Field(
        "127.0.0.1", description="Where `limner serve` listens; another than this one needs a key."
    )
    port: int = Field(8000, ge=0, le=65535, description="The port on which it listens; 0 takes a free one.")
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="The server's address as its clients see it, for links to pictures; by default what each "
        "request says.",
    )
    strict: bool = Field(
        default=False,
        description="Refuse whatever OpenAI refuses, in its words; by default what helps a client is taken.",
    )
    log_prompts: bool = Field(
        default=False,
        description="Whether the line in the log of each request tells its prompt; what people ask for is their own.",
    )
    openai_names: bool = Field(
        default=True,
        description="Whether OpenAI's image models, those that were shut down too, are names of the first model.",
    )
    aliases: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts)] = Field(
        (),
        description="More names of the first model, each with the OpenAI model whose contract it follows: "
        "`painter=dall-e-3`.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts)] = Field(
        (), description="Addresses or networks of proxies whose `X-Forwarded-*` headers are believed."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts)] = Field(
        (),
        description="Web pages that may call the server from a browser, like `https://app.example.com`; or `*`.",
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
