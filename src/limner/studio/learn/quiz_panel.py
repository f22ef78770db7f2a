"""The quiz's three questions, its buttons and its score."""

from __future__ import annotations

import secrets
from typing import Any

import gradio as gr

from limner.studio.learn.questions import Question, questions
from limner.studio.learn.quiz import ROUND, Answer, answers, counted, judged, next_round, told
from limner.studio.learn.running import manifest_of, numbers
from limner.studio.shown import Shown

__all__ = ["build_quiz"]

_KEY = "limner-quiz"


def build_quiz(shown: gr.State) -> None:
    """Three questions at a time; the score is kept by the browser."""
    quiz = _Quiz(questions(manifest_of(None).picture_size[0]))
    # The score is no secret: a fixed key is what lets it outlive the server.
    score = gr.BrowserState({"right": 0, "asked": 0}, storage_key=_KEY, secret=_KEY)
    asked = gr.State(list(range(ROUND)))
    choices = [_choice(number, quiz.bank[number - 1]) for number in range(1, ROUND + 1)]
    with gr.Row():
        check = gr.Button("Check my answers")
        more = gr.Button("Three more")
    verdict = gr.HTML("", apply_default_css=False)
    total = gr.HTML(told(None), apply_default_css=False)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    check.click(quiz.check, [shown, asked, score, *choices], [verdict, check, score, *choices], **quiet)
    more.click(quiz.more, asked, [asked, verdict, check, *choices], **quiet)
    # Without triggers this is called when the page opens and whenever the score changes.
    gr.on(None, told, score, total, **quiet)


def _choice(number: int, question: Question) -> gr.Radio:
    return gr.Radio(answers(question), label=f"{number}. {question.text}", elem_classes="question")


class _Quiz:
    """The bank, and what its buttons do."""

    def __init__(self, bank: tuple[Question, ...]) -> None:
        self.bank = bank

    def check(
        self, shown: Shown | None, asked: list[int], score: dict[str, int] | None, *chosen: str | None
    ) -> list[Any]:
        """Judge the round once: then its answers stand."""
        now = [self.bank[i] for i in asked[-ROUND:]]
        given = [Answer(question=q, chosen=c) for q, c in zip(now, chosen, strict=True)]
        verdict = judged(given, numbers(shown))
        if any(answer.chosen is None for answer in given):
            return [verdict, gr.skip(), gr.skip(), *[gr.skip()] * ROUND]
        still = [gr.update(interactive=False) for _ in given]
        return [verdict, gr.update(interactive=False), counted(score, given), *still]

    def more(self, asked: list[int]) -> list[Any]:
        """The next round; when all were asked, the bank begins anew."""
        behind = asked if len(asked) < len(self.bank) else asked[-ROUND:]
        now = next_round(behind, len(self.bank), secrets.randbits(63))
        fields = [
            gr.update(
                choices=[(answer, answer) for answer in answers(self.bank[i])],
                label=f"{number}. {self.bank[i].text}",
                value=None,
                interactive=True,
            )
            for number, i in enumerate(now, start=1)
        ]
        return [[*behind, *now], "", gr.update(interactive=True), *fields]
