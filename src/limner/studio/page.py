"""The page as a whole: its tabs, its look, and what happens when it opens and closes."""

from __future__ import annotations

from importlib.resources import files

import gradio as gr

from limner.studio import learn
from limner.studio.create import Create
from limner.studio.drawing import Studio
from limner.studio.edit import Edit
from limner.studio.lab import Lab
from limner.studio.parts import QUIET, Page
from limner.studio.past import Past

__all__ = ["build_page", "look"]

_HOUR, _DAY = 3600, 24 * 3600


def build_page(studio: Studio) -> gr.Blocks:
    """All of the page.

    Args:
        studio: what it works with.
    """
    blocks = gr.Blocks(title="limner studio", analytics_enabled=False, delete_cache=(_HOUR, _DAY))
    with blocks:
        gr.HTML("<h1>limner studio</h1><p>Words become pictures, on this machine.</p>", elem_id="head")
        key = gr.Textbox(label="API key", type="password", visible=False, max_lines=1, elem_id="key")
        page = Page(studio=studio, key=key, shown=gr.State(None))
        with gr.Tabs() as tabs:
            with gr.Tab("Create", id="create"):
                Create(page)
            with gr.Tab("Edit and vary", id="edit"):
                Edit(page)
            with gr.Tab("Prompt lab", id="lab"):
                lab = Lab(page)
            with gr.Tab("History", id="history") as history:
                Past(page, history)
            with gr.Tab("Learn", id="learn"):
                ways = learn.build(page.shown, page.url)
        ways.select(learn.pair_chosen, None, lab.prompts, **QUIET)
        ways.select(lambda: gr.Tabs(selected="lab"), None, tabs, **QUIET)
        blocks.load(lambda: gr.update(visible=studio.services.keys.needed()), None, key, **QUIET)
        blocks.unload(_closed(studio))
    blocks.queue(default_concurrency_limit=None, api_open=False)
    return blocks


def _closed(studio: Studio) -> object:
    """Whoever closes the page waits for nothing any more."""

    def closed(request: gr.Request) -> None:
        studio.cancel(request.session_hash)

    return closed


def look() -> tuple[gr.themes.Base, str]:
    """The theme, in the system's own fonts, and the rules that go beyond it."""
    system = ["system-ui", "sans-serif"]
    theme = gr.themes.Default(primary_hue="indigo", font=system, font_mono=["ui-monospace", "monospace"])
    # The theme's own greys and its lighter blue are too faint to read: WCAG 2.2, 1.4.3, wants 4.5 to 1.
    theme.set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
    )
    return theme, files("limner.studio").joinpath("page.css").read_text(encoding="utf-8")
