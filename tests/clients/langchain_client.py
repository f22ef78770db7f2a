"""LangChain's DALL·E wrapper, and the tool that agents are given: generate, and the error that comes through.

It can neither edit nor vary, and of an answer it hands on the links alone.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import openai
from langchain_community.tools.openai_dalle_image_generation import OpenAIDALLEImageGenerationTool
from langchain_community.utilities.dalle_image_generator import DallEAPIWrapper


def answer(text: str) -> dict[str, Any]:
    """Its links, a line each, as the answer they came in."""
    return {"data": [{"url": link} for link in text.splitlines()]}


def error_of(wrapper: DallEAPIWrapper) -> dict[str, Any]:
    """What it raises: the error of the client below it."""
    try:
        wrapper.run("a red boat")
    except openai.APIStatusError as error:
        return {"name": type(error).__name__, "status": error.status_code, "message": str(error)}
    return {}


def main() -> None:
    """One JSON object: what each call came back with."""
    tool = OpenAIDALLEImageGenerationTool(api_wrapper=DallEAPIWrapper(model="dall-e-3", quality="hd"))
    report = {
        "generate": answer(DallEAPIWrapper(n=2, size="256x256").run("a red boat")),
        "tool": answer(tool.run("a red boat")),
        "error": error_of(DallEAPIWrapper(model="dall-e-9")),
        "stranger": error_of(DallEAPIWrapper(api_key="wrong")),
    }
    json.dump(report, sys.stdout)


main()
