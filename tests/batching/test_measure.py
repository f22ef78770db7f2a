"""Waiting times come from what was measured."""

from __future__ import annotations

import pytest

from limner.batching.measure import ServiceTime


def test_nothing_is_promised_before_anything_is_measured() -> None:
    """The estimate is 0, and a retry is asked for after the shortest time."""
    service = ServiceTime()
    assert (service.seconds(100), service.retry_after(100)) == (0.0, 1.0)


def test_work_takes_as_long_as_it_took() -> None:
    """Eight steps in two seconds are a quarter of a second each; decoding counts, though it makes no step."""
    service = ServiceTime()
    service.record(8, 1.5)
    assert service.seconds(16) == pytest.approx(3.0)
    for _ in range(400):
        service.record(8, 1.5)
        service.record(0, 0.5)
    assert service.seconds(8) == pytest.approx(2.0, rel=0.05)


def test_a_change_is_followed() -> None:
    """When the machine becomes slower, the estimate does within some dozens of ticks."""
    service = ServiceTime()
    service.record(1, 0.1)
    for _ in range(60):
        service.record(1, 1.0)
    assert service.seconds(1) == pytest.approx(1.0, rel=0.06)


def test_whoever_is_refused_comes_back_when_half_is_worked_off() -> None:
    """Ten seconds of work ask for five, and never for less than one."""
    service = ServiceTime()
    service.record(10, 1.0)
    assert service.retry_after(100) == pytest.approx(5.0)
    assert service.retry_after(1) == 1.0


def test_a_clock_that_was_set_back_does_no_harm() -> None:
    """Negative times count as none."""
    service = ServiceTime()
    service.record(1, -100.0)
    assert service.seconds(1) == 0.0
