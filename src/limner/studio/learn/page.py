"""The tab: a choice among nine ways at the top, and below it the one that was chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from limner.report.markup import Html
from limner.studio.learn.chapters import CHAPTERS
from limner.studio.learn.craft import PAIRS, prompt_craft
from limner.studio.learn.framing import script, style
from limner.studio.learn.overview import overview
from limner.studio.learn.pipeline import pipeline_trace
from limner.studio.learn.prediction import prediction_trace
from limner.studio.learn.quiz import quiz_intro
from limner.studio.learn.quiz_panel import build_quiz
from limner.studio.learn.recall import recall
from limner.studio.learn.snippets import code
from limner.studio.learn.toy_controls import build_toy
from limner.studio.learn.toy_drawing import why_it_works
from limner.studio.learn.training_trace import training_trace
from limner.studio.shown import Shown

__all__ = ["build", "pair_chosen", "told"]

_TOY, _QUIZ = 5, 8
_URL = "http://127.0.0.1:8000"


def build(shown: gr.State, url: Callable[[gr.Request], str]) -> gr.HTML:
    """Fill the tab.

    Args:
        shown: holds the `Shown` of this browser session, or None.
        url: tells the server's address as a visitor knows it, without a slash at its end.

    Returns:
        the chosen way; its event `select` is that somebody wants to try a pair of prompts, `pair_chosen`.
    """
    gr.HTML(style(), apply_default_css=False)
    chosen = gr.Radio(
        [(f"{number} {of.title}", number) for number, of in enumerate(CHAPTERS, start=1)],
        value=1,
        label="Nine ways into the same run",
        elem_id="chapters",
    )
    page = gr.HTML(told(1, None), js_on_load=script(), apply_default_css=False, elem_id="chapter")
    with gr.Column(visible=False) as toy:
        build_toy()
    with gr.Column(visible=False) as quiz:
        build_quiz(shown)

    def turned(number: int, shown: Shown | None, request: gr.Request) -> list[Any]:
        return [
            told(number, shown, url(request)),
            gr.update(visible=number == _TOY),
            gr.update(visible=number == _QUIZ),
        ]

    gr.on(
        [chosen.change, shown.change],
        turned,
        [chosen, shown],
        [page, toy, quiz],
        api_visibility="private",
        show_progress="hidden",
    )
    return page


def pair_chosen(event: gr.EventData) -> str:
    """The two prompts that somebody wants to try, a line each."""
    pair = PAIRS[int(event.pair)]
    return f"{pair.one}\n{pair.other}"


def told(number: int, shown: Shown | None, url: str = _URL) -> Html:
    """One of the nine ways.

    Args:
        number: 1 to 9.
        shown: the picture on screen, or None.
        url: the server's, without a slash at its end.
    """
    return _chapters(url)[number](shown)


def _chapters(url: str) -> Mapping[int, Callable[[Shown | None], Html]]:
    return {
        1: overview,
        2: pipeline_trace,
        3: prediction_trace,
        4: training_trace,
        _TOY: why_it_works,
        6: lambda shown: code(shown, url),
        7: prompt_craft,
        _QUIZ: quiz_intro,
        9: recall,
    }
