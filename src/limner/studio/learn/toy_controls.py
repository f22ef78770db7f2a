"""The toy's sliders."""

from __future__ import annotations

from typing import Any

import gradio as gr

from limner.studio.learn.toy import ANY, WORDS, play
from limner.studio.learn.toy_drawing import drawn

__all__ = ["build_toy"]

_WORD, _STEPS, _GUIDANCE, _SEED = ANY, 20, 1.0, 0


def build_toy() -> None:
    """The sliders, and the drawing that follows them."""
    with gr.Row():
        word = gr.Radio([ANY, *WORDS], value=_WORD, label="Word")
        steps = gr.Slider(1, 50, _STEPS, step=1, label="Steps")
    with gr.Row():
        guidance = gr.Slider(1, 8, _GUIDANCE, step=0.5, label="Guidance")
        seed = gr.Slider(0, 99, _SEED, step=1, label="Noise seed")
    drawing = gr.HTML(_drawn(_WORD, _STEPS, _GUIDANCE, _SEED), apply_default_css=False)
    controls: list[Any] = [word, steps, guidance, seed]
    gr.on(
        [control.change for control in controls],
        _drawn,
        controls,
        drawing,
        api_visibility="private",
        show_progress="hidden",
        trigger_mode="always_last",
    )


def _drawn(word: str, steps: int, guidance: float, seed: int) -> str:
    return drawn(play(word=word, steps=int(steps), guidance=guidance, seed=int(seed)))
