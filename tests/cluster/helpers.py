"""`limner deploy` in a process of its own, on this machine or on several that Ray takes to be there; its replicas."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.s3 import Bucket

__all__ = ["KEYS", "Deployed", "Nodes", "deploy", "nodes", "ray_processes"]

KEYS = ("lk-live", "lk-crowd", "lk-counted")
"""Those who may ask; each has a limit of its own."""

_ASKED_AT_ONCE = 4

# Each replica makes a file when it is ready, and lets prompts that say so stand still.
_REPLICAS = """
import os, pathlib, signal
import limner.cluster.application as application
real = application.builder
def builder(settings, **more):
    build = real(settings, **more)
    def told():
        import time
        from limner.engines.fake import FakeEngine
        denoise = FakeEngine.denoise
        def patient(self, x, t, features, *rest):
            while any("stand" in each.prompt for each in features) and not pathlib.Path({gate!r}).exists():
                time.sleep(0.01)
            return denoise(self, x, t, features, *rest)
        FakeEngine.denoise = patient
        made = build()
        pathlib.Path({ready!r}, str(os.getpid())).touch()
        return made
    return told
application.builder = builder
"""

# A shell that starts something in the background tells it to ignore Ctrl-C.
_COMMAND = """
signal.signal(signal.SIGINT, signal.default_int_handler)
from limner.cli import main
main()
"""

# A cluster of two machines besides the one that leads it. Each line on its stdin is a thing to do.
_CLUSTER = """
import sys
from limner.cli.deploy import app
from limner.cluster.deployment import ENVIRON
os.environ.update(ENVIRON)
from ray.cluster_utils import Cluster
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
try:
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    app([*sys.argv[1:], "--address", cluster.address], standalone_mode=False)
    for line in sys.stdin:
        if line == "remove\\n":
            cluster.remove_node(nodes.pop(), allow_graceful=False)
        else:
            nodes.append(cluster.add_node(num_cpus=1))
finally:
    cluster.shutdown()
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """`limner deploy`, answering.

    Attributes:
        process: it.
        address: where it answers.
        log: the file that its stderr goes to, and what its replicas log.
        folder: where its replicas keep what they do not share.
        ready: a folder with a file for each replica that has ever been ready, called as its process is.
    """

    process: subprocess.Popen[str]
    address: str
    log: Path
    folder: Path
    ready: Path

    def get(self, path: str) -> str:
        """What any replica answers."""
        with urllib.request.urlopen(f"{self.address}{path}") as answer:  # noqa: S310  an address of ours
            text: str = answer.read().decode()
            return text

    def running(self) -> int:
        """How many pictures any replica draws."""
        return _running_of(self.get("/queue"))

    def busiest(self) -> int:
        """How many a replica draws; several are asked at once, or Ray would always ask the idle one."""
        with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
            return max(map(_running_of, pool.map(self.get, ["/queue"] * _ASKED_AT_ONCE)))

    def replicas(self) -> list[int]:
        """The processes of the replicas that live and are ready."""
        found = ray_processes(self.process, "ray::ServeReplica:limner")
        return [pid for pid in found if (self.ready / str(pid)).exists()]


def ray_processes(process: subprocess.Popen[str], title: str) -> list[int]:
    """The processes that stem from one, and whose title, which Ray makes of what they run, begins so."""
    found = (path for path in Path("/proc").iterdir() if path.name.isdecimal())
    return [
        int(path.name) for path in found if _is_titled(path, title) and process.pid in _ancestors(path.name)
    ]


def _running_of(queue: str) -> int:
    running: int = json.loads(queue)["running"]
    return running


def _is_titled(path: Path, title: str) -> bool:
    try:
        return (path / "cmdline").read_bytes().startswith(title.encode())
    except OSError:
        return False


def _ancestors(pid: str) -> list[int]:
    found: list[int] = []
    while pid not in ("0", "1"):
        try:
            status = Path("/proc", pid, "status").read_text(encoding="utf-8")
        except OSError:
            break
        [pid] = re.findall(r"^PPid:\s*(\d+)$", status, re.MULTILINE)
        found.append(int(pid))
    return found


class Nodes(Deployed):
    """The same on several machines, which can be removed and added."""

    def remove(self) -> None:
        """Take one that draws away, as if its plug were pulled."""
        self._do("remove")

    def add(self) -> None:
        """Put another one there."""
        self._do("add")

    def _do(self, what: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()


@contextmanager
def deploy(folder: Path, s3: Bucket, database: str, gate: Path) -> Iterator[Deployed]:
    """Two replicas of the fake engine on this machine, which want one of `KEYS`; all ends with the block.

    Args:
        folder: for data and log.
        s3, database: what the replicas share.
        gate: the file that lets pictures go on.
    """
    environ = {**s3.environ, "LIMNER_STORAGE_URL": s3.url, "LIMNER_DATABASE_URL": database}
    with _running(folder, _COMMAND, "deploy", gate=gate, **environ) as found:
        yield Deployed(**found)


@contextmanager
def nodes(folder: Path) -> Iterator[Nodes]:
    """The same on two machines, one each, which share a folder.

    Args:
        folder: for data and log.
    """
    # Whoever watches a machine come back draws more than a thousand pictures in that minute.
    with _running(folder, _CLUSTER, gate=folder / "gate", LIMNER_IMAGES_PER_MINUTE="0") as found:
        yield Nodes(**found)


@contextmanager
def _running(
    folder: Path, code: str, *arguments: str, gate: Path, **environ: str
) -> Iterator[dict[str, Any]]:
    """What `Deployed` takes."""
    (ready := folder / "ready").mkdir()
    command = [
        *(sys.executable, "-c", _REPLICAS.format(gate=str(gate), ready=str(ready)) + code, *arguments),
        *("--engine", "fake", "--replicas", "2", "--port", "0", "--data-dir", str(folder / "data")),
    ]
    environ = {
        "LIMNER_API_KEYS": ",".join(KEYS),
        "LIMNER_IMAGES_PER_MINUTE": "1000",
        "RAY_DEFAULT_OBJECT_STORE_MAX_MEMORY_BYTES": "100000000",
    } | environ
    log = folder / "log"
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=os.environ | environ,
        ) as process,
    ):
        try:
            address = _address(process, log)
            yield {
                "process": process,
                "address": address,
                "log": log,
                "folder": folder / "data",
                "ready": ready,
            }
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(120)
            finally:
                process.kill()


def _address(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        # What the replicas log comes on stdout, too.
        if found := re.search(r"limner draws at (http://127\.0\.0\.1:\d+)", line):
            return found[1]
    raise AssertionError(log.read_text())
