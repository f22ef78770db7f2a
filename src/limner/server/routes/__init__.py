"""What can be asked for: one file for each kind of thing, and `dependencies`, what they are handed."""

from __future__ import annotations

from limner.server.routes import azure, batches, files, health, images, models, moderations, results

__all__ = ["azure", "batches", "files", "health", "images", "models", "moderations", "results"]
