"""`limner.storage.database.buckets`: what a key may have drawn, counted once for all servers."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from limner.errors import DatabaseError
from limner.server.access.limits import ImageLimiter, LocalBuckets
from limner.storage.database.buckets import SharedBuckets
from tests.clock import Clock
from tests.postgres import Postgres
from tests.server.helpers import until
from tests.storage.database.conftest import Share


def test_servers_share_a_bucket(share: Share) -> None:
    """What one lets through, another counts; other keys do not mind."""
    here, there = (SharedBuckets(share(), 6) for _ in range(2))
    assert [here.take("a", 4)[0], there.take("a", 4)[0], there.take("a", 2)[0]] == [True, False, True]
    assert there.take("b", 6)[0]


def test_they_count_as_one_process_does(share: Share) -> None:
    """Taking, refusing, debts and giving back: the same answers as from buckets in memory."""
    shared, local = SharedBuckets(share(), 6), LocalBuckets(6, Clock(0.0))
    for tokens in (1, 5, 1, -3, 2, -9, 10, 1, -9, 6):
        if tokens < 0:
            shared.give_back("a", -tokens)
            local.give_back("a", -tokens)
            continue
        (allowed, left), (expected, there) = shared.take("a", tokens), local.take("a", tokens)
        assert (allowed, round(left)) == (expected, round(there))


def test_tokens_flow_back(share: Share, url: str, database_server: Postgres) -> None:
    """By the database's clock, up to a full bucket; one that was set back takes nothing away."""
    buckets = SharedBuckets(share(), 6)
    for passed, left in (("20 seconds", 2), ("1 hour", 6), ("-1 hour", 0)):
        buckets.give_back("a", 99)
        buckets.take("a", 6)
        database_server.run(url, f"UPDATE buckets SET at = now() - interval '{passed}'")  # noqa: S608  ours
        assert round(buckets.take("a", 1)[1] + (left > 0)) == left


def test_full_buckets_are_forgotten(share: Share, url: str, database_server: Postgres) -> None:
    """Those that nobody asked for in an hour."""
    buckets = SharedBuckets(share(), 6)
    buckets.take("a", 1)
    assert buckets.sweep() == 0
    database_server.run(url, "UPDATE buckets SET at = now() - interval '2 hours'")
    assert buckets.sweep() == 1


def test_through_a_restart_no_more_is_let_through(share: Share, database_server: Postgres) -> None:
    """Eight threads on one key, on two servers: what the bucket has, and no call that failed is let through."""
    limiters = [ImageLimiter(600, SharedBuckets(share(), 600)) for _ in range(2)]
    taken, failed = list[int](), list[int]()

    def ask(number: int) -> None:
        while True:
            try:
                if not limiters[number % 2].take("a", 1).allowed:
                    return
                taken.append(number)
            except DatabaseError:
                failed.append(number)

    began = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(ask, number) for number in range(8)]
        until(lambda: len(taken) > 50)
        with database_server.down():
            until(lambda: len(failed) > 50)
        for each in asked:
            each.result()
    # Each thread may have been cut off from an answer; and ten a second flow back.
    assert 600 - 8 <= len(taken) <= 600 + 10 * (time.monotonic() - began)
