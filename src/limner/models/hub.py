"""Checkpoints of a hub that are in its cache already. Nothing is fetched here."""

from __future__ import annotations

from pathlib import Path

from limner.models.folder import MODEL_INDEX

__all__ = ["cached"]


def cached(model: Path, revision: str = "") -> Path | None:
    """The folder of a checkpoint, or None if it is not in the cache.

    Args:
        model: owner/name.
        revision: branch, tag or commit; "" is the main branch.
    """
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    try:
        found = try_to_load_from_cache(model.as_posix(), MODEL_INDEX, revision=revision or None)
    except ValueError:
        # No name that could be on a hub.
        return None
    return Path(found).parent if isinstance(found, str) else None
