"""A real server of S3 on loopback, from a package."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Bucket", "bucket"]

# A line on its stdin turns the server off, and the next one on again, at the same port and with all that it keeps.
_SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"http://{host}:{port}", flush=True)
while sys.stdin.readline():
    server.stop()
    print("off", flush=True)
    sys.stdin.readline()
    server = ThreadedMotoServer(ip_address=host, port=port, verbose=False)
    server.start()
    print("on", flush=True)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """A bucket.

    Attributes:
        url: as limner's setting has it.
        environ: the variables that say where the server is.
        server: the process.
    """

    url: str
    environ: Mapping[str, str]
    server: subprocess.Popen[str]

    @contextmanager
    def down(self) -> Iterator[None]:
        """The server cannot be reached until the block is left; it loses nothing."""
        self._switch("off")
        try:
            yield
        finally:
            self._switch("on")

    def _switch(self, to: str) -> None:
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write("\n")
        self.server.stdin.flush()
        assert self.server.stdout.readline().strip() == to


@contextmanager
def bucket() -> Iterator[Bucket]:
    """An empty bucket on a server of its own."""
    command = [sys.executable, "-W", "ignore", "-c", _SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            [address] = re.findall(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
            request = urllib.request.Request(f"{address}/limner", method="PUT")  # noqa: S310  ours
            with urllib.request.urlopen(request):  # noqa: S310
                pass
            environ = {
                "AWS_ENDPOINT_URL": address,
                "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "someone",
                "AWS_SECRET_ACCESS_KEY": "hush",
            }
            yield Bucket(url="s3://limner/pictures", environ=environ, server=server)
        finally:
            server.kill()
