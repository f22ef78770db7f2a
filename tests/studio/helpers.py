"""The page, as tests serve it."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI

from limner.server.app import create_app
from limner.server.services import Services
from limner.studio.app import mount

__all__ = ["with_page"]


def with_page(services: Services) -> FastAPI:
    """The application with the page on it."""

    async def mounted() -> FastAPI:
        app = create_app(services.settings, services=services)
        mount(app, services)
        return app

    # Within an event loop, or the page's framework makes one of its own and never closes it.
    return asyncio.run(mounted())
