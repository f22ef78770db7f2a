"""Events reach their listeners in order, and no listener holds anyone up."""

from __future__ import annotations

import logging
from threading import Event as Flag

import pytest

from limner.batching.delivery import Mailbox
from limner.batching.events import Event, Queued


def test_events_come_in_the_order_in_which_they_were_posted() -> None:
    """By hand and by the thread alike."""
    mailbox = Mailbox()
    heard: list[Event] = []
    posted = [Queued(position=position, eta=0.0) for position in range(1, 6)]
    for event in posted[:3]:
        mailbox.post(heard.append, event)
    assert heard == []
    mailbox.deliver()
    assert heard == posted[:3]
    mailbox.start()
    for event in posted[3:]:
        mailbox.post(heard.append, event)
    mailbox.close()
    assert heard == posted


def test_a_listener_that_waits_holds_up_nobody_who_posts() -> None:
    """Posting returns while a listener is still busy."""
    mailbox, go = Mailbox(), Flag()
    heard: list[Event] = []
    mailbox.start()

    def waiting(_: Event) -> None:
        go.wait(30)

    mailbox.post(waiting, Queued(position=1, eta=0.0))
    mailbox.post(heard.append, Queued(position=2, eta=0.0))
    assert heard == []
    go.set()
    mailbox.close()
    assert len(heard) == 1


def test_a_listener_that_fails_is_logged_and_the_next_one_hears(caplog: pytest.LogCaptureFixture) -> None:
    """One caller's fault stays his own."""
    mailbox = Mailbox()
    heard: list[Event] = []

    def broken(_: Event) -> None:
        raise ValueError("no")

    mailbox.post(broken, Queued(position=1, eta=0.0))
    mailbox.post(heard.append, Queued(position=2, eta=0.0))
    with caplog.at_level(logging.ERROR):
        mailbox.deliver()
    assert len(heard) == 1
    assert "failed at Queued" in caplog.text


def test_what_is_left_is_handed_over_at_the_end() -> None:
    """Closing a mailbox that was never started delivers what lies in it."""
    mailbox = Mailbox()
    heard: list[Event] = []
    mailbox.post(heard.append, Queued(position=1, eta=0.0))
    mailbox.close()
    assert len(heard) == 1
