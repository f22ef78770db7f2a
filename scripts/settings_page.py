"""Writes docs/settings.md from `limner.settings`; with --check only says whether it is up to date."""

# ruff: noqa: INP001 - a script is run, never imported

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from generated import write_or_check

from limner.settings import PREFIX, Settings

__all__ = ["settings_page"]

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
HEAD = """# Settings

Generated from `src/limner/settings.py` by `make docs`; edit there.

A setting comes from the caller (`Settings(threads=1)`, or the command's option where it has one), else from
its environment variable, else from its default. An empty variable counts as not set. A value that cannot be
used and a `LIMNER_` variable that is not in this table are errors at start (`SettingsError`, exit code 2).

| variable | values | default | what it does |
|---|---|---|---|
"""


def _values(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema["type"] == "boolean":
        return "`true`, `false`"
    if schema["type"] == "integer":
        return f"whole number from {schema['minimum']:,}"
    if schema["type"] == "array":
        return "names, with commas between"
    return {"path": "a folder", "file-path": "a file"}.get(schema.get("format", ""), "a name")


def _default(value: object) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "none" if value in ([], "") else f"`{value}`"


def _row(name: str, schema: dict[str, Any]) -> str:
    default = _default(schema["default"]) if "default" in schema else "by platform"
    return f"| `{PREFIX}{name.upper()}` | {_values(schema)} | {default} | {schema['description']} |\n"


def settings_page() -> str:
    """The page: one row per setting, in the order of the class."""
    schemas = Settings.model_json_schema()["properties"]
    return HEAD + "".join(_row(name, schema) for name, schema in schemas.items())


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, settings_page()))
