"""Bringing the picture behind an `image_url`, on the word of a stranger.

The danger is that the server reaches what the stranger cannot (SSRF). So a host's name is resolved once, all
its addresses must be public, the connection goes to one of just these addresses, and every redirect starts
over. Bytes and time are limited for the whole, not for each read: a host that sends a byte a second is as
useless as one that sends nothing. Proxy variables of the environment are not used.

Calls block: run them in a thread.
"""

from __future__ import annotations

import contextlib
import io
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from limner.errors import InvalidRequestError, SettingsError
from limner.server.access.addresses import is_public
from limner.server.access.links import HTTPS_PORT, Target, decode_data_url, host_name, parse_link

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["Fetcher", "Resolve", "system_addresses"]

Resolve = Callable[[str, int], Sequence[str]]

_MAX_BYTES = 50 * 1024 * 1024
_MAX_REDIRECTS = 3
_SECONDS = 20.0
_BLOCK = 65_536
_FAILED = "Error while downloading file."
_INSTEAD = "send the picture itself as a data URL"


def system_addresses(host: str, port: int) -> list[str]:
    """The addresses of a host, by the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Fetcher:
    """Turns an `image_url` into bytes.

    Args:
        hosts: names that may have addresses and ports of any kind; for those of one's own network.
        seconds: time for everything, from the first look-up to the last byte.
        max_bytes: how large a picture may be.
        resolve: host and port -> addresses.
        context: which certificates are believed; by default those that the system believes.

    Raises:
        SettingsError: one of the hosts is no name of a host.
    """

    def __init__(
        self,
        *,
        hosts: Iterable[str] = (),
        seconds: float = _SECONDS,
        max_bytes: int = _MAX_BYTES,
        resolve: Resolve = system_addresses,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._hosts = frozenset(map(_checked, hosts))
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._resolve = resolve
        self._context = context or ssl.create_default_context()

    def fetch(self, url: str, param: str) -> bytes:
        """The bytes that a data URL holds or an https link leads to; what they are is not looked at.

        Args:
            url: what the client sent.
            param: the request field that holds it; what goes wrong on the way is told of "url".

        Raises:
            InvalidRequestError: the URL is not to be followed, or did not lead to a file.
        """
        if url[:5].lower() == "data:":
            return decode_data_url(url, param)
        deadline = time.monotonic() + self._seconds
        for _ in range(_MAX_REDIRECTS + 1):
            found = self._ask(parse_link(url, param), deadline)
            if isinstance(found, bytes):
                return found
            url, param = found, "url"
        raise _failed(f"There are more than {_MAX_REDIRECTS} redirects: send the last link")

    def _ask(self, target: Target, deadline: float) -> bytes | str:
        """The file, or the link to which the host redirects."""
        try:
            addresses = self._addresses(target, deadline)
            with self._connected(target, addresses, deadline) as connection:
                return self._answer(connection, target, deadline)
        except TimeoutError as error:
            raise _failed(f"It took more than {self._seconds:g} seconds: {_INSTEAD}") from error
        except ssl.SSLCertVerificationError as error:
            raise _failed(f"The host's certificate is not valid: {_INSTEAD}") from error
        except (OSError, HTTPException, ValueError) as error:
            raise _failed(f"The host did not answer as it should: {_INSTEAD}") from error

    def _addresses(self, target: Target, deadline: float) -> Sequence[str]:
        """The host's addresses, each of them one that may be connected to."""
        is_own = target.host in self._hosts
        if target.port != HTTPS_PORT and not is_own:
            raise _failed(f"Only port {HTTPS_PORT} may be used: {_INSTEAD}")
        # A look-up cannot be interrupted; its thread is left behind if it takes too long.
        thread = ThreadPoolExecutor(1)
        try:
            found = thread.submit(self._resolve, target.host, target.port).result(_left(deadline))
        except socket.gaierror:
            found = []
        finally:
            thread.shutdown(wait=False)
        # The same words for no address and for a private one: which names a network has is not told.
        if not found or not (is_own or all(map(is_public, found))):
            raise _failed(f"The host '{target.host}' has no public address: {_INSTEAD}")
        return found

    @contextlib.contextmanager
    def _connected(
        self, target: Target, addresses: Sequence[str], deadline: float
    ) -> Iterator[ssl.SSLSocket]:
        """A connection to the first of the addresses that answers, under the host's name."""
        plain = _connection(addresses, target.port, deadline)
        with plain:
            plain.settimeout(_left(deadline))
            with self._context.wrap_socket(plain, server_hostname=target.host) as connection:
                yield connection

    def _answer(self, connection: ssl.SSLSocket, target: Target, deadline: float) -> bytes | str:
        connection.settimeout(_left(deadline))
        connection.sendall(_request(target))
        with _response(connection, deadline) as response:
            if response.status in (301, 302, 303, 307, 308):
                return urljoin(
                    f"https://{target.authority}{target.path}", response.headers.get("Location", "")
                )
            if response.status != 200:
                raise _failed(f"Upstream status code: {response.status}")
            return self._body(response)

    def _body(self, response: HTTPResponse) -> bytes:
        body = bytearray()
        while len(body) + (response.length or 0) <= self._max_bytes:
            # No more than shows that it is too large: a read waits for all that it asks for.
            block = response.read(min(_BLOCK, self._max_bytes + 1 - len(body)))
            body += block
            if not block and response.length:
                raise _failed("The host sent less than it announced: try again")
            if not block:
                return bytes(body)
        raise _failed(f"It has more than {self._max_bytes:,} bytes: send a smaller picture")


def _checked(host: str) -> str:
    try:
        return host_name(host)
    except ValueError as error:
        raise SettingsError(
            f"{host!r} is no host's name ({error}): write it like pictures.example.com",
            param="LIMNER_FETCH_HOSTS",
        ) from error


def _failed(reason: str) -> InvalidRequestError:
    return InvalidRequestError(f"{_FAILED} {reason}.", param="url")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _connection(addresses: Sequence[str], port: int, deadline: float) -> socket.socket:
    failure: OSError = OSError("no address")
    for waiting, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            # An equal share of the time that is left, so that a dead address leaves some for the next.
            return socket.create_connection((address, port), _left(deadline) / waiting)
        except OSError as error:
            failure = error
    raise failure


def _request(target: Target) -> bytes:
    return (
        f"GET {target.path} HTTP/1.1\r\nHost: {target.authority}\r\nUser-Agent: limner\r\n"
        "Accept: image/*\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n"
    ).encode("ascii")


class _TimedReader(io.RawIOBase):
    """A connection's bytes until a deadline, however few come at a time."""

    def __init__(self, connection: ssl.SSLSocket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._connection.settimeout(_left(self._deadline))
        return self._connection.recv_into(buffer)


@contextlib.contextmanager
def _response(connection: ssl.SSLSocket, deadline: float) -> Iterator[HTTPResponse]:
    response = HTTPResponse(connection, method="GET")
    # The response reads from its file only; the one that it made knows no deadline.
    response.fp.close()
    response.fp = io.BufferedReader(_TimedReader(connection, deadline))
    with response:
        response.begin()
        yield response
