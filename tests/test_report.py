"""The report of a run is one sound HTML file, shows the trace's own numbers, and asks nobody for anything."""

from __future__ import annotations

import base64
import itertools
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from limner.errors import InvalidRequestError
from limner.imaging.picture import Picture
from limner.imaging.reader import read_pixels
from limner.loading import load
from limner.report import report
from limner.report.drawings import place, strip
from limner.report.markup import Html, tag
from limner.report.parts import seconds
from limner.types import Pixels, Trace
from tests.pages import Page

PROMPT = "the red boat and the blue boat"
HOSTILE = "<script>alert(1)</script> \"a\" 'b' </title></style> &amp; \u202erow \u05e9\u05dc\u05d5\u05dd \U0001f436\nx"


def drawn(prompt: str = PROMPT, size: tuple[int, int] = (64, 56)) -> tuple[Picture, Trace]:
    """A picture with its trace."""
    [picture] = load(engine="fake").generate(
        prompt, seed=5, steps=6, guidance=2.0, size=size, trace=True, format="webp"
    )
    assert picture.trace is not None
    return picture, picture.trace


@pytest.fixture(scope="module")
def run() -> tuple[Picture, Trace, Page]:
    """A picture, its trace and its page."""
    picture, trace = drawn()
    return picture, trace, Page(report(picture, engine="fake"))


def data_of(source: str | None) -> bytes:
    """The bytes in a data: address."""
    return base64.b64decode((source or "").partition(";base64,")[2], validate=True)


def pictures_of(page: Page, beginning: str) -> list[Pixels]:
    """The pictures whose alternative text begins so."""
    return [
        read_pixels(data_of(image["src"]))
        for image in page.all("img")
        if str(image["alt"]).startswith(beginning)
    ]


