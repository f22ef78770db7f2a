"""The nine ways of the tab Learn in a real browser: each shows the run that is on screen, and can be used.

What they must show comes from the same run made once more without a page.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from limner.loading import load
from limner.models import find, read_manifest
from limner.studio.learn.chapters import CHAPTERS
from limner.studio.learn.craft import PAIRS
from limner.studio.learn.recall import cards
from limner.studio.learn.training_trace import epoch_pictures
from limner.types import Trace
from tests.studio.browser.acting import (
    ask_for,
    draw,
    faults,
    fits,
    need_axe,
    photograph,
    press,
    set_steps,
    tab,
    told,
    turn_to,
)
from tests.studio.browser.conftest import Scheme, Visit, visiting

pytestmark = pytest.mark.timeout(900)

PROMPT, SEED, STEPS = "a red boat on the sea", 11, 6
LOOKS: tuple[tuple[int, Scheme], ...] = ((360, "dark"), (360, "light"), (1920, "dark"), (1920, "light"))


@pytest.fixture(scope="module")
def trace() -> Trace:
    """The run that is on screen."""
    [picture] = load(engine="fake").generate(PROMPT, seed=SEED, steps=STEPS, trace=True)
    assert picture.trace is not None
    return picture.trace


@pytest.fixture(scope="module")
def lesson(address: str, browser: Browser) -> Iterator[Page]:
    """The tab, after a picture was drawn; a page that all ways share."""
    with visiting(browser, set()) as visit:
        yield learning(visit(address))


@pytest.fixture(scope="module", params=LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def lesson_at(address: str, browser: Browser, request: pytest.FixtureRequest) -> Iterator[tuple[Page, str]]:
    """The same on a telephone and on a wide screen, in the light and in the dark; and how that is called."""
    need_axe()
    width, scheme = request.param
    with visiting(browser, set()) as visit:
        yield learning(visit(address, width, scheme)), f"{width}-{scheme}"


def learning(page: Page) -> Page:
    """The page, with the run on screen and the tab open."""
    ask_for(page, PROMPT, str(SEED))
    set_steps(page, STEPS)
    draw(page)
    tab(page, "Learn")
    return page


def are_there(images: Locator, count: int) -> None:
    """So many pictures, each of which the browser could read."""
    expect(images).to_have_count(count)
    read = images.evaluate_all(
        "all => Promise.all(all.map((each) => each.decode().then(() => each.naturalWidth)))"
    )
    assert all(width > 0 for width in read)


def test_the_overview_tells_of_the_picture_on_screen(lesson: Page, trace: Trace) -> None:
    """The picture, its prompt and seed, and what came out of each of the four stages."""
    chapter = turn_to(lesson, "Overview")
    are_there(chapter.get_by_role("img", name=f"The picture on screen, drawn for: {PROMPT}"), 1)
    expect(chapter).to_contain_text(f"Seed {SEED}. The prompt: {PROMPT}")
    stages = chapter.locator(".stages li")
    tokens = len(trace.text_encoding["tokens"])
    for stage, out in enumerate(
        (
            f"1 text string of {len(PROMPT)} characters",
            f"{tokens} tokens, then 1 vector of length 1024",
            f"{STEPS} steps, then 1 image tensor 256x256x3",
            "1 PNG file of",
        )
    ):
        expect(stages.nth(stage)).to_contain_text(out)


def test_the_overview_leads_to_the_other_ways(lesson: Page) -> None:
    """Its buttons choose a way as the choice at the top does."""
    turn_to(lesson, "Overview").get_by_role("button", name="2 Pipeline trace").click()
    expect(lesson.get_by_role("radio", name="2 Pipeline trace")).to_be_checked()
    expect(lesson.get_by_role("heading", name="Pipeline trace", level=2)).to_be_visible()


def test_the_pipeline_trace_follows_the_data(lesson: Page, trace: Trace) -> None:
    """Each stage's output with its shape and bytes, the tokens, and the numbers of the vector."""
    chapter = turn_to(lesson, "Pipeline trace")
    rows = chapter.get_by_role("group", name="The data of each stage").get_by_role("row")
    expect(rows).to_have_count(5)
    expect(rows.nth(1)).to_contain_text(str(len(PROMPT)))
    expect(rows.nth(2)).to_contain_text("vector 1024")
    expect(rows.nth(3)).to_contain_text("tensor 256x256x3")
    expect(rows.nth(3)).to_contain_text("196,608")
    expect(rows.nth(4)).to_contain_text("PNG file")
    expect(chapter).to_contain_text(PROMPT)
    expect(chapter).to_contain_text(f"{trace.text_encoding['vector'][0]:+.4f}")


