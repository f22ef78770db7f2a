"""Models as folders: where they are, what their manifest says, and whether their files are what it says."""

from limner.models.folder import available, find, is_foreign
from limner.models.manifest import Manifest, read_manifest, verify

__all__ = ["Manifest", "available", "find", "is_foreign", "read_manifest", "verify"]
