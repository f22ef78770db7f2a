"""Who steps next, and with whom; no clocks, no threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from limner.batching.policy import Policy
from limner.batching.steptimes import StepTimes

SMALL, LARGE = (3, 8, 8), (3, 16, 16)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What the policy sees of a request."""

    order: int
    size: int = 25
    work: int = 25
    priority: int = 0
    shape: tuple[int, ...] = SMALL
    pictures: int = 1
    places: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """What the policy sees of a picture."""

    claim: Request
    index: int = 0
    left: int = 25


def policy_of(seconds: Callable[[int], float], batch_max: int = 8) -> Policy:
    """A policy that has seen steps of all sizes that it may want to try."""
    times = StepTimes(2 * batch_max)
    for places in (1, 2, 4, 8, 16):
        for _ in range(3):
            times.record(SMALL, places, seconds(places))
    return Policy(times, batch_max)


def linear(places: int) -> float:
    """An engine that computes one row after the other."""
    return float(places)


def flat(_: int) -> float:
    """An engine for which a batch takes as long as one."""
    return 1.0


def pictures(*requests: Request) -> list[Picture]:
    """The requests' pictures."""
    return [
        Picture(claim=request, index=index, left=request.work // (request.pictures * request.places))
        for request in requests
        for index in range(request.pictures)
    ]


def numbers(batch: Sequence[Picture]) -> list[int]:
    """Whose pictures they are."""
    return [picture.claim.order for picture in batch]


def test_a_lone_picture_steps_at_once() -> None:
    """Nobody waits for company that may never come."""
    [alone] = pictures(Request(order=0))
    assert policy_of(flat).together([alone]) == [alone]
    assert policy_of(flat).together([]) == []


def test_all_step_together_where_that_is_free() -> None:
    """Any mix of progress shares a step."""
    crowd = pictures(*(Request(order=i, work=20 + i) for i in range(5)))
    assert sorted(numbers(policy_of(flat).together(crowd))) == [0, 1, 2, 3, 4]


def test_one_steps_at_a_time_where_company_gains_nothing() -> None:
    """On an engine that computes row by row, the one that is nearest to its end goes first."""
    crowd = pictures(*(Request(order=i, work=25 - i) for i in range(5)))
    assert numbers(policy_of(linear).together(crowd)) == [4]


def test_a_small_request_passes_big_ones() -> None:
    """Four steps go before a big request's last ones: it matters more to the one who asked for little."""
    crowd = pictures(Request(order=0, work=3), Request(order=1, size=4, work=4))
    assert numbers(policy_of(linear).together(crowd)) == [1]


def test_company_costs_a_small_request_little() -> None:
    """Among unequal requests a step takes at most half as long again as the first one's alone."""
    policy = policy_of(lambda places: 1 + 0.25 * (places - 1))
    big = [Request(order=i) for i in range(6)]
    assert len(policy.together(pictures(*big))) == 4
    assert numbers(policy.together(pictures(*big, Request(order=6, size=4, work=4)))) == [6, 0, 1]


def test_every_fourth_step_belongs_to_the_oldest() -> None:
    """However many small requests there are, a big one goes on."""
    policy = policy_of(linear)
    crowd = pictures(Request(order=0, size=1000, work=1000), Request(order=1, size=4, work=4))
    assert [numbers(policy.together(crowd)) for _ in range(8)] == [[1], [1], [1], [0]] * 2


def test_priority_goes_first() -> None:
    """A large request of high priority goes before a small one."""
    crowd = pictures(Request(order=0, size=4, work=4), Request(order=1, priority=1))
    assert numbers(policy_of(linear).together(crowd)) == [1]


def test_only_equal_shapes_share_a_step() -> None:
    """Pictures of another shape wait for the next step."""
    crowd = pictures(Request(order=0), Request(order=1, shape=LARGE), Request(order=2))
    assert numbers(policy_of(flat).together(crowd)) == [0, 2]


def test_a_guided_picture_takes_two_places() -> None:
    """Where four places pay, two guided pictures fill them."""
    policy = policy_of(lambda places: max(1.0, places / 4))
    crowd = pictures(*(Request(order=i, places=2, size=50, work=50) for i in range(4)))
    assert numbers(policy.together(crowd)) == [0, 1]


def test_a_size_that_was_never_tried_is_tried() -> None:
    """With enough pictures there, sizes are measured one after the other."""
    times = StepTimes(16)
    policy = Policy(times, 8)
    sizes = []
    for _ in range(14):
        sizes.append(len(policy.together(pictures(*(Request(order=i) for i in range(8))))))
        times.record(SMALL, sizes[-1], 1.0)
    assert sizes == [1, 1, 1, 2, 2, 2, 4, 4, 4, 8, 8, 8, 8, 8]


def test_nothing_is_tried_at_a_small_requests_cost() -> None:
    """While a small request is first, sizes stay untried; at the big one's turn they are tried."""
    times = StepTimes(16)
    for _ in range(3):
        times.record(SMALL, 1, 1.0)
    policy = Policy(times, 8)
    crowd = pictures(*(Request(order=i) for i in range(6)), Request(order=6, size=4, work=4))
    assert [len(policy.together(crowd)) for _ in range(4)] == [1, 1, 1, 2]


def test_as_many_start_as_step_together() -> None:
    """Where four pay, four start; the others keep their place in the queue."""
    policy = policy_of(lambda places: max(1.0, places / 4))
    waiting = [Request(order=i) for i in range(6)]
    assert policy.admitted(waiting, []) == waiting[:4]
    assert policy.admitted(waiting[4:], waiting[:4]) == []
    assert policy.admitted(waiting[4:], waiting[:3]) == waiting[4:5]


def test_a_small_request_starts_beside_those_that_run() -> None:
    """It need not wait for a place; an equal one does, and so does a larger one."""
    policy = policy_of(linear)
    running = [Request(order=0, work=20)]
    small, equal = Request(order=1, size=4, work=4), Request(order=2)
    assert policy.admitted([equal, small], running) == [small]
    assert policy.admitted([equal], running) == []


def test_many_small_requests_do_not_all_start() -> None:
    """Of equal ones that pass, as many start as step together."""
    small = [Request(order=i, size=4, work=4) for i in range(1, 6)]
    assert policy_of(linear).admitted(small, [Request(order=0)]) == small[:1]


def test_those_that_pause_are_bounded() -> None:
    """Requests that pass each other, each smaller than the one before, stop at a batch more than step."""
    policy = policy_of(linear, batch_max=4)
    running: list[Request] = []
    for order in range(20):
        running += policy.admitted([Request(order=order, size=99 - order, work=99 - order)], running)
    assert len(running) == 1 + 4


def test_a_request_of_many_pictures_can_be_passed() -> None:
    """Ten pictures of one request do not shut the door."""
    many = Request(order=0, pictures=10, size=250, work=250)
    small = Request(order=1, size=4, work=4)
    assert policy_of(linear).admitted([small], [many]) == [small]


requests = st.builds(
    Request,
    order=st.just(0),
    size=st.integers(1, 100),
    work=st.integers(1, 100),
    priority=st.integers(0, 2),
    shape=st.sampled_from([SMALL, LARGE]),
    pictures=st.integers(1, 4),
    places=st.integers(1, 2),
)


@settings(deadline=None, derandomize=True)
@given(st.lists(requests, min_size=1, max_size=8), st.sampled_from([linear, flat]), st.integers(1, 8))
def test_a_batch_is_always_sound(
    drawn: list[Request], seconds: Callable[[int], float], batch_max: int
) -> None:
    """Never empty, never above the cap, nobody twice, one shape."""
    crowd = pictures(*(replace(request, order=order) for order, request in enumerate(drawn)))
    policy = policy_of(seconds, batch_max)
    for _ in range(4):
        batch = policy.together(crowd)
        assert 1 <= len(batch) <= batch_max
        assert len({(picture.claim.order, picture.index) for picture in batch}) == len(batch)
        assert len({picture.claim.shape for picture in batch}) == 1
