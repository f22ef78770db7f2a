"""The quiz in a real browser: answered wrong, then right, with a score that the browser keeps."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from limner.models import find, read_manifest
from limner.studio.learn.questions import questions
from limner.studio.learn.quiz import ROUND
from tests.studio.browser.acting import ask_for, draw, press, tab, turn_to
from tests.studio.browser.conftest import Leave, Visit

pytestmark = pytest.mark.timeout(900)

BANK = {question.text: question for question in questions(read_manifest(find("limner-2")).picture_size[0])}
PROMPT = "a red boat on the sea"


def test_wrong_and_right_answers_are_told_apart_and_counted(address: str, visit: Visit, leave: Leave) -> None:
    """Wrong ones hear what is right and why, in the run's own words; the score outlives a new visit."""
    page = visit(address)
    ask_for(page, PROMPT, "11")
    draw(page)
    tab(page, "Learn")
    turn_to(page, "Quiz")
    answer(page, rightly=False)
    expect(page.locator(".judged")).to_contain_text("Not quite: it is “Input text prompt”.")
    expect(page.locator(".judged")).to_contain_text(f"In this run that was “{PROMPT}”")
    scored(page, right=0, asked=ROUND)
    press(page, "Three more")
    expect(page.locator(".judged")).to_have_count(0)
    answer(page, rightly=True)
    expect(page.get_by_role("heading", name=f"{ROUND} of {ROUND} right")).to_be_visible()
    scored(page, right=ROUND, asked=2 * ROUND)
    leave(page)
    page.goto(f"{address}/studio")
    tab(page, "Learn")
    turn_to(page, "Quiz")
    scored(page, right=ROUND, asked=2 * ROUND)


def test_a_round_is_judged_when_it_is_answered_and_only_once(address: str, visit: Visit) -> None:
    """Open questions are named; after the check the answers stand; an explanation leads to where one sees it."""
    page = visit(address)
    tab(page, "Learn")
    turn_to(page, "Quiz")
    press(page, "Check my answers")
    expect(page.get_by_text("Still without an answer: 1, 2, 3.")).to_be_visible()
    expect(page.get_by_text("No answers yet.")).to_be_visible()
    answer(page, rightly=True)
    expect(page.get_by_role("button", name="Check my answers")).to_be_disabled()
    expect(page.locator(".question").first.get_by_role("radio").first).to_be_disabled()
    page.locator(".judged").get_by_role("button", name="4 Training trace").click()
    expect(page.get_by_role("heading", name="Training trace", level=2)).to_be_visible()


def answer(page: Page, *, rightly: bool) -> None:
    """Answer the three questions that stand there, all of them right or all of them wrong; have them checked."""
    asked = page.locator(".question")
    expect(asked).to_have_count(ROUND)
    for field in asked.all():
        text = field.locator("[data-testid=block-info]").text_content() or ""
        question = BANK[re.sub(r"^\s*\d+\. |\s+$", "", text)]
        wanted = question.right if rightly else question.wrong[0]
        field.get_by_role("radio", name=wanted, exact=True).check()
    press(page, "Check my answers")


def scored(page: Page, *, right: int, asked: int) -> None:
    """Wait until the score is this."""
    told = f"Your score in this browser: {right} of {asked} right."
    expect(page.get_by_text(told)).to_be_visible()
