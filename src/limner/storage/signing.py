"""The key that signs links, and the signatures (RFC 2104, HMAC, with SHA-256)."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets

from limner.errors import OutputError, SettingsError
from limner.storage.depot import Depot, depot_of

__all__ = ["is_signature", "signature", "signing_key"]

_NAME = "signing.key"
_KEY_BYTES = 32


def signing_key(place: Depot | str | os.PathLike[str]) -> bytes:
    """The key of a store: made once, then kept beside its files, in a folder readable by its owner only.

    Processes that start at the same moment agree on one key, and a process that is killed here leaves none
    that is half written.

    Args:
        place: the store's depot, or its folder, which is made if need be.

    Raises:
        OutputError: the key cannot be written.
        SettingsError: what is there is no key.
    """
    depot = depot_of(place)
    try:
        key = depot.agreed(_NAME, secrets.token_bytes(_KEY_BYTES))
    except OSError as error:
        raise OutputError(
            f"the signing key {depot.title}/{_NAME} cannot be made or read ({error}): "
            "check the folder's permissions, or choose another one with LIMNER_DATA_DIR"
        ) from error
    if len(key) != _KEY_BYTES:
        raise SettingsError(
            f"{depot.title}/{_NAME} is damaged: delete it for a new one; links that were handed out then stop "
            "working"
        )
    return key


def signature(key: bytes, text: str) -> str:
    """HMAC-SHA256 of the text, as 64 hexadecimal digits."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def is_signature(key: bytes, text: str, given: str) -> bool:
    """Whether `given` is the text's signature; takes the same time whatever is wrong with it."""
    return hmac.compare_digest(signature(key, text).encode(), given.encode(errors="replace"))
