"""Way 8: which questions come, in which order their answers stand, and what is said of an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from limner.report.markup import Html, tag
from limner.studio.learn.framing import chapter, way_to
from limner.studio.learn.questions import Question
from limner.studio.learn.running import numbers
from limner.studio.shown import Shown

__all__ = ["ROUND", "Answer", "answers", "counted", "judged", "next_round", "quiz_intro", "told"]

ROUND = 3
"""Questions at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What was chosen; None is nothing yet."""

    question: Question
    chosen: str | None

    @property
    def is_right(self) -> bool:
        """It is the one right answer."""
        return self.chosen == self.question.right


def quiz_intro(shown: Shown | None) -> Html:
    """What stands above the questions."""
    unseen = "" if numbers(shown) else " Draw a picture first, and the explanations show its own numbers."
    return chapter(
        8,
        tag(
            "p",
            f"Choose an answer to each question, then have them checked. Your score stays in this browser.{unseen}",
        ),
    )


def answers(question: Question) -> list[str]:
    """The answers in an order that gives nothing away, and is the same each time."""
    order = np.random.Generator(np.random.Philox(key=len(question.text))).permutation(1 + len(question.wrong))
    every = (question.right, *question.wrong)
    return [every[i] for i in order.tolist()]


def next_round(asked: Sequence[int], count: int, seed: int) -> list[int]:
    """The numbers of the next questions: those that were not asked yet first, at random.

    Args:
        asked: the numbers of the questions of this round of the bank so far.
        count: how many questions the bank has.
        seed: of the order.
    """
    random = np.random.Generator(np.random.Philox(key=seed))
    fresh = [i for i in range(count) if i not in asked]
    again = [i for i in range(count) if i in asked]
    return [*random.permutation(fresh).tolist(), *random.permutation(again).tolist()][:ROUND]


def judged(given: Sequence[Answer], run: Mapping[str, str]) -> Html:
    """What is said of a round's answers.

    Args:
        given: the answers.
        run: the numbers of the run on screen, or none.
    """
    missing = [number for number, answer in enumerate(given, start=1) if answer.chosen is None]
    if missing:
        which = ", ".join(map(str, missing))
        return tag("div", tag("p", f"Still without an answer: {which}.", class_="note"), class_="learn")
    right = sum(answer.is_right for answer in given)
    return tag(
        "div",
        tag("h3", f"{right} of {len(given)} right"),
        tag("ol", *(_said(answer, run) for answer in given), class_="judged"),
        class_="learn",
    )


def _said(answer: Answer, run: Mapping[str, str]) -> Html:
    question = answer.question
    verdict = "Right. " if answer.is_right else f"Not quite: it is “{question.right}”. "
    return tag(
        "li",
        tag("b", verdict, class_="right" if answer.is_right else "wrong"),
        question.why,
        f" {question.seen.format_map(run)} " if run else " Draw a picture to see it in a run. ",
        way_to(question.chapter),
    )


def counted(score: Mapping[str, int] | None, given: Sequence[Answer]) -> dict[str, int]:
    """The score after a round."""
    before = score or {}
    return {
        "right": int(before.get("right", 0)) + sum(answer.is_right for answer in given),
        "asked": int(before.get("asked", 0)) + len(given),
    }


def told(score: Mapping[str, int] | None) -> Html:
    """The score in words."""
    asked = int((score or {}).get("asked", 0))
    right = int((score or {}).get("right", 0))
    words = f"Your score in this browser: {right} of {asked} right." if asked else "No answers yet."
    return tag("p", words, class_="learn score", role="status")
