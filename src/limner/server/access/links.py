"""What a client may write where a picture is wanted: a data URL, or an https link, taken apart strictly.

Programs disagree on odd URLs, and attacks live on that: one reads a harmless host, the next connects to
another. So nothing odd is read here at all: no user names, no backslashes or blanks, no host in percent codes,
no IPv4 address in octal, hexadecimal or short form.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from limner.errors import InvalidRequestError

__all__ = ["HTTPS_PORT", "MAX_URL_CHARACTERS", "Target", "decode_data_url", "host_name", "parse_link"]

MAX_URL_CHARACTERS = 20_971_520
HTTPS_PORT = 443
_MAX_LINK = 8192

_PRINTABLE = re.compile(r"[^\x00-\x20\x7f\\]+")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # what makes a host an IPv4 address: WHATWG URL Standard, 3.5
_KEPT = "/%:=&~+!$,;'@()*?"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where a link leads.

    Attributes:
        host: a name in ASCII and lower case without a dot at its end, or an address without brackets.
        port: 443 unless the link says otherwise.
        path: path and query, as they go into a request.
    """

    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The Host header's value."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == HTTPS_PORT else f"{host}:{self.port}"


def decode_data_url(url: str, param: str) -> bytes:
    """The bytes of a data URL (RFC 2397) in strict base64; what they are is not looked at.

    Args:
        url: begins with "data:".
        param: the request field that holds it.

    Raises:
        InvalidRequestError: too long, not base64, or empty.
    """
    _check_length(url, MAX_URL_CHARACTERS, param)
    head, _, text = url.partition(",")
    try:
        data = base64.b64decode(text, validate=True) if head.lower().endswith(";base64") else b""
    except ValueError as error:
        raise InvalidRequestError("Invalid base64 image_url.", param=param) from error
    if not data:
        raise InvalidRequestError("Invalid base64 image_url.", param=param)
    return data


def parse_link(url: str, param: str) -> Target:
    """Take an https link apart; its fragment is dropped.

    Args:
        url: what the client sent, or where a server redirected to.
        param: the request field that holds it.

    Raises:
        InvalidRequestError: no https link, or an odd one.
    """
    _check_length(url, _MAX_LINK, param)
    try:
        parts = urlsplit(url)
        if parts.scheme != "https" or not _PRINTABLE.fullmatch(url):
            raise _refused(param, "expected an https link or a data URL")
        return _target(parts)
    except ValueError as error:
        raise _refused(param, f"this link cannot be followed ({error})") from error


def host_name(text: str) -> str:
    """A host's name as it is compared: ASCII, lower case, without a dot at its end.

    Raises:
        ValueError: it is none.
    """
    name = text.encode("idna").decode("ascii").lower().removesuffix(".")
    if not _NAME.fullmatch(name):
        raise ValueError("it has no valid host name")
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        return str(ipaddress.IPv4Address(name))
    return name


def _target(parts: SplitResult) -> Target:
    if "@" in parts.netloc:
        raise ValueError("it has a user name")
    host = parts.hostname or ""
    host = _ipv6(host) if parts.netloc.startswith("[") else host_name(host)
    path = quote(parts.path or "/", safe=_KEPT)
    query = f"?{quote(parts.query, safe=_KEPT)}" if parts.query else ""
    return Target(host=host, port=HTTPS_PORT if parts.port is None else parts.port, path=path + query)


def _ipv6(text: str) -> str:
    if "%" in text:
        raise ValueError("its address has a zone")
    return str(ipaddress.IPv6Address(text))


def _check_length(url: str, most: int, param: str) -> None:
    if len(url) > most:
        raise InvalidRequestError(
            f"Invalid '{param}': string too long. Expected a string with maximum length {most}, "
            f"but got a string with length {len(url)} instead.",
            param=param,
        )


def _refused(param: str, reason: str) -> InvalidRequestError:
    return InvalidRequestError(f"Invalid '{param}': {reason}.", param=param)
