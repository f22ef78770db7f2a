"""OpenAI's own clients, for Python and Node, against checkpoints of other people: a tiny Stable Diffusion and FLUX.

Their weights are random, their pictures of 16x16 pixels; what is asked for and what is answered is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from limner.server.app import create_app
from limner.settings import Settings
from tests.clients.test_clients import Report, picture, report
from tests.engines import tiny_diffusers as tiny
from tests.server.helpers import address_of, living, noise
from tests.server.test_openai_client import *  # noqa: F403  each of its tests, here once more

__all__ = ["report"]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", params=[tiny.stable_diffusion, tiny.flux], ids=["sd", "flux"])
def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """In the place of the other one: a server, in lenient mode, whose first model is such a checkpoint."""
    make: Callable[[], Any] = request.param
    place = tmp_path_factory.mktemp("checkpoint")
    make().save_pretrained(place / "painter")
    settings = Settings(
        model=str(place / "painter"),
        cache_dir=place / "cache",
        data_dir=place / "data",
        api_keys=("lk-live",),
        images_per_minute=1000,
        threads=1,
    )
    with living(create_app(settings)) as server:
        yield address_of(server)


def test_nodes_client(report: Report) -> None:
    """Pictures in the sizes that were asked for, edits that stay inside the mask, streams, and its own errors."""
    found = report("node_client.mjs")
    drawn = [picture(item) for item in found["generate"]["data"]]
    assert [pixels_HWC.shape for pixels_HWC in drawn] == [(32, 64, 3)] * 2
    assert (drawn[0] != drawn[1]).any()
    (edited,) = found["edit"]["data"]
    assert (picture(edited)[:, 48:] == noise(96, 96)[:, 48:]).all()
    assert [event["type"].rpartition(".")[2] for event in found["generate_stream"]] == [
        "partial_image",
        "partial_image",
        "completed",
    ]
    assert len(found["vary"]["data"]) == 2
    assert [found[call]["name"] for call in ("error", "unsafe", "stranger")] == [
        "BadRequestError",
        "BadRequestError",
        "AuthenticationError",
    ]
