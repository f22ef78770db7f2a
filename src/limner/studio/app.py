"""The page joins the server's application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import gradio as gr
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from limner.server.services import Services
from limner.server.shared import place_of
from limner.studio.drawing import Studio
from limner.studio.history import History, local_history
from limner.studio.page import build_page, look
from limner.studio.visitor import BrowserCookie

__all__ = ["PATH", "mount"]

PATH = "/studio"
"""Where the page is."""

_LOOK_SECONDS = 0.5


def mount(app: FastAPI, services: Services) -> None:
    """Add the page to an application.

    Args:
        app: made by `limner.server.app.create_app` with the same services.
        services: what the page draws with.

    Raises:
        OutputError: the history cannot be opened.
    """
    settings = services.settings
    studio = Studio(services=services, history=_history(services))
    theme, css = look()
    # The framework looks for no page below a path without its slash.
    app.add_api_route(PATH, _to_the_page, include_in_schema=False)
    app.add_api_route("/favicon.ico", _no_icon, include_in_schema=False)
    gr.mount_gradio_app(
        app,
        build_page(studio),
        PATH,
        footer_links=[],
        run_history=False,
        app_kwargs={"middleware": [Middleware(BrowserCookie)]},
        root_path=f"{settings.public_url.rstrip('/')}{PATH}" if settings.public_url else None,
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        enable_monitoring=False,
        max_file_size="50mb",
        theme=theme,
        css=css,
    )
    _end_with(app, studio)


def _history(services: Services) -> History:
    """What all servers know, where they share a database; else this one's own."""
    settings = services.settings
    if services.database is None:
        return local_history(settings.data_dir / "studio", max_bytes=settings.store_bytes)
    # Not where they are without a database: nobody must sweep away what was there before.
    return History(services.database, place_of(settings, "history"), max_bytes=settings.store_bytes)


async def _to_the_page(request: Request) -> RedirectResponse:
    return RedirectResponse(f"{request.scope.get('root_path', '')}{PATH}/")


async def _no_icon() -> Response:
    # Browsers ask for one wherever a page names none.
    return Response(status_code=204)


def _end_with(app: FastAPI, studio: Studio) -> None:
    """Open pages keep a line open for as long as they are: let go of it when the server leaves."""
    before = app.router.lifespan_context
    page: Any = app.routes[-1]

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        async with before(app) as state:
            watch = asyncio.create_task(_let_go(studio.services, page.app.stop_event))
            try:
                yield state
            finally:
                watch.cancel()
                if studio.services.database is None:
                    studio.history.close()

    app.router.lifespan_context = lifespan


async def _let_go(services: Services, stop: asyncio.Event) -> None:
    while not services.leaving.is_set():  # noqa: ASYNC110  it is a thread's event, not the event loop's
        await asyncio.sleep(_LOOK_SECONDS)
    stop.set()
