"""A request's work and previews."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.batching.jobs import Canvas, preview_steps
from limner.batching.loop import DeviceLoop
from limner.batching.plain import PlainLoop
from limner.engines.fake import FakeEngine
from limner.pipeline import Pipeline
from limner.types import ImageRequest
from tests.batching.helpers import TestEngine, ask


@pytest.mark.parametrize(
    ("steps", "previews", "expected"),
    [(4, 0, []), (4, 1, [2]), (4, 3, [1, 2, 3]), (20, 3, [5, 10, 15]), (2, 3, [1]), (1, 3, [])],
)
def test_previews_are_evenly_spaced(steps: int, previews: int, expected: list[int]) -> None:
    """They divide the steps into equal parts; where there are few steps, there are fewer."""
    assert preview_steps(steps, previews) == expected


@settings(deadline=None, derandomize=True)
@given(st.integers(1, 200), st.integers(0, 3))
def test_previews_are_on_the_way_and_never_too_many(steps: int, previews: int) -> None:
    """Never before the first step, never after the last."""
    due = preview_steps(steps, previews)
    assert len(due) <= previews
    assert all(0 < step < steps for step in due)


def test_a_preview_that_was_missed_is_not_made_up_for() -> None:
    """Who was not looked at when a preview was due shows one at the next look, and counts on from there."""
    loop = PlainLoop(Pipeline(FakeEngine()))
    request = ImageRequest(prompt="a boat", steps=4)
    job = loop.submit(request, previews=3, listener=lambda _: None)
    pipeline = Pipeline(FakeEngine())
    [rendering] = pipeline.start(request, pipeline.encode_text(request))
    canvas = Canvas(job, 0, rendering)
    shown = []
    for rendering.step in (0, 2, 2, 3, 4):
        shown.append(canvas.preview_due())
    assert shown == [None, 0, None, 1, None]


def test_work_is_planned_and_then_known() -> None:
    """Two guided pictures of five steps are twenty places in a step, and fewer with each that is made."""
    loop = DeviceLoop(Pipeline(TestEngine()))
    request = ImageRequest(prompt="a boat", n=2, steps=5, guidance=3.0)
    job = loop.submit(request, listener=lambda _: None)
    assert (job.size, job.work, job.pictures) == (20, 20, 2)
    loop.tick()
    assert (job.size, job.work, job.pictures) == (20, 18, 2)


def test_jobs_have_names_of_their_own() -> None:
    """An id finds a job in the logs."""
    loop = DeviceLoop(Pipeline(TestEngine()))
    assert ask(loop)[0].id != ask(loop)[0].id
