"""The quiz is right, fair, and tells of the run on screen."""

from __future__ import annotations

import re
from collections import Counter
from typing import get_args

import gradio as gr
import pytest

from limner.studio.learn.questions import Question, Topic, questions
from limner.studio.learn.quiz import ROUND, Answer, answers, counted, judged, next_round, told
from limner.studio.learn.quiz_panel import _Quiz, build_quiz
from limner.studio.learn.running import numbers
from limner.studio.shown import Shown
from tests.pages import Page
from tests.studio.learn.helpers import built

BANK = questions(256)


@pytest.mark.parametrize("question", BANK, ids=lambda question: question.text)
def test_a_question_has_exactly_one_right_answer(question: Question) -> None:
    """Four answers, all different, the right one once."""
    offered = answers(question)
    assert len(set(offered)) == 4
    assert offered.count(question.right) == 1


@pytest.mark.parametrize("question", BANK, ids=lambda question: question.text)
def test_an_explanation_says_the_right_answer(question: Question) -> None:
    """In its own words, whatever was chosen."""
    assert question.right.removeprefix("At ").lower() in question.why.lower()


@pytest.mark.parametrize("question", BANK, ids=lambda question: question.text)
def test_an_explanation_tells_of_the_run(question: Question, shown: Shown) -> None:
    """It names at least one number or word of the run on screen."""
    run = numbers(shown)
    fields = re.findall(r"\{(\w+)\}", question.seen)
    seen = question.seen.format_map(run)
    assert fields or run["shape"] in seen
    assert all(run[field] in seen for field in fields)


def test_the_bank_covers_everything() -> None:
    """At least 18 questions, no two alike, on every topic."""
    assert len({question.text for question in BANK}) == len(BANK) >= 18
    assert {question.topic for question in BANK} == set(get_args(Topic))


def test_the_first_three_are_those_everybody_should_know() -> None:
    """The first step, what training does, the size of the vector."""
    assert [question.right for question in BANK[:ROUND]] == [
        "Input text prompt",
        "It lowers loss and raises accuracy",
        "1024 numbers",
    ]


def test_the_place_of_the_right_answer_tells_nothing() -> None:
    """It stands in each of the four places, and in none of them most of the time."""
    places = Counter(answers(question).index(question.right) for question in BANK)
    assert set(places) == {0, 1, 2, 3}
    assert max(places.values()) < len(BANK) / 2


def test_sizes_follow_the_model() -> None:
    """For a model of another size, the answers are its own."""
    rights = {question.right for question in questions(512)}
    assert {"512x512x3", "786,432"} <= rights


def test_no_question_comes_again_before_all_have_come() -> None:
    """Rounds of three go through the whole bank; the last one is filled up."""
    asked: list[int] = []
    for seed in range(-(-len(BANK) // ROUND)):
        asked += next_round(asked, len(BANK), seed)
    assert set(asked) == set(range(len(BANK)))
    assert len(asked) - len(BANK) < ROUND


def test_a_round_is_three_different_questions() -> None:
    """Also when only one is left that was not asked."""
    last = next_round(range(len(BANK) - 1), len(BANK), 5)
    assert last[0] == len(BANK) - 1
    assert len(set(last)) == ROUND


def test_right_and_wrong_answers_are_told_apart(shown: Shown) -> None:
    """Each is explained; a wrong one also hears the right answer, and where to look."""
    given = [
        Answer(question=BANK[0], chosen=BANK[0].right),
        Answer(question=BANK[2], chosen=BANK[2].wrong[0]),
    ]
    page = Page(judged(given, numbers(shown)))
    assert page.faults == []
    assert "1 of 2 right" in page.told
    assert "Not quite: it is “1024 numbers”." in page.told
    assert [button["data-chapter"] for button in page.all("button")] == ["2", "2"]


def test_an_open_question_is_pointed_at() -> None:
    """Nothing is judged before all are answered."""
    given = [Answer(question=BANK[0], chosen=BANK[0].right), Answer(question=BANK[1], chosen=None)]
    page = Page(judged(given, {}))
    assert "Still without an answer: 2." in page.told
    assert BANK[0].why not in page.told


def test_scores_add_up() -> None:
    """What the browser kept, and this round."""
    given = [Answer(question=q, chosen=q.right) for q in BANK[:2]] + [Answer(question=BANK[2], chosen="?")]
    assert counted(None, given) == {"right": 2, "asked": 3}
    assert counted({"right": 4, "asked": 6}, given) == {"right": 6, "asked": 9}
    assert "6 of 9 right" in Page(told({"right": 6, "asked": 9})).told


def test_a_round_counts_once(shown: Shown) -> None:
    """After the check the answers stand, and the button rests until the next round."""
    quiz = _Quiz(BANK)
    chosen = [question.right for question in BANK[:ROUND]]
    verdict, button, score, *fields = quiz.check(shown, list(range(ROUND)), None, *chosen)
    assert "3 of 3 right" in verdict
    assert score == {"right": 3, "asked": 3}
    assert [part["interactive"] for part in (button, *fields)] == [False] * 4


def test_an_unanswered_round_changes_no_score(shown: Shown) -> None:
    """The score and the fields stay as they are."""
    _, _, score, *_ = _Quiz(BANK).check(shown, list(range(ROUND)), None, None, None, None)
    assert score == gr.skip()


def test_the_next_round_has_other_questions() -> None:
    """New labels and answers, nothing chosen, the button ready."""
    asked, verdict, button, *fields = _Quiz(BANK).more(list(range(ROUND)))
    assert set(asked[ROUND:]).isdisjoint(range(ROUND))
    assert verdict == ""
    assert button["interactive"]
    assert [field["label"] for field in fields] == [
        f"{number}. {BANK[i].text}" for number, i in enumerate(asked[ROUND:], start=1)
    ]


def test_the_score_outlives_the_server() -> None:
    """Its place in the browser and its key are the same after a restart."""
    page = built(build_quiz)
    [score] = [block for block in page.blocks.values() if isinstance(block, gr.BrowserState)]
    assert (score.storage_key, score.secret) == ("limner-quiz", "limner-quiz")
