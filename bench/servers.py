"""Servers, in processes or threads of their own, and clients for them: what the benchmarks of serving share."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI
from numpy.typing import NDArray
from PIL import Image

from bench.load import Outcome

__all__ = [
    "LIMNER",
    "Server",
    "ask",
    "begun",
    "crowd",
    "health_seconds",
    "in_flight",
    "order",
    "picture_of",
    "pixels_of",
    "starting",
    "threaded",
    "wait",
]

LIMNER = "from limner.cli import main; main()"
"""`limner serve`, in this interpreter."""

_ROOT = Path(__file__).parents[1]
_PATIENCE = 600.0
_PAUSE = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A process that is, or will be, a server.

    Attributes:
        process: it.
        log: the file that its stderr goes to.
    """

    process: subprocess.Popen[str]
    log: Path
    _address: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Host and port; waits until there is one."""
        while not self._address:
            line = self.process.stdout.readline() if self.process.stdout else ""
            if not line:
                raise RuntimeError(f"the server did not start:\n{self.log.read_text()}")
            self._address.extend(re.findall(r"127\.0\.0\.1:\d+", line))
        return self._address[0]

    def memory(self) -> float:
        """Resident memory in MB."""
        told = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        return int(told.stdout) / 1024

    def get(self, path: str) -> Any:
        """What a path tells, in JSON."""
        connection = HTTPConnection(self.address, timeout=_PATIENCE)
        connection.request("GET", path, headers={"connection": "close"})
        with connection.getresponse() as response:
            body = response.read()
        connection.close()
        return json.loads(body)


@contextmanager
def starting(folder: Path, code: str, *arguments: str) -> Iterator[Server]:
    """Start a server, and do not wait for it; at the end it is killed.

    Args:
        folder: where it keeps its data and its log, and, shared with others, its compiled networks.
        code: what Python runs; it must print the server's address.
        arguments: of the command line.
    """
    folder.mkdir(exist_ok=True)
    environ = os.environ | {"LIMNER_CACHE_DIR": str(folder.parent), "LIMNER_DATA_DIR": str(folder)}
    environ |= {"LIMNER_PORT": "0", "PYTHONPATH": str(_ROOT), "HF_HUB_OFFLINE": "1"}
    command, log = [sys.executable, "-c", code, *arguments], folder / "log"
    with (
        log.open("w") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environ) as process,
    ):
        try:
            yield Server(process=process, log=log)
        finally:
            process.kill()


@contextmanager
def threaded(application: FastAPI) -> Iterator[uvicorn.Server]:
    """Serve an application in a thread of this process, on a free port."""
    server = uvicorn.Server(
        uvicorn.Config(application, port=0, log_config=None, access_log=False, loop="asyncio", http="h11")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    wait(lambda: server.started)
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join()


def wait(happens: Callable[[], bool], pause: float = 0.005) -> None:
    """Wait until something is so.

    Raises:
        TimeoutError: it was not, for minutes.
    """
    until = time.monotonic() + _PATIENCE
    while not happens():
        if time.monotonic() > until:
            raise TimeoutError("a server does not do what it is asked")
        time.sleep(pause)


def order(prompt: str, seed: int, **more: Any) -> dict[str, Any]:
    """A request for one picture of 256x256, as base64 of a PNG."""
    return {"model": "gpt-image-2", "prompt": prompt, "seed": seed, "size": "256x256"} | more


def ask(address: str, fields: dict[str, Any]) -> tuple[int, bytes]:
    """Status and body of the answer to an order, over a connection of its own."""
    connection = begun(address, fields)
    with connection.getresponse() as response:
        body = response.read()
    connection.close()
    return response.status, body


def begun(address: str, fields: dict[str, Any]) -> HTTPConnection:
    """An order that is sent; to close the connection is to leave."""
    connection = HTTPConnection(address, timeout=_PATIENCE)
    headers = {"content-type": "application/json", "connection": "close"}
    connection.request("POST", "/v1/images/generations", json.dumps(fields), headers)
    return connection


def picture_of(body: bytes) -> bytes:
    """The file in an answer."""
    return base64.b64decode(json.loads(body)["data"][0]["b64_json"])


def pixels_of(file: bytes) -> NDArray[np.uint8]:
    """(H, W, 3): those of a picture's file."""
    return np.asarray(Image.open(BytesIO(file)).convert("RGB"))


def crowd(address: str, moments: Sequence[float], fields: Callable[[int], dict[str, Any]]) -> list[Outcome]:
    """An open loop: each request is sent at its moment, however many others are still without an answer."""
    outcomes: list[Outcome] = []
    start = time.perf_counter()

    def visit(number: int, moment: float) -> None:
        try:
            status, _ = ask(address, fields(number))
        except OSError:
            status = 0
        outcomes.append(Outcome(status=status, seconds=time.perf_counter() - start - moment))

    visitors = []
    for number, moment in enumerate(moments):
        time.sleep(max(0.0, start + moment - time.perf_counter()))
        visitors.append(threading.Thread(target=visit, args=(number, moment)))
        visitors[-1].start()
    for visitor in visitors:
        visitor.join()
    return outcomes


def in_flight(
    address: str, clients: int, seconds: float, fields: Callable[[int], dict[str, Any]]
) -> tuple[float, int]:
    """A closed loop: so many clients, each with its next request as soon as it has an answer.

    Returns:
        Pictures a second, until the last answer; and how many there were.
    """
    start = time.perf_counter()

    def visit(client: int) -> int:
        drawn = 0
        while time.perf_counter() < start + seconds:
            status, _ = ask(address, fields(client + clients * drawn))
            if status != 200:
                raise RuntimeError(f"the server answers {status} to {clients} clients")
            drawn += 1
        return drawn

    with ThreadPoolExecutor(clients) as pool:
        drawn = sum(pool.map(visit, range(clients)))
    return drawn / (time.perf_counter() - start), drawn


def health_seconds(address: str, clients: int, seconds: float) -> list[float]:
    """How long `/healthz` takes, again and again, while so many clients have pictures drawn."""
    taken = []
    with ThreadPoolExecutor(1) as pool:
        drawing = pool.submit(in_flight, address, clients, seconds, lambda n: order(f"{n} cats", n))
        time.sleep(10 * _PAUSE)
        connection = HTTPConnection(address, timeout=_PATIENCE)
        while not drawing.done():
            start = time.perf_counter()
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            taken.append(time.perf_counter() - start)
            time.sleep(_PAUSE)
        connection.close()
        drawing.result()
    return taken
