"""A run to tell of: drawn with the instant engine, with everything that it draws written down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import gradio as gr

from limner.loading import load
from limner.studio.shown import Shown
from limner.types import Trace

__all__ = ["HOSTILE", "PROMPT", "built", "drawn", "trace_of"]

PROMPT = "the red boat and the blue boat"
HOSTILE = "<script>alert(1)</script> \"a\" 'b' </title></style> &amp; \u202erow"


def drawn(
    prompt: str = PROMPT, *, negative_prompt: str = "", style: str = "", size: tuple[int, int] = (256, 256)
) -> Shown:
    """A picture with its trace and its settings."""
    [picture] = load(engine="fake").generate(
        prompt, seed=5, steps=6, guidance=2.0, size=size, negative_prompt=negative_prompt, trace=True
    )
    return Shown(
        picture=picture,
        prompt=prompt,
        steps=6,
        guidance=2.0,
        seed=5,
        size=size,
        negative_prompt=negative_prompt,
        style=style,
    )


def trace_of(shown: Shown) -> Trace:
    """Its trace, which is there."""
    assert shown.picture.trace is not None
    return shown.picture.trace


def built(fill: Callable[[gr.State], None]) -> gr.Blocks:
    """A page of Gradio's with this in it; made while an event loop runs, or Gradio leaves one of its own open."""

    async def build() -> gr.Blocks:
        page = gr.Blocks(analytics_enabled=False)
        with page:
            fill(gr.State(None))
        return page

    return asyncio.run(build())
