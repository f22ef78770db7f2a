"""The key that signs links, and the signatures (RFC 2104, HMAC, with SHA-256)."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from limner.errors import OutputError, SettingsError
from limner.storage._folder import private_folder

__all__ = ["is_signature", "signature", "signing_key"]

_NAME = "signing.key"
_KEY_BYTES = 32


def signing_key(folder: str | os.PathLike[str]) -> bytes:
    """The key of a store: made once, then kept in its folder, readable by its owner only.

    Processes that start at the same moment agree on one key, and a process that is killed here leaves none
    that is half written.

    Args:
        folder: the store's folder; it is made if need be.

    Raises:
        OutputError: the key cannot be written.
        SettingsError: what is there is no key.
    """
    path = private_folder(folder) / _NAME
    try:
        if not path.exists():
            _create(path)
        key = path.read_bytes()
    except OSError as error:
        raise OutputError(
            f"the signing key {path} cannot be made or read ({error}): "
            "check the folder's permissions, or choose another one with LIMNER_DATA_DIR"
        ) from error
    if len(key) != _KEY_BYTES:
        raise SettingsError(
            f"{path} is damaged: delete it for a new one; links that were handed out then stop working"
        )
    return key


def _create(path: Path) -> None:
    temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, does not replace the key of a process that was faster.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        temporary.unlink()


def signature(key: bytes, text: str) -> str:
    """HMAC-SHA256 of the text, as 64 hexadecimal digits."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def is_signature(key: bytes, text: str, given: str) -> bool:
    """Whether `given` is the text's signature; takes the same time whatever is wrong with it."""
    return hmac.compare_digest(signature(key, text).encode(), given.encode(errors="replace"))
