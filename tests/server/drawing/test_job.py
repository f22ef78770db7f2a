"""`limner.server.drawing.job`: events cross from the device to the request, and back goes the wish to stop."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest
from starlette.requests import Request

import limner
from limner.batching.events import Failed, Finished, Preview, Queued, Started
from limner.batching.loop import DeviceLoop
from limner.errors import CancelledError, EngineError, ShuttingDownError
from limner.imaging.picture import Picture
from limner.server.drawing.job import Drawing, wait_for_pictures
from limner.server.errors import ClientGoneError
from limner.server.telemetry import RequestSpan
from limner.types import ImageRequest

WANTED = ImageRequest(prompt="a cat", seed=7, size=(16, 16))


async def silent() -> dict[str, Any]:
    """A client that waits."""
    await anyio.sleep_forever()
    return {}


async def gone() -> dict[str, Any]:
    """A client that has hung up."""
    return {"type": "http.disconnect"}


def client(receive: Any) -> Request:
    """A request whose body has been read."""
    return Request({"type": "http", "headers": []}, receive)


def new_loop() -> DeviceLoop:
    """A loop with the instant engine, not started."""
    return DeviceLoop(limner.load(engine="fake"))


def test_pictures_arrive() -> None:
    """The same as without a server."""

    async def draw() -> tuple[Picture, ...]:
        loop = new_loop()
        loop.start()
        try:
            with Drawing(loop, WANTED) as drawing:
                return await wait_for_pictures(drawing, client(silent))
        finally:
            await anyio.to_thread.run_sync(loop.close)

    [picture] = anyio.run(draw)
    [expected] = limner.load(engine="fake").generate("a cat", seed=7, size=(16, 16))
    assert (picture.pixels_HWC == expected.pixels_HWC).all()


def test_events_arrive_in_order() -> None:
    """Queued, started, previews, finished."""

    async def listen() -> list[type]:
        loop = new_loop()
        loop.start()
        kinds: list[type] = []
        try:
            with Drawing(loop, WANTED, previews=2) as drawing:
                while Finished not in kinds:
                    kinds.append(type(await drawing.next()))
        finally:
            await anyio.to_thread.run_sync(loop.close)
        return kinds

    kinds = anyio.run(listen)
    assert kinds[-4:] == [Started, Preview, Preview, Finished]
    assert set(kinds[:-4]) <= {Queued}


def test_waiting_has_an_end() -> None:
    """None where nothing comes in time, so that the line can be kept open."""

    async def wait() -> object:
        with Drawing(new_loop(), WANTED) as drawing:
            while (event := await drawing.next(0.01)) is not None:
                assert isinstance(event, Queued)
            return event

    assert anyio.run(wait) is None


def test_who_hangs_up_ends_the_job() -> None:
    """The pictures are not waited for, and the job is cancelled."""

    async def hang_up() -> object:
        loop = new_loop()
        with Drawing(loop, WANTED) as drawing, pytest.raises(ClientGoneError):
            await wait_for_pictures(drawing, client(gone))
        loop.deliver()
        return await drawing.end()

    end = anyio.run(hang_up)
    assert isinstance(end, Failed)
    assert isinstance(end.error, CancelledError)


def test_failures_arrive_as_they_are() -> None:
    """The error of the engine is the error of the wait."""

    async def fail() -> None:
        loop = new_loop()

        def broken(*_: object) -> None:
            raise EngineError("out of paint")

        loop._device._pipeline.engine.denoise = broken  # type: ignore[method-assign, assignment]
        loop.start()
        try:
            with Drawing(loop, WANTED) as drawing, pytest.raises(EngineError, match="out of paint"):
                await wait_for_pictures(drawing, client(silent))
        finally:
            await anyio.to_thread.run_sync(loop.close)

    anyio.run(fail)


def test_a_loop_that_leaves_takes_nothing() -> None:
    """The refusal comes before any waiting."""

    async def too_late() -> None:
        loop = new_loop()
        loop.close()
        with pytest.raises(ShuttingDownError):
            Drawing(loop, WANTED)

    anyio.run(too_late)


class Noting(RequestSpan):
    """Notes when it hears of the end."""

    def __init__(self, order: list[str]) -> None:
        super().__init__()
        self._order = order

    def drawn(self, event: Finished | Failed) -> None:
        """The stages are told."""
        super().drawn(event)
        self._order.append("told")


def test_stages_and_pictures_are_accounted_for_before_the_request_can_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise the span of a request could end before those of its stages."""
    order: list[str] = []

    async def draw() -> None:
        here = asyncio.get_running_loop()
        hand_over = here.call_soon_threadsafe

        def noted(callback: Any, *events: Any, **options: Any) -> Any:
            order.extend("read" for event in events if isinstance(event, Finished))
            return hand_over(callback, *events, **options)

        monkeypatch.setattr(here, "call_soon_threadsafe", noted)
        loop = new_loop()
        loop.start()
        try:
            with Drawing(
                loop, WANTED, span=Noting(order), drawn=lambda _: order.append("counted")
            ) as drawing:
                await wait_for_pictures(drawing, client(silent))
        finally:
            await anyio.to_thread.run_sync(loop.close)

    anyio.run(draw)
    assert order == ["told", "counted", "read"]


def test_pictures_arrive_though_counting_them_fails() -> None:
    """Whoever asked has not to wait for ever because a ledger cannot be written."""

    def fail(_: object) -> None:
        raise OSError("no ledger")

    async def draw() -> tuple[Picture, ...]:
        loop = new_loop()
        loop.start()
        try:
            with Drawing(loop, WANTED, drawn=fail) as drawing:
                return await wait_for_pictures(drawing, client(silent))
        finally:
            await anyio.to_thread.run_sync(loop.close)

    assert len(anyio.run(draw)) == 1
