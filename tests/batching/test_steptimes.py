"""The batch's size is learned from measured step times."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from limner.batching.steptimes import StepTimes

SHAPE = (3, 8, 8)


def learned(seconds: Callable[[int], float], *, there: int = 16, steps: int = 60) -> StepTimes:
    """What is known after steps of as many places as are advised, out of `there`."""
    times = StepTimes(16)
    for _ in range(steps):
        places = times.untried(SHAPE, 1, there) or times.best(SHAPE, there)
        times.record(SHAPE, places, seconds(places))
    return times


def test_nothing_is_known_at_first() -> None:
    """One place at a time, until it is measured."""
    times = StepTimes(16)
    assert (times.best(SHAPE, 16), times.untried(SHAPE, 1, 16)) == (1, 1)


@pytest.mark.parametrize(
    ("seconds", "best"),
    [
        (lambda places: places * 1.0, 1),
        (lambda places: 0.98 * places + 0.02, 1),
        (lambda _: 1.0, 16),
        (lambda places: max(1.0, places / 4), 4),
        (lambda places: 1.0 if places == 1 else 2.0 if places == 2 else 0.7 * places, 4),
    ],
    ids=["one row after the other", "hardly a gain", "all at once", "full at four", "gains from four on"],
)
def test_a_batch_grows_only_while_it_pays(seconds: Callable[[int], float], best: int) -> None:
    """The size settles where more places would hardly do more in the same time."""
    times = learned(seconds)
    assert times.best(SHAPE, 16) == best
    assert times.untried(SHAPE, 1, 16) is None


def test_what_few_do_not_wait_for_pays_for_many() -> None:
    """Where sixteen together spare a fifth of the time, sixteen go in twos; a long queue goes in sixteens."""
    seconds = {1: 1.0, 2: 1.6, 4: 3.2, 8: 6.4, 16: 10.2}
    times = StepTimes(16)
    for size in [*seconds] * 3:
        times.record(SHAPE, size, seconds[size])
    assert [times.best(SHAPE, present) for present in (1, 2, 16, 64, 400)] == [1, 1, 2, 2, 16]


def test_sizes_are_tried_only_where_there_is_enough() -> None:
    """With three places to fill, four are not tried."""
    assert learned(lambda _: 1.0, there=3).untried(SHAPE, 1, 3) is None
    assert learned(lambda _: 1.0, there=3).untried(SHAPE, 1, 4) == 4


def test_guided_pictures_do_not_wait_for_a_size_that_they_cannot_have() -> None:
    """Where one place was seen once, and each picture takes two, sizes from two on are tried."""
    times = StepTimes(16)
    times.record(SHAPE, 1, 1.0)
    assert times.untried(SHAPE, 2, 16) == 2


def test_a_gap_of_one_place_is_near_enough() -> None:
    """Where guided pictures leave one of four places empty, four count as tried."""
    times = learned(lambda places: places * 1.0, there=2)
    for _ in range(3):
        times.record(SHAPE, 3, 3.0)
    assert times.untried(SHAPE, 1, 16) is None


def test_one_disturbed_step_changes_nothing() -> None:
    """What takes long once, among steps that do not, is not the engine's doing."""
    times = learned(lambda places: max(1.0, places / 4))
    times.record(SHAPE, 4, 50.0)
    assert times.best(SHAPE, 16) == 4


def test_what_was_not_seen_for_long_is_tried_again() -> None:
    """A size that was measured on a bad day gets another chance."""
    times = learned(lambda places: places * 1.0)
    for _ in range(1001):
        times.record(SHAPE, 1, 1.0)
    assert times.untried(SHAPE, 1, 16) == 2


def test_a_size_that_only_seemed_good_is_left_again() -> None:
    """Where four are known alone, smaller sizes are tried, and kept if they do as much in the same time."""
    times = StepTimes(16)
    for _ in range(3):
        times.record(SHAPE, 4, 4.0)
    assert times.best(SHAPE, 16) == 4
    for _ in range(12):
        places = times.untried(SHAPE, 1, 8) or times.best(SHAPE, 8)
        times.record(SHAPE, places, float(places))
    assert times.best(SHAPE, 16) == 1


def test_too_many_are_not_tried_again_soon() -> None:
    """After eight failed where fewer did not, seven are the most, until that is forgotten."""
    times = learned(lambda _: 1.0)
    times.failed(SHAPE, 8)
    assert times.best(SHAPE, 16) == 7
    assert times.bearable(SHAPE, 1, 99.0) == 7
    for _ in range(1001):
        times.record(SHAPE, 16, 1.0)
    assert times.best(SHAPE, 16) == 16


def test_shapes_are_learned_apart() -> None:
    """What pays for small pictures says nothing about large ones."""
    times = learned(lambda _: 1.0)
    assert (times.best(SHAPE, 16), times.best((3, 16, 16), 16)) == (16, 1)


def test_bearable_company_is_read_off_the_measured_sizes_and_between_them() -> None:
    """With 1 s alone and 2 s for five, three at a time take half as long again as one."""
    times = StepTimes(8)
    assert times.bearable(SHAPE, 1, 1.5) == 1
    times.record(SHAPE, 1, 1.0)
    times.record(SHAPE, 5, 2.0)
    assert times.bearable(SHAPE, 1, 1.5) == 3
    assert times.bearable(SHAPE, 1, 1.0) == 1
    assert times.bearable(SHAPE, 5, 1.5) == 7
