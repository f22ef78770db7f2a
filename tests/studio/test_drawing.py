"""`limner.studio.drawing`: the page draws with the server's own loop, under the server's own rules.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from limner.errors import CancelledError, EngineError, LimnerError
from limner.imaging.reader import read_pixels
from limner.server.contract.field import Route
from limner.studio.asking import Ask
from limner.studio.drawing import Drawn, News, Progress, Studio, Wish, sentence
from limner.studio.visitor import Visitor
from tests.studio.conftest import Open


def wish(**fields: Any) -> Wish:
    """A wish for a picture of two cats."""
    return Wish(
        route=Route.GENERATIONS, values=Ask(**{"prompt": "two cats", "seed": "5"} | fields).body("fake")
    )


def news_of(studio: Studio, visitor: Visitor, wanted: Wish) -> list[News]:
    """All that is told of a drawing."""

    async def listen() -> list[News]:
        return [news async for news in studio.draw(visitor, wanted)]

    return asyncio.run(listen())


def drawn(studio: Studio, visitor: Visitor, wanted: Wish) -> Drawn:
    """The end of a drawing."""
    *_, last = news_of(studio, visitor, wanted)
    assert isinstance(last, Drawn)
    return last


def test_pictures_come_with_previews_and_a_trace(studio: Open, visitor: Visitor) -> None:
    """As many as were asked for; the first has the seed that was, and none is without its story."""
    news = news_of(studio(), visitor, wish(n=2, steps=8))
    previews = [each for each in news if isinstance(each, Progress) and each.previews]
    assert [each.share for each in previews] == sorted(each.share for each in previews)
    assert set(previews[-1].previews) == {0, 1}
    last = news[-1]
    assert isinstance(last, Drawn)
    assert [each.shown.picture.trace is not None for each in last.made] == [True, True]
    assert (last.made[0].shown.seed, last.made[0].shown.steps) == (5, 8)


def test_the_page_draws_what_the_api_draws(studio: Open, visitor: Visitor) -> None:
    """The same seed gives the same pixels as the library, and the natural style is the API's."""
    room = studio()
    [direct] = room.services.pipeline.generate("two cats", seed=5)
    [vivid], [natural] = (drawn(room, visitor, wish(style=style)).made for style in ("vivid", "natural"))
    assert np.array_equal(vivid.shown.picture.pixels_HWC, direct.pixels_HWC)
    assert not np.array_equal(natural.shown.picture.pixels_HWC, direct.pixels_HWC)


def test_files_open_again(studio: Open, visitor: Visitor) -> None:
    """PNG, JPEG and WebP; PNG to the bit."""
    [made] = drawn(studio(), visitor, wish()).made
    for file_format in ("png", "jpeg", "webp"):
        assert read_pixels(made.to_bytes(file_format)).shape == (256, 256, 3)
    assert np.array_equal(read_pixels(made.to_bytes("png")), made.shown.picture.pixels_HWC)


def test_what_is_not_painted_stays_to_the_bit(studio: Open, visitor: Visitor) -> None:
    """And what is painted is drawn anew."""
    source_HWC = np.random.default_rng(1).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    mask_HW = np.zeros((90, 120), np.bool_)
    mask_HW[20:50, 30:60] = True
    body = Ask(prompt="a ball").picture_body("fake")
    edit = Wish(route=Route.EDITS, values=body, picture_HWC=source_HWC, mask_HW=mask_HW)
    [made] = drawn(studio(), visitor, edit).made
    pixels_HWC = made.shown.picture.pixels_HWC
    assert np.array_equal(pixels_HWC[~mask_HW], source_HWC[~mask_HW])
    assert (pixels_HWC[mask_HW] != source_HWC[mask_HW]).mean() > 0.9
    assert made.kind == "edits"


def test_variations_need_no_words(studio: Open, visitor: Visitor) -> None:
    """They start from a picture alone."""
    source_HWC = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    body = Ask(n=2).picture_body("fake", variation=True)
    made = drawn(studio(), visitor, Wish(route=Route.VARIATIONS, values=body, picture_HWC=source_HWC)).made
    assert [(each.kind, each.shown.prompt, each.shown.size) for each in made] == [
        ("variations", "", (64, 64))
    ] * 2


def test_all_that_is_drawn_is_kept(studio: Open, visitor: Visitor) -> None:
    """In the history of the browser that asked."""
    room = studio()
    made = drawn(room, visitor, wish(n=2)).made
    kept = {entry.seed for entry in room.history.entries(visitor.browser)}
    assert kept == {each.shown.seed for each in made}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"prompt": " "}, "prompt"),
        ({"size": "12"}, "Invalid size '12'"),
        ({"steps": 5000}, "Expected a value <= 1000"),
        ({"negative_prompt": "dogs"}, "negative_prompt needs guidance"),
        ({"prompt": "a bloody massacre"}, "The prompt guard refuses this prompt"),
    ],
)
def test_what_the_api_refuses_the_page_refuses(
    studio: Open, visitor: Visitor, fields: dict[str, Any], told: str
) -> None:
    """In a sentence, by the same table of fields and the same guard."""
    with pytest.raises(LimnerError, match=told):
        news_of(studio(), visitor, wish(**fields))


def test_the_limit_holds_here_too(studio: Open, visitor: Visitor) -> None:
    """Pictures a minute are counted together with those of the API."""
    room = studio(images_per_minute=1)
    drawn(room, visitor, wish())
    assert not room.services.limiter.take(visitor.caller.key, 1).allowed
    with pytest.raises(LimnerError, match="Rate limit reached"):
        news_of(room, visitor, wish())


def test_cancel_ends_the_job_in_the_loop(studio: Open, visitor: Visitor) -> None:
    """Nothing is left running or kept, and another page's drawing goes on."""
    room = studio()

    async def cancelled() -> None:
        async for _ in room.draw(visitor, wish(steps=1000)):
            room.cancel("another page")
            room.cancel(visitor.session)

    with pytest.raises(CancelledError):
        asyncio.run(cancelled())
    assert room.running == {}
    assert (room.services.loop.load().running, room.services.loop.load().queued) == (0, 0)
    assert room.history.entries(visitor.browser) == []


def test_whoever_stops_listening_cancels(studio: Open, visitor: Visitor) -> None:
    """A page that is closed leaves nothing that is still being drawn."""
    room = studio()

    async def left() -> None:
        drawing = room.draw(visitor, wish(steps=1000))
        await anext(drawing)
        await drawing.aclose()  # type: ignore[attr-defined]

    asyncio.run(left())
    assert room.running == {}
    assert room.services.loop.load().running == 0


def test_errors_are_sentences() -> None:
    """What is inside the server stays inside."""
    assert sentence(LimnerError("Say more.")) == "Say more."
    assert "secret" not in sentence(EngineError("secret"))
    assert "secret" not in sentence(ValueError("secret"))
