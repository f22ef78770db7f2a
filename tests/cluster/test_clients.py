"""The API's own client suite, and OpenAI's client for Python, against two replicas behind Ray Serve."""

from __future__ import annotations

import pytest

from tests.clients.test_clients import (
    report,
    test_draw,
    test_error,
    test_stream,
    test_what_curl_prints_of_an_error,
    test_what_else_an_answer_tells,
    test_what_else_an_error_tells,
)
from tests.clients.test_clients import test_edit as test_edit_with_others
from tests.cluster.helpers import Deployed
from tests.server.test_openai_client import *  # noqa: F403  each of its tests, here once more

__all__ = [
    "report",
    "test_draw",
    "test_edit_with_others",
    "test_error",
    "test_stream",
    "test_what_curl_prints_of_an_error",
    "test_what_else_an_answer_tells",
    "test_what_else_an_error_tells",
]

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def live(deployed: Deployed) -> str:
    """The server that those tests ask: any of the replicas."""
    return deployed.address
