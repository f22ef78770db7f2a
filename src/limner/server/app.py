"""The application: `create_app(settings)` is all that a server of ASGI needs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from limner import __version__
from limner.errors import LimnerError
from limner.pipeline import Pipeline
from limner.server.batches.desk import batch_desk
from limner.server.contract.openapi import document, errors
from limner.server.errors import ApiError, ClientGoneError, from_http, from_limner, noted
from limner.server.http.middleware import BodyLimit, Context, error_response
from limner.server.http.origins import TrustedProxies
from limner.server.routes import azure, batches, files, health, images, models, moderations, results
from limner.server.services import Services, running, start_services
from limner.server.telemetry import Telemetry, telemetry_from
from limner.settings import Settings

__all__ = ["create_app"]

_DESCRIPTION = "OpenAI's Images API, drawn by a model on this machine. `docs/api-compat.md` has every field."


def create_app(
    settings: Settings | None = None,
    pipeline: Pipeline | None = None,
    *,
    services: Services | None = None,
    telemetry: Telemetry | None = None,
) -> FastAPI:
    """The server as an ASGI application.

    Args:
        settings: what the operator chose; by default what the LIMNER_* variables say.
        pipeline: a model that is loaded already; by default the settings' own is loaded at start.
        services: what was started already, by `start_services`; it is stopped with the application.
        telemetry: makes the spans of requests, closed with the application; by default the OTEL_* variables
            say whether there are any.

    Raises:
        SettingsError: a setting is wrong.
    """
    settings = settings or Settings()
    told = telemetry or telemetry_from()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        started = services
        if started is None:
            started = await anyio.to_thread.run_sync(start_services, settings, pipeline)
        app.state.services = started
        try:
            async with running(started), batch_desk(started) as app.state.batches:
                yield
        finally:
            await anyio.to_thread.run_sync(told.close)

    app = FastAPI(
        title="limner",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        middleware=_middleware(settings, told),
        responses=errors(500),
        redirect_slashes=False,
    )
    app.openapi = partial(document, app)  # type: ignore[method-assign]
    _add_routes(app)
    _add_handlers(app)
    return app


def _middleware(settings: Settings, telemetry: Telemetry) -> list[Middleware]:
    """From the outside in."""
    chain = [
        Middleware(TrustedProxies, networks=settings.trusted_proxies),
        Middleware(Context, telemetry=telemetry),
    ]
    if settings.cors_origins:
        chain.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(settings.cors_origins),
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=["*"],
                expose_headers=["x-request-id", "x-limner-ignored"],
            )
        )
    return [*chain, Middleware(BodyLimit)]


def _add_routes(app: FastAPI) -> None:
    # Links to pictures go before files: /files/images/<name> is no file's id.
    for module in (results, images, models, moderations, files, batches):
        app.include_router(module.router, prefix="/v1")
        app.include_router(module.router, include_in_schema=False)
    for module in (azure, health):
        app.include_router(module.router)
        app.include_router(module.router, prefix="/v1", include_in_schema=False)


def _add_handlers(app: FastAPI) -> None:
    app.add_exception_handler(LimnerError, _told_limner)
    app.add_exception_handler(HTTPException, _told_http)
    app.add_exception_handler(RequestValidationError, _told_invalid)
    for gone in (ClientDisconnect, ClientGoneError):
        app.add_exception_handler(gone, _told_gone)


async def _told_limner(request: Request, error: Exception) -> Response:
    if not isinstance(error, LimnerError):
        raise error
    return _told(request, error)


def _told(request: Request, error: LimnerError) -> Response:
    request.state.facts.update(noted(error))
    return error_response(from_limner(error))


async def _told_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"allow": ", ".join(_allowed(request))}
    return _told(request, from_http(error.status_code, request.method, request.url.path, headers))


def _allowed(request: Request) -> list[str]:
    """The methods of all routes of a path: the framework tells those of the first one only."""
    methods = ("DELETE", "GET", "HEAD", "POST")
    scopes = {method: dict(request.scope) | {"method": method} for method in methods}
    return [
        method
        for method, scope in scopes.items()
        if any(route.matches(scope)[0] == Match.FULL for route in request.app.routes)
    ]


async def _told_invalid(request: Request, error: Exception) -> Response:
    """A query parameter that is wrong; bodies are judged by `validate`."""
    if not isinstance(error, RequestValidationError):
        raise error
    problem = error.errors()[0]
    param = str(problem["loc"][-1])
    message = f"Invalid '{param}': {problem['msg']}."
    return _told(request, ApiError(message, code="invalid_value", param=param))


async def _told_gone(request: Request, error: Exception) -> Response:
    del error
    request.state.facts["error"] = "client_gone"
    return Response(status_code=499)
