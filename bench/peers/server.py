"""The server that most programs around a diffusion pipeline have: one pipeline, one lock, a request after another.

Run as `serve("diffusers")` in a process of its own. It answers like limner, as far as the benchmark asks: one
picture, as base64 of a PNG.
"""

from __future__ import annotations

import base64
import time
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from threading import Lock
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

__all__ = ["CHECKPOINT_PEERS", "PEERS", "application", "missing", "serve"]

PEERS = {
    "diffusers": ("diffusers_pipeline", "Diffusers", ("diffusers", "transformers")),
    "openvino-genai": ("genai_pipeline", "GenAI", ("openvino_genai", "openvino_tokenizers", "transformers")),
}
"""By name: the module here, the pipeline in it, and the packages that it takes."""

CHECKPOINT_PEERS = {
    "diffusers, bf16": ("checkpoint", "Diffusers", ("diffusers", "transformers")),
    "OpenVINO GenAI": ("checkpoint", "GenAI", ("openvino_genai", "openvino_tokenizers", "transformers")),
    "stable-diffusion.cpp": ("checkpoint", "StableDiffusionCpp", ("stable_diffusion_cpp",)),
}
"""The same of those that draw with a checkpoint, whose folder they are told."""


def missing(name: str) -> list[str]:
    """The packages that a peer takes and that are not installed."""
    return [package for package in _peer(name)[2] if find_spec(package) is None]


def _peer(name: str) -> tuple[str, str, tuple[str, ...]]:
    return (PEERS | CHECKPOINT_PEERS)[name]


class Order(BaseModel):
    """What a client asks for; the other fields that limner knows mean nothing here."""

    prompt: str
    seed: int
    steps: int


def application(pipeline: Any) -> FastAPI:
    """A server around a pipeline."""
    app, lock = FastAPI(), Lock()

    @app.get("/about")
    def about() -> dict[str, Any]:
        return asdict(pipeline.size)

    @app.post("/v1/images/generations")
    def generate(order: Order) -> dict[str, Any]:
        with lock:
            picture = pipeline(order.prompt, order.seed, order.steps)
        file = BytesIO()
        picture.save(file, "png")
        return {
            "created": int(time.time()),
            "data": [{"b64_json": base64.b64encode(file.getvalue()).decode()}],
        }

    return app


def serve(name: str, *told: str) -> None:
    """Serve a peer on a free port of loopback, and print which; `told` is the folder of its checkpoint."""
    import uvicorn

    module, pipeline, _ = _peer(name)
    app = application(getattr(import_module(f"bench.peers.{module}"), pipeline)(*told))

    config = uvicorn.Config(app, port=0, log_level="warning")

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[Any] | None = None) -> None:
            await super().startup(sockets)
            print(f"listening at 127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}", flush=True)

    Server(config).run()