def test_the_films_slider_changes_the_picture(lesson: Page) -> None:
    """From the last step to the first and on, the large frame is the film's own of that step."""
    chapter = turn_to(lesson, "Prediction trace")
    are_there(chapter.locator(".film img"), STEPS)
    frame, slider = chapter.locator("#player img"), chapter.get_by_role("slider", name="Step")
    for key, step in (("End", STEPS), ("Home", 1), ("ArrowRight", 2)):
        slider.press(key)
        source = chapter.locator(".film img").nth(step - 1).get_attribute("src")
        assert source is not None
        expect(frame).to_have_attribute("src", source)
        expect(chapter.locator("#told")).to_contain_text(f"{step} of {STEPS}, t")


def test_every_word_has_its_map(lesson: Page, trace: Trace) -> None:
    """Over the picture, with the place where it drew most in words."""
    chapter = turn_to(lesson, "Prediction trace")
    assert set(PROMPT.split()) <= {word.strip() for word in trace.attention}
    are_there(chapter.locator(".maps img"), len(trace.attention))
    for word in trace.attention:
        expect(chapter.get_by_role("img", name=f"Where “{word}” drew")).to_be_visible()


def test_the_numbers_of_every_step_can_be_unfolded(lesson: Page) -> None:
    """A table with a row for each, which is closed at first."""
    chapter = turn_to(lesson, "Prediction trace")
    table = chapter.get_by_role("group", name="The numbers of every step")
    expect(table).to_be_hidden()
    chapter.locator("summary", has_text="The numbers of every step").click()
    expect(table.get_by_role("row")).to_have_count(1 + STEPS)


def test_the_training_trace_is_the_shipped_models(lesson: Page) -> None:
    """Its table, its two curves and the pictures of its epochs; whose they are is said."""
    chapter = turn_to(lesson, "Training trace")
    folder = find("limner-2")
    epochs = read_manifest(folder).training_trace
    rows = chapter.get_by_role("group", name="The training trace, epoch by epoch").get_by_role("row")
    expect(rows).to_have_count(1 + len(epochs))
    for row, epoch in enumerate(epochs, start=1):
        expect(rows.nth(row)).to_contain_text(f"{epoch['loss']:.2f}")
        expect(rows.nth(row)).to_contain_text(str(epoch["observation"]))
    expect(chapter.get_by_role("img", name="by epoch:")).to_have_count(2)
    are_there(chapter.locator(".film img"), len(epoch_pictures(folder)))
    expect(chapter).to_contain_text("The picture on screen is of fake.")


def test_the_toy_reacts_to_each_of_its_controls(lesson: Page) -> None:
    """Word, steps, guidance and seed: each changes where the points go, and the counts say so."""
    turn_to(lesson, "Why it works")
    toy = lesson.locator(".learn.toy")
    expect(toy).to_contain_text("every word is theirs")
    lesson.get_by_role("radio", name="cat", exact=True).check()
    expect(toy.locator(".points.word-2").first).to_be_attached()
    expect(toy).not_to_contain_text("every word is theirs")
    for name, value, moments in (("Noise seed", "7", 5), ("Guidance", "4", 5), ("Steps", "1", 2)):
        before = toy.locator(".paths svg").inner_html()
        field = lesson.get_by_label(f"number input for {name}").locator("visible=true")
        field.fill(value)
        field.press("Tab")
        expect(toy.locator(".moments li")).to_have_count(moments)
        lesson.wait_for_function(
            "before => document.querySelector('.paths svg').innerHTML !== before", arg=before
        )


