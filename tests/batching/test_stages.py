"""What is told of the stages of a request."""

from __future__ import annotations

from limner.batching.events import Failed, Finished
from limner.batching.loop import DeviceLoop, LoopConfig
from limner.batching.stages import Course, Stage
from limner.pipeline import Pipeline
from limner.types import ImageRequest
from tests.batching.helpers import Ear, TestEngine, ask, run_dry, warm
from tests.clock import Clock

DRAWN = ["image_generation", "image_decoding"]


def stages_of(ear: Ear) -> tuple[Stage, ...]:
    """The stages that the last event tells."""
    last = ear.events[-1]
    assert isinstance(last, Finished | Failed)
    return last.stages


def test_one_stage_begins_where_another_ends() -> None:
    """The last one lasts until now, and is not complete before it is left."""
    course = Course("waiting", 1.0)
    course.enter("text_encoding", 3.0)
    assert [(each.name, each.began, each.ended, each.complete) for each in course.told(4.0)] == [
        ("waiting", 1.0, 3.0, True),
        ("text_encoding", 3.0, 4.0, False),
    ]
    assert course.seconds == {"waiting": 2.0}
    course.leave(5.0)
    assert course.told(9.0)[-1] == Stage(name="text_encoding", began=3.0, ended=5.0)
    assert course.seconds == {"waiting": 2.0, "text_encoding": 2.0}


def test_a_finished_request_tells_its_stages_and_those_of_each_picture() -> None:
    """With the times by the loop's clock, the picture's number, its size and its steps."""
    clock, ear = Clock(0.0), Ear()
    loop = DeviceLoop(Pipeline(TestEngine(clock, float)), LoopConfig(batch_max=1), clock)
    loop.submit(ImageRequest(prompt="a boat", n=2, steps=3, size=(32, 16), guidance=1.0), listener=ear)
    run_dry(loop)
    stages = stages_of(ear)
    assert [stage.name for stage in stages] == ["waiting", "text_encoding", *DRAWN, *DRAWN]
    assert all(stage.complete for stage in stages)
    assert [(stage.began, stage.ended) for stage in stages[2::2]] == [(0.0, stages[3].began), (0.0, 6.0)]
    assert [stage.facts["picture"] for stage in stages[2:]] == [0, 0, 1, 1]
    assert stages[2].facts == {"picture": 0, "steps": 3, "batch_sizes": (1,), "size": "32x16"}


def test_the_batches_that_a_picture_was_drawn_in_are_told() -> None:
    """Alone at first, then with a neighbour."""
    loop = warm(TestEngine())
    _, ear = ask(loop, "long", steps=4)
    loop.tick()
    ask(loop, "short", steps=2)
    run_dry(loop)
    assert stages_of(ear)[2].facts["batch_sizes"] == (1, 2)


def test_who_never_started_has_only_waited() -> None:
    """And the wait was cut short."""
    loop = DeviceLoop(Pipeline(TestEngine()))
    job, ear = ask(loop)
    job.cancel()
    loop.deliver()
    assert [(stage.name, stage.complete) for stage in stages_of(ear)] == [("waiting", False)]


def test_what_fails_tells_how_far_it_came() -> None:
    """The stage in which it failed is the last, with the steps that were made."""
    engine = TestEngine()
    loop = DeviceLoop(Pipeline(engine))
    for call, names in enumerate((["text_encoding"], DRAWN[:1], DRAWN[:1], DRAWN), start=1):
        engine.fail_at = {engine.calls + call}
        _, ear = ask(loop, f"boat {call}", steps=2)
        run_dry(loop)
        stages = stages_of(ear)
        assert [stage.name for stage in stages[-len(names) :]] == names
        assert [stage.complete for stage in stages] == [True] * (len(stages) - 1) + [False]
    assert stages[-2].facts["steps"] == 2
