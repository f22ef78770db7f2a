"""What may be lost on the way: a replica, a machine, storage or database. Clients are those that people use."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from openai import InternalServerError, OpenAI

import limner
from limner.imaging.reader import read_pixels
from tests.cluster.helpers import Deployed, Nodes, nodes
from tests.postgres import Postgres
from tests.s3 import Bucket
from tests.server.helpers import until

pytestmark = pytest.mark.timeout(240)

SMALL: dict[str, Any] = {"model": "gpt-image-2", "size": "32x32"}
"""A picture that costs little; whoever asks adds the prompt."""


@pytest.fixture(scope="module")
def truth() -> bytes:
    """The pixels of "a red boat" with the seed 7, as the library draws them."""
    [picture] = limner.load(engine="fake").generate("a red boat", seed=7, size=(32, 32))
    return picture.pixels_HWC.tobytes()


def test_a_replica_that_is_killed_costs_a_retry_at_most(
    deployed: Deployed, standing: None, gate: Path
) -> None:
    """With pictures under way on both, one dies; all are drawn in the end, and there are two replicas again."""
    del standing
    [victim, _] = deployed.replicas()
    with asking(deployed.address) as client, ThreadPoolExecutor(8) as threads:

        def draw(number: int) -> Any:
            return client.images.generate(**SMALL, prompt=f"stand {number}")

        drawn = [threads.submit(draw, number) for number in range(8)]
        until(lambda: all(deployed.running() for _ in range(16)))
        os.kill(victim, signal.SIGKILL)
        gate.touch()
        assert all(pixels(answer.result()).shape == (32, 32, 3) for answer in drawn)
    until(lambda: len(deployed.replicas()) == 2)
    assert victim not in deployed.replicas()


def test_under_load_a_killed_replica_makes_no_picture_wrong(deployed: Deployed, truth: bytes) -> None:
    """Before, while and after it dies, whoever asks gets the picture that was asked for."""
    until(lambda: len(deployed.replicas()) == 2)
    with crowd(deployed.address) as drawn:
        until(lambda: len(drawn) > 20)
        [victim, _] = deployed.replicas()
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(deployed.replicas()) == 2 and victim not in deployed.replicas())
    assert set(drawn) == {truth}


def test_what_is_lost_at_once_is_told_in_the_envelope(deployed: Deployed, standing: None, gate: Path) -> None:
    """A client that does not try again sees an error of the API's, with an id."""
    del standing
    until(lambda: len(deployed.replicas()) == 2)
    with asking(deployed.address, max_retries=0) as client, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(client.images.generate, model="gpt-image-2", prompt="stand")
        until(lambda: deployed.running() > 0)
        for victim in deployed.replicas():
            os.kill(victim, signal.SIGKILL)
        error = asked.exception()
        gate.touch()
    assert isinstance(error, InternalServerError)
    assert (error.status_code, error.code) == (503, "server_is_overloaded")
    assert error.request_id is not None
    until(lambda: len(deployed.replicas()) == 2)


def test_without_the_object_storage_pictures_are_drawn_and_links_wait(
    deployed: Deployed, s3: Bucket, truth: bytes
) -> None:
    """No replica is lost over it; whoever asks for a link meanwhile has it in the end, and old links work again."""
    until(lambda: len(deployed.replicas()) == 2)
    replicas = deployed.replicas()
    with asking(deployed.address) as client, ThreadPoolExecutor(4) as threads:
        old = link(client)
        with s3.down():
            asked = [threads.submit(link, client) for _ in range(4)]
            drawn = [boat(client) for _ in range(12)]
            with pytest.raises(InternalServerError, match="b64_json"):
                link(client.with_options(max_retries=0))
        links = [old, *(each.result() for each in asked)]
    assert set(drawn) == {truth}
    for each in links:
        with urllib.request.urlopen(each) as fetched:  # noqa: S310  a link of ours
            assert read_pixels(fetched.read()).shape == (256, 256, 3)
    assert deployed.replicas() == replicas


def test_the_database_restarted_under_load_makes_no_picture_wrong(
    deployed: Deployed, truth: bytes, database_server: Postgres, shared_url: str
) -> None:
    """Whoever asks meanwhile is told to come back, has the picture in the end, and each counts once."""
    until(lambda: len(deployed.replicas()) == 2)
    replicas = deployed.replicas()
    with crowd(deployed.address, "lk-counted") as drawn:
        until(lambda: len(drawn) > 20)
        with (
            database_server.down(),
            asking(deployed.address, max_retries=0) as client,
            pytest.raises(InternalServerError, match="database does not answer") as caught,
        ):
            boat(client)
        back = len(drawn)
        until(lambda: len(drawn) > back + 20)
    assert (caught.value.status_code, caught.value.response.headers["retry-after"]) == (503, "5")
    assert set(drawn) == {truth}
    until(lambda: counted(database_server, shared_url, "lk-counted") == len(drawn))
    assert deployed.replicas() == replicas


def counted(server: Postgres, url: str, key: str) -> int:
    """How many pictures of a key are counted."""
    key_id = f"key-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    found = server.run(url, f"SELECT sum(pictures) FROM use WHERE key = '{key_id}'")  # noqa: S608  ours
    return int(found[0][0] or 0)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Two machines with a replica each, as Ray has it."""
    with nodes(tmp_path_factory.mktemp("nodes")) as found:
        yield found


def test_a_machine_that_is_removed_costs_a_retry_at_most(cluster: Nodes, truth: bytes) -> None:
    """Under load it goes without a word; what was there is drawn elsewhere, and on the one that comes in its place."""
    with crowd(cluster.address) as drawn:
        until(lambda: len(drawn) > 20)
        cluster.remove()
        until(lambda: len(cluster.replicas()) == 1)
        before = len(drawn)
        until(lambda: len(drawn) > before + 20)
        cluster.add()
        until(lambda: len(cluster.replicas()) == 2)
    assert set(drawn) == {truth}


@contextmanager
def crowd(address: str, key: str = "lk-crowd") -> Iterator[list[bytes]]:
    """Four clients that draw the same picture again and again until the block is left; what they got so far."""
    drawn: list[bytes] = []
    over = Event()

    def draw() -> None:
        with asking(address, api_key=key) as client:
            while not over.is_set():
                drawn.append(boat(client))

    with ThreadPoolExecutor(4) as threads:
        clients: list[Future[None]] = [threads.submit(draw) for _ in range(4)]
        try:
            yield drawn
        finally:
            over.set()
        for client in clients:
            client.result()


def asking(address: str, *, api_key: str = "lk-live", **options: Any) -> OpenAI:
    """OpenAI's client, told nothing but where to go."""
    return OpenAI(base_url=f"{address}/v1", api_key=api_key, **options)


def boat(client: OpenAI) -> bytes:
    """The pixels of the picture that all ask for."""
    answer = client.images.generate(**SMALL, prompt="a red boat", extra_body={"seed": 7})
    drawn: bytes = pixels(answer).tobytes()
    return drawn


def pixels(answer: Any) -> Any:
    """The picture of an answer."""
    return read_pixels(base64.b64decode(answer.data[0].b64_json))


def link(client: OpenAI) -> str:
    """A link to a picture that is drawn now."""
    answer = client.images.generate(
        model="dall-e-2", prompt="a red boat", size="256x256", response_format="url"
    )
    assert answer.data is not None
    assert answer.data[0].url is not None
    return answer.data[0].url
