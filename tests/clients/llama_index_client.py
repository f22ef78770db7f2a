"""llama-index's image tool for agents: generate as a link and as a file, and the error that comes through.

It can neither edit nor vary. (Its older tool, `llama-index-tools-text-to-image`, could vary, but is written for
openai < 1.0 and fails with every later one before it sends a byte.)
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import openai
from llama_index.tools.openai import OpenAIImageGenerationToolSpec


def error_of(spec: OpenAIImageGenerationToolSpec, prompt: str) -> dict[str, Any]:
    """What it raises: the error of the client below it."""
    try:
        spec.image_generation(prompt)
    except openai.APIStatusError as error:
        return {"name": type(error).__name__, "status": error.status_code, "message": str(error)}
    return {}


def main() -> None:
    """One JSON object: what each call came back with."""
    spec = OpenAIImageGenerationToolSpec(cache_dir="cache")
    (tool,) = spec.to_tool_list()
    link = tool(text="a red boat", size="1792x1024").raw_output
    (path,) = spec.image_generation("a red boat", model="dall-e-2", size="256x256", download=True)
    report = {
        "generate": {"data": [{"url": link}]},
        "download": {"data": [{"b64_json": base64.b64encode(Path(path).read_bytes()).decode()}]},
        "error": error_of(spec, "a nude woman, gore and mutilation"),
        "stranger": error_of(OpenAIImageGenerationToolSpec(api_key="wrong"), "a red boat"),
    }
    json.dump(report, sys.stdout)


main()
