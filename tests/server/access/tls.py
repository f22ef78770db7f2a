"""An https server on loopback, with a certificate for names under .test, which no resolver knows (RFC 6761)."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

__all__ = ["Answer", "Server", "believing", "serving"]

_NAMES = ("pictures.test", "other.test", "xn--bcher-kva.test")

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server(ThreadingHTTPServer):
    """Answers by path; `seen` has (SNI, Host header, path) of each request.

    Args:
        answers: path -> what to do.
    """

    daemon_threads = True

    def __init__(self, answers: dict[str, Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = answers
        self.seen: list[tuple[str | None, str | None, str]] = []
        self.names: dict[Any, str | None] = {}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _authority().issue_cert(*_NAMES).configure_cert(context)
        context.sni_callback = self._name
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def _name(self, connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        self.names[connection] = name

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server_port

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        name = self.server.names.get(self.connection)
        self.server.seen.append((name, self.headers["Host"], self.path))
        self.server.answers[self.path](self)

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def serving(answers: dict[str, Answer]) -> Iterator[Server]:
    """A server that runs while the block does."""
    server = Server(answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def believing() -> ssl.SSLContext:
    """A client's context that believes the server's certificate."""
    context = ssl.create_default_context()
    _authority().configure_trust(context)
    return context


@cache
def _authority() -> trustme.CA:
    return trustme.CA()
