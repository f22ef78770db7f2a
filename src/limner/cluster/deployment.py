"""The application put on this machine or on a cluster, and taken off it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from limner.cluster.application import NAME, QUIET, application_of
from limner.cluster.connection import connect
from limner.cluster.plan import Plan
from limner.errors import LimnerError
from limner.settings import Settings

__all__ = ["ENVIRON", "deployed"]

_KEEP_ALIVE_SECONDS = 75

ENVIRON: Mapping[str, str] = MappingProxyType(
    {
        "RAY_USAGE_STATS_ENABLED": "0",  # nobody is called home to
        "RAY_DEDUP_LOGS": "0",  # each request has its line in the log, however like another's it is
        "RAY_worker_niceness": "0",  # who waits for a picture is not to wait for what runs beside Ray
        "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",  # a busy machine takes longer than Ray's 5 s to start one
        # What Ray's proxies put around each request.
        "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "limner.server.http.front:middlewares",
    }
)
"""What the processes of Ray find in their environment where limner starts it."""


@contextmanager
def deployed(settings: Settings, plan: Plan, *, closed: bool, address: str | None = None) -> Iterator[None]:
    """The application on Ray, ready to answer.

    On this machine it drains and is gone when the block is left. On a cluster it stays.

    Args:
        settings: what the operator chose; host and port are where each machine's proxy listens.
        plan: how many replicas there are, and what each takes.
        closed: others can reach it, so that a replica that finds no API key must not start.
        address: the cluster's, as Ray writes it; None starts Ray on this machine.

    Raises:
        InvalidRequestError: this machine has not enough cores.
        EngineUnavailableError: Ray is not installed, or cannot be reached.
        LimnerError: the replicas do not start; the message has the reason.
    """
    # Before Ray is imported, for the processes that it starts, too.
    os.environ.update(ENVIRON)
    if address is None:
        plan.check_here()
    application = application_of(settings, plan, closed=closed)
    ray = connect(address, namespace=NAME)
    try:
        _serve(application, settings)
        yield
    finally:
        if address is None:
            _leave()
        ray.shutdown()


def _serve(application: Any, settings: Settings) -> None:
    from ray import serve
    from ray.exceptions import RayError

    try:
        serve.start(
            proxy_location="EveryNode",
            http_options={
                "host": settings.host,
                "port": settings.port,
                "keep_alive_timeout_s": _KEEP_ALIVE_SECONDS,
            },
            logging_config=dict(QUIET),
        )
        serve.run(application, name=NAME, route_prefix="/")
    except (RuntimeError, RayError) as error:
        raise LimnerError(f"the replicas do not start: {_reason() or error}") from error


def _reason() -> str:
    """Why a replica could not be made: the last line of what Ray tells of its deployments."""
    from ray import serve

    application = serve.status().applications.get(NAME)
    told = [each.message for each in application.deployments.values()] if application else []
    lines = [line.strip() for line in "\n".join(told).splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _leave() -> None:
    """Let the replicas finish, for as long as they have, and end Ray Serve."""
    from ray import serve
    from ray.serve.exceptions import RayServeException

    with contextlib.suppress(RayServeException, TimeoutError):
        serve.delete(NAME)
    serve.shutdown()
