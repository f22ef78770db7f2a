"""Whether anything piles up: many pictures, a mix of all that can be asked for, clients that leave, steps that fail.

Run with `python -m bench.soak`; `tests/faults/test_soak.py` runs it in short form. A real server on loopback draws
for eight clients at a time, more than its queue holds. After each round it is at rest, memory and open files are
counted, and the links' clock is set forward, so that every link is seen alive and, later, gone.

Memory is counted in a process of its own in which malloc gives pictures back to the system as soon as they are
free. By default it keeps what the threads once needed, each for itself: a third more after two thousand pictures,
and no leak.
"""

from __future__ import annotations

import argparse
import base64
import gc
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import uvicorn

from bench.results import print_table, write_result
from bench.servers import threaded, wait
from limner.engines.base import Inpaint
from limner.errors import EngineError
from limner.imaging.codec import encode
from limner.loading import load
from limner.pipeline import Pipeline
from limner.server.app import create_app
from limner.server.services import Services, start_services
from limner.settings import Settings
from limner.storage.disk import DiskStore
from limner.storage.signing import signing_key
from limner.types import Floats, TextFeatures

__all__ = ["GOAL", "main", "soak", "soak_apart"]

GOAL = 0.05
"""How much larger memory at rest may be in the last quarter than in the second, as a share."""

_CLIENTS, _QUEUE, _ROUNDS = 8, 4, 8
_SECONDS_A_ROUND = 1500.0
_PATIENCE = 100.0
_ROOT = Path(__file__).parents[1]
_SOURCE = encode(np.random.default_rng(7).integers(0, 256, (64, 64, 3), dtype=np.uint8))
_IMAGES = [{"image_url": f"data:image/png;base64,{base64.b64encode(_SOURCE).decode()}"}]

# A prompt that the shipped model knows, and so reads as it stands.
_POISON = "a mushroom"

# What is asked for: how often, and its fields. Who leaves does so after a moment; "poison" fails the engine.
_KINDS: dict[str, tuple[int, dict[str, Any]]] = {
    "plain": (4, {}),
    "many": (2, {"n": 3}),
    "guided": (2, {"guidance_scale": 2.5}),
    "small": (2, {"size": "64x64", "output_format": "jpeg"}),
    "traced": (1, {"trace": True}),
    "link": (4, {"model": "dall-e-2", "response_format": "url"}),
    "stream": (2, {"stream": True, "partial_images": 2}),
    "edit": (2, {"images": _IMAGES}),
    "leaving": (2, {"n": 2}),
    "leaving a stream": (2, {"stream": True, "partial_images": 2}),
    "poison": (1, {"prompt": _POISON}),
    "wrong": (1, {"steps": -1}),
}
_PROMPTS = [f"{number} {thing}" for number in ("one", "two", "three") for thing in ("boats", "cats", "trees")]