@pytest.mark.parametrize("prompt", [PROMPT, HOSTILE, "a " * 15_000, "x" * 32_000])
@pytest.mark.filterwarnings("ignore::limner.errors.PromptWarning")
def test_the_page_is_well_formed(prompt: str) -> None:
    """Whatever the prompt, each element is closed in order and each id is there once."""
    page = Page(report(drawn(prompt)[0], engine="fake"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert page.faults == []
    assert len(ids) == len(set(ids))


def test_a_hostile_prompt_is_text() -> None:
    """Markup, quotes, turned text and emoji are shown as they were given, and no element comes of them."""
    harmless, page = (
        Page(report(drawn(prompt)[0], engine="fake")) for prompt in ("a b c d e f g h", HOSTILE)
    )
    assert ("blockquote", HOSTILE) in page.texts
    assert len(page.all("script")) == len(harmless.all("script")) == 1
    assert len(page.all("style")) == len(page.all("title")) == 1
    assert {name for name, _ in page.elements} == {name for name, _ in harmless.elements}
    assert not [key for _, attributes in page.elements for key in attributes if key.startswith("on")]


def test_a_persons_words_turn_nothing_around_them(run: tuple[Picture, Trace, Page]) -> None:
    """Title, prompt, words and tokens find their own direction."""
    for name, attributes in run[2].elements:
        if name in ("h1", "blockquote", "code"):
            assert attributes["dir"] == "auto"


def test_the_page_leads_nowhere(run: tuple[Picture, Trace, Page]) -> None:
    """Each src and href is in the file, nothing else can load, and the browser is told to load nothing."""
    page = run[2]
    for _, attributes in page.elements:
        assert str(attributes.get("src", "data:")).startswith("data:")
        assert re.match(r"data:|#[\w-]+$", str(attributes.get("href", "data:")))
    assert {"iframe", "object", "embed", "form", "base", "video", "audio"}.isdisjoint(dict(page.elements))
    assert not [text for tag, text in page.texts if re.search(r"https?:|url\(|@import|fetch\(", text) and tag]
    [policy] = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert str(policy).startswith("default-src 'none'; img-src data:;")


def test_links_within_the_page_arrive(run: tuple[Picture, Trace, Page]) -> None:
    """Each link to a part of the page, and each label, names an id that is there."""
    page = run[2]
    ids = {attributes.get("id") for _, attributes in page.elements}
    wanted = [str(link["href"])[1:] for link in page.all("a")] + [label["for"] for label in page.all("label")]
    wanted += [str(part["aria-labelledby"]) for part in page.all("section")]
    assert [name for name in wanted if name not in ids] == []


def test_each_image_says_what_it_shows(run: tuple[Picture, Trace, Page]) -> None:
    """No two pictures of different things have one alternative text, and none has an empty one."""
    texts = [image["alt"] for image in run[2].all("img")]
    assert all(texts)
    assert len(texts) == len(set(texts)) == 3 + 6 + 5


def test_landmarks_and_headings_are_in_order(run: tuple[Picture, Trace, Page]) -> None:
    """One h1, one main, a named nav; no heading skips a level."""
    page = run[2]
    levels = [int(name[1]) for name, _ in page.elements if re.fullmatch(r"h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == len(page.all("main")) == len(page.all("nav")) == 1
    assert all(later - now <= 1 for now, later in itertools.pairwise(levels))
    assert page.all("nav")[0]["aria-label"] == "The four stages"
    assert page.all("html")[0]["lang"] == "en"


def test_the_four_stages_and_three_layers_have_their_names_and_order(
    run: tuple[Picture, Trace, Page],
) -> None:
    """Input Text Prompt, then the layers Text Encoding, Image Generation and Image Decoding."""
    titles = [text for tag, text in run[2].texts if tag == "h2"]
    assert titles[1:] == ["Input Text Prompt", "Text Encoding", "Image Generation", "Image Decoding"]
    told = run[2].told
    for counted in ("Stage 1", "Stage 2 · Layer 1", "Stage 3 · Layer 2", "Stage 4 · Layer 3"):
        assert counted in told


def test_settings_and_times_are_the_runs_own(run: tuple[Picture, Trace, Page]) -> None:
    """Seed, model, engine, sampler, steps, guidance; each layer's seconds, and their sum."""
    picture, trace, page = run
    values = [text for tag, text in page.texts if tag == "dd"][:6]
    spent = [
        layer["seconds"] for layer in (trace.text_encoding, trace.image_generation, trace.image_decoding)
    ]
    assert values == [str(picture.seed), "fake", "fake", "euler", "6", "2"]
    cells = [text for tag, text in page.texts if tag == "td"]
    assert cells[0:6:2] == [seconds(value) for value in spent]
    assert ("h2", seconds(sum(spent))) in page.texts


def test_the_bar_is_as_long_as_the_seconds(run: tuple[Picture, Trace, Page]) -> None:
    """Its three parts grow as the layers' seconds."""
    _, trace, page = run
    grown = [
        float(str(part["style"]).removeprefix("flex-grow:")) for part in page.all("span") if "style" in part
    ]
    assert grown[1] == pytest.approx(trace.image_generation["seconds"], abs=1e-6)
    assert len(grown) == 3


def test_words_stand_over_their_tokens(run: tuple[Picture, Trace, Page]) -> None:
    """Each token is there in order, those of no word as markers, each word with its span."""
    _, trace, page = run
    assert [text for tag, text in page.texts if tag == "code"] == trace.text_encoding["tokens"]
    assert [text for tag, text in page.texts if tag == "i"] == ["marker", "marker"]
    assert "the" in page.told
    assert "token 2" in page.told


def test_a_word_of_several_tokens_tells_its_span() -> None:
    """Tokens 1 and 2 of one word stand under it, as "tokens 1 to 2"."""
    picture, trace = drawn("boat")
    layer = {**trace.text_encoding, "tokens": ["[start]", "bo", "##at", "[end]"]}
    layer["words"] = [{"word": "boat", "start": 1, "stop": 3}]
    page = Page(report(replace(picture, trace=replace(trace, text_encoding=layer)), engine="fake"))
    assert ("small", "tokens 1 to 2") in page.texts


@pytest.mark.filterwarnings("ignore::limner.errors.PromptWarning")
def test_what_was_not_read_is_told() -> None:
    """The part of the prompt beyond the encoder's window is counted and quoted."""
    told = Page(report(drawn("boat " * 46 + "lighthouse far away")[0], engine="fake")).told
    assert "The last 19 of 249 characters did not fit" in told
    assert "“lighthouse far away”" in told


def test_the_strip_has_a_cell_for_each_number(run: tuple[Picture, Trace, Page]) -> None:
    """1024 cells, warm above 0 and cool below, the stronger the farther; the greatest is opaque."""
    _, trace, page = run
    vector = np.array(trace.text_encoding["vector"], np.float32)
    [cells] = [pixels.reshape(-1, 4) for pixels in pictures_of(page, "1024 coloured cells")]
    assert len(cells) == len(vector)
    seen = cells[:, 3] > 0
    np.testing.assert_array_equal((cells[:, 0] > cells[:, 2])[seen], (vector > 0)[seen])
    np.testing.assert_allclose(cells[:, 3] / 255, np.abs(vector) / np.abs(vector).max(), atol=1 / 255)


def test_the_vectors_numbers_are_told(run: tuple[Picture, Trace, Page]) -> None:
    """The first, the last and all 1024, and its length, which is 1."""
    _, trace, page = run
    vector = trace.text_encoding["vector"]
    [numbers] = [text for tag, text in page.texts if tag == "p" and text.count("+") + text.count("-") > 1000]
    assert [float(number) for number in numbers.split()] == pytest.approx(vector, abs=5.1e-5)
    assert ("dd", "  ".join(f"{number:+.4f}" for number in vector[-4:])) in page.texts
    assert ("dd", f"{math.hypot(*vector):.6f}") in page.texts
    assert ("dd", "1.000000") in page.texts


def test_the_film_is_the_previews(run: tuple[Picture, Trace, Page]) -> None:
    """One frame a step, pixel for pixel the trace's preview, with its t."""
    _, trace, page = run
    frames = pictures_of(page, "Step ")
    for frame, preview in zip(frames, trace.previews, strict=True):
        np.testing.assert_array_equal(frame, preview)
    for step in trace.image_generation["steps"]:
        assert f" t {step['t']:.3f}" in page.told


def test_every_steps_numbers_are_told(run: tuple[Picture, Trace, Page]) -> None:
    """The table has t, means and deviations of each step, to four places."""
    _, trace, page = run
    cells = [text for tag, text in page.texts if tag == "td"][6:]
    keys = ("t", "t_next", "x_mean", "x_std", "x0_mean", "x0_std")
    assert cells == [f"{step[key]:.4f}" for step in trace.image_generation["steps"] for key in keys]


def test_each_word_has_its_map(run: tuple[Picture, Trace, Page]) -> None:
    """The map is most coloured where its word drew most, and tells how much more than evenly that is."""
    _, trace, page = run
    for word, map_hw in trace.attention.items():
        [map_HWC] = pictures_of(page, f"Where “{word}” drew")
        colour_HW = map_HWC[..., 0].astype(int) - map_HWC[..., 2]
        side = 128 // map_hw.shape[0]
        colour_hw = colour_HW.reshape(map_hw.shape[0], side, map_hw.shape[1], side).mean(axis=(1, 3))
        assert colour_hw.argmax() == map_hw.argmax()
        assert f"{map_hw.max() * map_hw.size:.1f} times even, {place(map_hw)}" in page.told


def test_the_maps_of_a_wide_picture_are_wide() -> None:
    """They lie over the whole picture, in its proportions."""
    picture, _ = drawn(size=(1792, 1024))
    page = Page(report(picture, engine="fake"))
    [map_HWC] = pictures_of(page, "Where “red” drew")
    assert map_HWC.shape == (74, 128, 3)


def test_the_file_is_in_the_page(run: tuple[Picture, Trace, Page]) -> None:
    """The last picture is the very file that the third layer tells of: format, pixels, bytes, hash."""
    picture, trace, page = run
    layer = trace.image_decoding
    [source] = [image["src"] for image in page.all("img") if "The finished" in str(image["alt"])]
    assert data_of(source) == picture.to_bytes("webp")
    for told in ("WEBP", "64x56", f"{layer['bytes']:,}", layer["sha256"], seconds(layer["seconds"])):
        assert ("dd", told) in page.texts


def test_the_page_works_without_its_script(run: tuple[Picture, Trace, Page]) -> None:
    """Only the slider waits for the script, and is hidden until then."""
    hidden = [attributes for _, attributes in run[2].elements if "hidden" in attributes]
    assert [attributes["id"] for attributes in hidden] == ["player"]


def test_the_same_picture_gives_the_same_page() -> None:
    """Nothing of the clock or the machine goes in beyond what the trace holds."""
    picture, _ = drawn()
    assert report(picture, engine="fake") == report(picture, engine="fake")


def test_a_trace_without_pictures_is_told_all_the_same() -> None:
    """No previews and no attention: the numbers stay, film and maps are left out."""
    picture, trace = drawn()
    page = Page(report(replace(picture, trace=replace(trace, previews=(), attention={})), engine="fake"))
    assert page.faults == []
    assert len(page.all("img")) == 3


def test_a_variation_has_a_title() -> None:
    """A picture that was drawn from a picture has no prompt, and its page says so."""
    [picture] = load(engine="fake").generate("", image=drawn()[0].pixels_HWC, seed=1, trace=True)
    page = Page(report(picture, engine="fake"))
    assert ("h1", "A variation") in page.texts
    assert page.faults == []


def test_a_picture_without_a_trace_is_refused() -> None:
    """The message says how to get one."""
    [picture] = load(engine="fake").generate(PROMPT, seed=5)
    with pytest.raises(InvalidRequestError, match="trace=True"):
        report(picture, engine="fake")


def test_markup_escapes_all_but_itself() -> None:
    """Text and attributes are escaped once, markup is not; True is a bare name, None is nothing."""
    inner = tag("b", "<&'\"")
    assert isinstance(inner, Html)
    assert tag("p", inner, title='"', hidden=True, id=None) == (
        '<p title="&quot;" hidden><b>&lt;&amp;&#x27;&quot;</b></p>'
    )
    assert tag("img", alt="") == '<img alt="">'


@pytest.mark.parametrize(
    ("value", "told"), [(1234.5, "1,234.50 s"), (1.5, "1.50 s"), (0.0123, "12.3 ms"), (0.00002, "0.02 ms")]
)
def test_seconds_are_told_in_a_fitting_unit(value: float, told: str) -> None:
    """Seconds from 1 on, below that milliseconds."""
    assert seconds(value) == told


def test_a_vector_of_zeros_is_an_empty_strip() -> None:
    """No number is divided by zero."""
    assert read_pixels(data_of(strip(np.zeros(1024, np.float32))))[..., 3].max() == 0
