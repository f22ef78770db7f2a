"""Programs that draw a picture of the page again, with the same seed and settings."""

from __future__ import annotations

import json
import shlex
from typing import Any

from limner.loading import DEFAULT_MODEL
from limner.studio.shown import Shown

__all__ = ["FILE", "client_code", "command", "curl", "library_code"]

FILE = "picture.png"
"""What each of them writes."""


def client_code(shown: Shown, url: str) -> str:
    """Python with OpenAI's own client.

    Args:
        shown: what to draw again.
        url: the server's, without a slash at its end.
    """
    body = _body(shown)
    own = {
        name: body.pop(name)
        for name in ("seed", "steps", "guidance_scale", "negative_prompt")
        if name in body
    }
    arguments = "".join(f"    {name}={value!r},\n" for name, value in body.items())
    return (
        "import base64\nfrom pathlib import Path\n\nfrom openai import OpenAI\n\n"
        f'client = OpenAI(base_url="{url}/v1", api_key="none")  # or your key, if the server wants one\n'
        f"answer = client.images.generate(\n{arguments}    extra_body={own!r},\n)\n"
        f'Path("{FILE}").write_bytes(base64.b64decode(answer.data[0].b64_json))\n'
    )


def library_code(shown: Shown) -> str:
    """Python with limner as a library, no server."""
    model = shown.picture.model
    opened = {DEFAULT_MODEL: "", "fake": 'engine="fake"'}.get(model, repr(model))
    arguments = {
        "seed": shown.seed,
        "size": shown.size,
        "steps": shown.steps,
        "guidance": shown.guidance,
    } | ({"negative_prompt": shown.negative_prompt} if shown.negative_prompt else {})
    lines = "".join(f"    {name}={value!r},\n" for name, value in arguments.items())
    return (
        f"import limner\n\npipeline = limner.load({opened})\n"
        f"[picture] = pipeline.generate(\n    {shown.prompt!r},\n{lines})\n"
        f'picture.save("{FILE}")\n'
    )


def command(shown: Shown) -> str:
    """The command line."""
    width, height = shown.size
    model = shown.picture.model
    opened = {DEFAULT_MODEL: [], "fake": ["--engine", "fake"]}.get(model, ["--model", model])
    settings = {"--seed": shown.seed, "--size": f"{width}x{height}", "--steps": shown.steps}
    words = [f"{name} {value}" for name, value in (settings | {"--guidance": shown.guidance}).items()]
    return " \\\n  ".join(
        [
            f"limner generate -o {FILE}",
            *words,
            *([shlex.join(opened)] if opened else []),
            _argument(shown.prompt),
        ]
    )


def _argument(prompt: str) -> str:
    # A prompt that begins with a dash would be taken for an option.
    return ("-- " if prompt.startswith("-") else "") + shlex.quote(prompt)


def curl(shown: Shown, url: str) -> str:
    """A request with curl; the file is in the answer as base64.

    Args:
        shown: what to draw again.
        url: the server's, without a slash at its end.
    """
    return (
        f"curl --silent --show-error --fail-with-body {shlex.quote(url + '/v1/images/generations')} \\\n"
        '  --header "Content-Type: application/json" --header "Authorization: Bearer none" \\\n'
        f"  --data {shlex.quote(json.dumps(_body(shown)))} |\n"
        f"""  sed -n 's/.*"b64_json": *"\\([^"]*\\)".*/\\1/p' | base64 --decode > {FILE}\n"""
    )


def _body(shown: Shown) -> dict[str, Any]:
    """The fields of the API's request; style is a word of dall-e-3, whose answers are links unless told."""
    natural = shown.style == "natural"
    fields: dict[str, Any] = {
        "model": "dall-e-3" if natural else shown.picture.model,
        "prompt": shown.prompt,
        "size": f"{shown.size[0]}x{shown.size[1]}",
        "seed": shown.seed,
        "steps": shown.steps,
        "guidance_scale": shown.guidance,
    }
    if natural:
        fields |= {"style": shown.style, "response_format": "b64_json"}
    if shown.negative_prompt:
        fields["negative_prompt"] = shown.negative_prompt
    return fields
