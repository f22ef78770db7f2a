"""The chapters tell the numbers of the run on screen, and no others."""

from __future__ import annotations

from limner.studio.learn.chapters import CHAPTERS
from limner.studio.learn.craft import strongest
from limner.studio.learn.page import told
from limner.studio.learn.pipeline import flow
from limner.studio.learn.recall import cards
from limner.studio.learn.running import numbers
from limner.studio.shown import Shown
from limner.types import EMBEDDING_LENGTH
from tests.pages import Page
from tests.studio.learn.helpers import PROMPT, trace_of


def test_all_nine_take_about_twelve_minutes() -> None:
    """The minutes that the chapters name add up to it."""
    assert sum(chapter.minutes for chapter in CHAPTERS) == 12


def test_the_numbers_are_the_runs_own(shown: Shown) -> None:
    """Length, shape, steps, seed and bytes are those of the trace."""
    run, trace = numbers(shown), trace_of(shown)
    assert run["vector"] == str(EMBEDDING_LENGTH)
    assert run["first"].split(", ")[0] == f"{trace.text_encoding['vector'][0]:+.4f}"
    assert run["last"].split(", ")[-1] == f"{trace.text_encoding['vector'][-1]:+.4f}"
    assert (run["shape"], run["values"]) == ("256x256x3", "196,608")
    assert (run["steps"], run["seed"], run["guidance"]) == ("6", "5", "2")
    assert run["bytes"] == f"{len(shown.picture.to_bytes('png')):,}"


def test_the_overview_has_four_stages_in_order(shown: Shown) -> None:
    """Each with what came out of it."""
    page = Page(told(1, shown)).told
    outs = ("text string of 30 characters", "vector of length 1024", "tensor 256x256x3", "PNG file")
    assert sorted(outs, key=page.index) == list(outs)


def test_the_overview_leads_to_every_chapter(shown: Shown) -> None:
    """By a button each."""
    ways = [button["data-chapter"] for button in Page(told(1, shown)).all("button")]
    assert ways == [str(number) for number in range(1, 10)]


def test_the_flow_has_the_size_of_everything(shown: Shown) -> None:
    """Bytes of the string, of 1024 floats, of the tensor, and of the file."""
    sizes = [size for *_, size in flow(trace_of(shown))]
    assert sizes == [len(PROMPT), 4 * 1024, 256 * 256 * 3, len(shown.picture.to_bytes("png"))]


def test_the_pipeline_shows_tokens_and_vector(shown: Shown) -> None:
    """Every token, the strip of all numbers, its ends."""
    page = Page(told(2, shown))
    codes = page.all("code")
    strips = [image for image in page.all("img") if image.get("class") == "strip"]
    assert len(codes) == len(trace_of(shown).text_encoding["tokens"])
    assert [str(strip["alt"]).split()[0] for strip in strips] == ["1024"]


def test_the_prediction_has_a_frame_for_each_step_and_a_map_for_each_word(shown: Shown) -> None:
    """Six steps, and the prompt's five different words."""
    alts = [str(image["alt"]) for image in Page(told(3, shown)).all("img")]
    assert len([alt for alt in alts if alt.startswith("Step ")]) == 6
    assert len([alt for alt in alts if alt.startswith("Where ")]) == len(set(PROMPT.split()))


def test_the_prediction_has_three_layers_in_order(shown: Shown) -> None:
    """Text Encoding, Image Generation, Image Decoding."""
    page = Page(told(3, shown)).told
    layers = ("Layer 1Text Encoding", "Layer 2Image Generation", "Layer 3Image Decoding")
    assert sorted(layers, key=page.index) == list(layers)


def test_the_strongest_word_comes_first(shown: Shown) -> None:
    """Words are ordered by how sharply they drew."""
    trace = trace_of(shown)
    peaks = strongest(trace)
    assert {word for word, *_ in peaks} == set(trace.attention)
    assert peaks[0][1] == max(float(map_hw.max()) * map_hw.size for map_hw in trace.attention.values())


def test_cards_have_two_sides() -> None:
    """At least ten cards, no two alike, each with an answer."""
    all_cards = cards("256x256x3")
    assert len({card.front for card in all_cards}) == len(all_cards) >= 10
    assert all(card.back for card in all_cards)


def test_the_insight_has_the_tensor_of_the_run(shown: Shown) -> None:
    """And below it the run's own numbers."""
    page = Page(told(9, shown)).told
    assert "256x256x3" in page
    assert "seed 5" in page
