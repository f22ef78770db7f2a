"""One replica: the application, its services, and what Ray Serve wants to know of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from limner.errors import SettingsError
from limner.settings import Settings

__all__ = ["Replica", "builder"]


class Replica:
    """What Ray Serve asks a replica for; `serve.ingress` adds the application, as `app`."""

    app: Any

    async def check_health(self) -> None:
        """Raise if the application is not ready.

        Raises:
            LimnerError: why.
        """
        from limner.server.routes.health import read_readiness

        await read_readiness(self.app.state.services)


def builder(settings: Settings, *, closed: bool) -> Callable[[], Any]:
    """A function that makes the application in the replica's own process, wherever that is.

    Args:
        settings: of the replica.
        closed: it must have keys, for others than its own machine can reach it.
    """

    # Ray Serve takes a plain function and nothing else that can be called.
    def build() -> Any:
        from limner.server.app import create_app
        from limner.server.http.ids import OneId
        from limner.server.services import key_ring, start_services

        logging.basicConfig(level=logging.INFO, format="%(message)s")
        if closed and not key_ring(settings).needed():
            raise SettingsError(
                "others can reach this replica, and it finds no API key: set LIMNER_API_KEYS, or LIMNER_KEYS_FILE to "
                "a file that is there on every machine",
                param="LIMNER_API_KEYS",
            )
        # Here rather than in the application's own start, of whose errors Ray tells nothing.
        application = create_app(settings, services=start_services(settings))
        application.add_middleware(OneId)
        return application

    return build