@pytest.mark.parametrize("has_clipboard", [True, False], ids=["clipboard", "plain http"])
def test_code_can_be_copied(lesson: Page, *, has_clipboard: bool) -> None:
    """All four programs name the prompt and the seed; what is copied is what is shown, on plain http too."""
    lesson.context.grant_permissions(["clipboard-read", "clipboard-write"])
    chapter = turn_to(lesson, "Code")
    programs = chapter.locator(".program")
    expect(programs).to_have_count(4)
    if not has_clipboard:
        lesson.evaluate(
            "Object.defineProperty(navigator, 'clipboard', {value: undefined, configurable: true})"
        )
    for program in programs.all():
        expect(program).to_contain_text(PROMPT)
        expect(program).to_contain_text(str(SEED))
        program.get_by_role("button", name="Copy: ").click()
        copied(lesson, program.locator("code").text_content() or "")


def copied(page: Page, text: str) -> None:
    """Wait until the text is copied; the clipboard that a test took away from the page is there for the look."""
    page.wait_for_function(
        """async (text) => {
          const taken = Object.getOwnPropertyDescriptor(navigator, "clipboard");
          delete navigator.clipboard;
          const copied = await navigator.clipboard.readText();
          if (taken) Object.defineProperty(navigator, "clipboard", taken);
          return copied === text;
        }""",
        arg=text,
    )


def test_a_pair_of_prompts_can_be_tried(lesson: Page) -> None:
    """The words of this run are judged; a button takes a pair to the lab, where both are drawn."""
    chapter = turn_to(lesson, "Prompt craft")
    for word in PROMPT.split():
        expect(chapter.locator(".heard")).to_contain_text(word)
    pair = PAIRS[1]
    chapter.get_by_role("button", name=f"Try this pair: {pair.about}").click()
    field = lesson.get_by_role("textbox", name="Prompts")
    expect(field).to_have_value(f"{pair.one}\n{pair.other}")
    press(lesson, "Draw the grid")
    told(lesson, "lab", "The grid is drawn.")
    for prompt in (pair.one, pair.other):
        are_there(lesson.get_by_role("img", name=f"{prompt}, drawn with seed 1", exact=True), 1)
    tab(lesson, "Learn")


def test_flash_cards_turn_over(lesson: Page) -> None:
    """The insight tells of this run; a card shows its answer when it is opened, and hides it again."""
    chapter = turn_to(lesson, "Key insight and recall")
    expect(chapter).to_contain_text(f"{STEPS} looks at the noise of seed {SEED}")
    every = cards("256x256x3")
    expect(chapter.locator(".cards li")).to_have_count(len(every))
    for card in every:
        front, back = (
            chapter.locator("summary", has_text=card.front),
            chapter.get_by_text(card.back, exact=True),
        )
        expect(back).to_be_hidden()
        front.click()
        expect(back).to_be_visible()
        front.press("Enter")
        expect(back).to_be_hidden()


def test_another_picture_changes_what_is_shown(address: str, visit: Visit) -> None:
    """Before the first there is nothing to tell; after the next, the way that was chosen tells of that one."""
    page = visit(address)
    tab(page, "Learn")
    expect(turn_to(page, "Pipeline trace")).to_contain_text("Draw a picture first")
    for prompt in (PROMPT, "two blue houses"):
        tab(page, "Create")
        ask_for(page, prompt, "3")
        draw(page)
        tab(page, "Learn")
        expect(page.get_by_role("radio", name="2 Pipeline trace")).to_be_checked()
        expect(page.locator("#chapter")).to_contain_text(prompt)


@pytest.mark.parametrize("title", [chapter.title for chapter in CHAPTERS])
def test_every_way_fits_and_can_be_read_by_all(lesson_at: tuple[Page, str], title: str) -> None:
    """Unfolded and answered, nothing hangs over at the side, and axe finds no serious fault."""
    page, look = lesson_at
    chapter = turn_to(page, title)
    chapter.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
    if title == "Quiz":
        answer_somehow(page)
    page.wait_for_timeout(500)  # colours fade in
    photograph(page, f"learn-{'-'.join(title.lower().split())}-{look}")
    assert fits(page)
    assert faults(page) == []


def answer_somehow(page: Page) -> None:
    """The last answer to each question, and what is said of it."""
    for question in page.locator(".question").all():
        question.get_by_role("radio").last.check()
    press(page, "Check my answers")
    expect(page.locator(".judged")).to_be_visible()
