"""Ten lines of Python: OpenAI's own client, drawn for by `limner serve` (pip install openai)."""

# ruff: noqa: INP001 - an example is run, never imported

import base64
import os
from pathlib import Path

from openai import OpenAI

client = OpenAI(base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1"), api_key="none")
answer = client.images.generate(model="gpt-image-1", prompt="A cute puppy playing with a ball in the park")
Path("puppy.png").write_bytes(base64.b64decode(answer.data[0].b64_json))