def main() -> None:
    """Soak, print, and write the result."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description="Whether anything piles up.")
    parser.add_argument("--engine", default="openvino", help="who draws")
    parser.add_argument("--pictures", type=int, default=2000, help="how many, at least")
    parser.add_argument("--out", type=Path, help="the file for the result; by default a dated one")
    options = parser.parse_args()
    numbers = {"goal": GOAL} | soak_apart(options.engine, options.pictures)
    print_table([(name, str(value)) for name, value in numbers.items()])
    verdict = "reached" if numbers["memory_growth"] <= GOAL else "missed"
    print(f"goal for memory: at most {GOAL:.0%} more, {verdict}")
    print(f"written to {write_result('soak', numbers, options.out)}")


def soak_apart(engine: str, pictures: int) -> dict[str, Any]:
    """`soak` in a process of its own."""
    code = f"import json, bench.soak; print(json.dumps(bench.soak.soak({engine!r}, {pictures})))"
    environ = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, cwd=_ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    numbers: dict[str, Any] = json.loads(done.stdout)
    return numbers


def soak(engine: str, pictures: int, seed: int = 7) -> dict[str, Any]:
    """Let a server draw at least so many pictures, in a process that does nothing else.

    Returns:
        What was asked for and how it went; memory in MB, and open files, at rest after each round;
        `memory_growth` from the least of the second quarter to the least of the last; what is left of threads
        and open files when the server has stopped; and `untrue`, all answers and links that were not as they
        must be.
    """
    began, settings = time.perf_counter(), Settings()
    pipeline = load(engine=engine, threads=settings.threads, cache_dir=settings.cache_dir)
    pipeline.generate("a boat", steps=1, image=np.zeros((64, 64, 3), np.uint8))
    # In company, and large, too: an engine may compile other networks for that.
    pipeline.generate("a boat", steps=1, n=2)
    pipeline.generate("a boat", steps=1, n=8)
    width, height = pipeline.engine.capabilities.picture_size
    pipeline.generate("a boat", steps=1, size=(2 * width, 2 * height))
    _poison(pipeline)
    threads, files = set(threading.enumerate()), _open_files()
    with tempfile.TemporaryDirectory() as folder, _serving(Path(folder), pipeline) as house:
        visitors = _Visitors(house.address, random.Random(seed))
        memory, open_files = _rounds(house, visitors, pictures)
    quarter = len(memory) // 4
    second, last = min(memory[quarter : 2 * quarter]), min(memory[-quarter:])
    return {
        "engine": engine,
        "pictures": visitors.drawn,
        "seconds": round(time.perf_counter() - began, 1),
        "answers": dict(sorted(visitors.answers.items())),
        "links": visitors.links_seen,
        "memory": memory,
        "memory_growth": round(last / second - 1, 4),
        "open_files": open_files,
        "open_files_left": _open_files() - files,
        "threads_left": [thread.name for thread in threading.enumerate() if thread not in threads],
        "untrue": visitors.untrue,
    }


def _poison(pipeline: Pipeline) -> None:
    """From now on the engine fails at every step of a picture of poison."""
    engine = pipeline.engine
    plain = engine.denoise

    def denoise(
        x_BChw: Floats,
        t_B: Floats,
        features: Sequence[TextFeatures],
        guidance_B: Floats,
        inpaint: Inpaint | None = None,
    ) -> Floats:
        if any(feature.prompt == _POISON for feature in features):
            raise EngineError("poison")
        return plain(x_BChw, t_B, features, guidance_B, inpaint)

    engine.denoise = denoise  # type: ignore[method-assign]


@dataclass(frozen=True, kw_only=True, slots=True)
class _House:
    """A server that runs.

    Attributes:
        server, services: it, and what it works with.
        hours: adds up to the links' clock, in seconds of the epoch.
        pictures: the folder behind the links.
    """

    server: uvicorn.Server
    services: Services
    hours: list[float]
    pictures: Path

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"

    def at_rest(self) -> bool:
        """Nothing is drawn and nobody is connected."""
        load = self.services.loop.load()
        return not (load.queued or load.running or self.server.server_state.connections)


@contextmanager
def _serving(folder: Path, pipeline: Pipeline) -> Iterator[_House]:
    """A server in threads of this process, whose links go by a clock that stands still."""
    settings = Settings(data_dir=folder, queue_size=_QUEUE)
    hours, pictures = [time.time()], folder / "images"
    store = DiskStore(pictures, signing_key(pictures), clock=lambda: sum(hours))
    services = replace(start_services(settings, pipeline), store=store)
    application = create_app(settings, services=services)
    with threaded(application) as server:
        yield _House(server=server, services=services, hours=hours, pictures=pictures)


def _rounds(house: _House, visitors: _Visitors, pictures: int) -> tuple[list[float], list[int]]:
    """Round after round until so many pictures are drawn; memory and open files after each."""
    # What is made once is made by then.
    visitors.come(2 * list(_KINDS))
    memory: list[float] = []
    open_files: list[int] = []
    while visitors.drawn < pictures or len(memory) < 4:
        visitors.come(visitors.choose(max(_CLIENTS, pictures // _ROUNDS)))
        wait(house.at_rest)
        memory.append(_memory())
        open_files.append(_open_files())
        visitors.follow_links(sum(house.hours))
        house.hours.append(_SECONDS_A_ROUND)
        house.services.store.sweep()
    house.hours.append(24 * 3600)
    visitors.follow_links(sum(house.hours))
    house.services.store.sweep()
    visitors.untrue += [f"{path.name} is still there" for path in house.pictures.glob("img_*")]
    return memory, open_files


class _Visitors:
    """Eight clients, what they ask for, and what they get.

    Attributes:
        drawn: pictures in answers.
        answers: how often there was each status, by kind.
        links_seen: links in answers.
        untrue: what was not as it must be.
    """

    def __init__(self, address: str, chance: random.Random) -> None:
        self.drawn = 0
        self.answers: Counter[str] = Counter()
        self.links_seen = 0
        self.untrue: list[str] = []
        self._address = address
        self._chance = chance
        self._links: list[str] = []

    def choose(self, times: int) -> list[str]:
        """So many kinds of requests, mixed."""
        return self._chance.choices(list(_KINDS), [often for often, _ in _KINDS.values()], k=times)

    def come(self, names: Sequence[str]) -> None:
        """Requests of these kinds, eight at a time."""
        seeds = [self._chance.randrange(2**31) for _ in names]
        with ThreadPoolExecutor(_CLIENTS) as clients:
            told = list(clients.map(self._ask, names, seeds))
        for name, (status, body) in zip(names, told, strict=True):
            self.answers[f"{name}: {status or 'left'}"] += 1
            self._judge(name, status, body)

    def _ask(self, name: str, seed: int) -> tuple[int, bytes]:
        """Status and body; a refusal without a time to come back, or an answer to one who left, is 0."""
        chance = random.Random(seed)
        fields = {"model": "gpt-image-2", "prompt": chance.choice(_PROMPTS), "steps": chance.randint(1, 3)}
        fields |= {"seed": seed} | _KINDS[name][1]
        route = "edits" if "images" in fields else "generations"
        connection = HTTPConnection(self._address, timeout=_PATIENCE)
        headers = {"content-type": "application/json", "connection": "close"}
        connection.request("POST", f"/v1/images/{route}", json.dumps(fields), headers)
        if name.startswith("leaving"):
            time.sleep(chance.random() / 20)
            connection.close()
            return 0, b""
        with connection.getresponse() as response:
            body = response.read()
            if response.status == 429 and "retry-after" not in response.headers:
                self.untrue.append(f"{name}: 429 without a time")
        connection.close()
        return response.status, body

    def _judge(self, name: str, status: int, body: bytes) -> None:
        """Count what was drawn, and keep what is not as it must be."""
        due = {"poison": 500, "wrong": 400}.get(name, 0 if name.startswith("leaving") else 200)
        if status not in (due, *([429] if due in (200, 500) else [])):
            self.untrue.append(f"{name}: {status} {body[:200]!r}")
        elif status == 200 and name == "stream":
            self.drawn += body.count(b"event: image_generation.completed")
        elif status == 200:
            data = json.loads(body)["data"]
            self.drawn += len(data)
            links = [item["url"] for item in data if "url" in item]
            self.links_seen += len(links)
            self._links += links

    def follow_links(self, now: float) -> None:
        """Every link works until the time in its name, and then no more; those are not followed again."""
        for link in list(self._links):
            works = now < int(link.split("_")[1])
            status, body = self._fetch(link)
            if status != (200 if works else 403) or body.startswith(b"\x89PNG") != works:
                self.untrue.append(f"{link}: {status} at {now}")
            if not works:
                self._links.remove(link)

    def _fetch(self, link: str) -> tuple[int, bytes]:
        target = urlsplit(link)
        connection = HTTPConnection(self._address, timeout=_PATIENCE)
        connection.request("GET", f"{target.path}?{target.query}", headers={"connection": "close"})
        with connection.getresponse() as response:
            body = response.read()
        connection.close()
        return response.status, body


def _memory() -> float:
    """Resident memory in MB, of what is really in use; where there is no /proc, its peak."""
    gc.collect()
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 1)
    return round(int(statm.read_text().split()[1]) * resource.getpagesize() / 2**20, 1)


def _open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


if __name__ == "__main__":
    main()
