"""`limner.cluster.plan`: how many replicas, and what each takes."""

from __future__ import annotations

import os

import pytest

from limner.cluster.plan import Plan
from limner.errors import InvalidRequestError
from limner.settings import Settings


@pytest.mark.parametrize(
    ("field", "value"), [("replicas", 0), ("target", 0), ("cpus", 0), ("gpus", -1), ("most", 1)]
)
def test_what_cannot_be_is_refused_by_name(field: str, value: int) -> None:
    """No replica at all, or fewer at most than at least, is an error when the plan is made."""
    with pytest.raises(InvalidRequestError, match="correct") as caught:
        Plan(**{"replicas": 2, field: value})
    assert caught.value.param == field


def test_a_number_that_follows_the_work_needs_room_to_grow() -> None:
    """Only where there may be more than there are at least."""
    assert Plan(replicas=1, most=3).scales
    assert not Plan(replicas=2, most=2).scales
    assert not Plan(replicas=2).scales


def test_a_machine_without_the_cores_is_told_at_once() -> None:
    """Ray would wait for them without a word; all that may ever be there count."""
    cores = os.cpu_count() or 1
    Plan(replicas=cores).check_here()
    for plan in (Plan(replicas=1, cpus=cores + 1), Plan(replicas=1, most=cores + 1)):
        with pytest.raises(InvalidRequestError, match=f"this machine has {cores}"):
            plan.check_here()


def test_a_replica_computes_on_its_own_cores() -> None:
    """With as many threads as it takes cores, unless the operator says how many; nothing else changes."""
    assert Plan(cpus=3).settings_of(Settings(threads=0, port=9)) == Settings(threads=3, port=9)
    assert Plan(cpus=3).settings_of(Settings(threads=2)).threads == 2


def test_its_own_queue_is_full_before_rays() -> None:
    """So that the client is told when to come back, in the words that it knows."""
    assert Plan().admitted(Settings(queue_size=32, batch_max=8)) > 32 + 8
