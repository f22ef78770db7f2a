"""`limner serve`: the DALL·E API on this machine."""

from __future__ import annotations

import ipaddress
import logging
import signal
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limner.cli.console import reported
from limner.errors import SettingsError
from limner.settings import Settings

if TYPE_CHECKING:
    import uvicorn

    from limner.server.services import Services

__all__ = ["app", "serve"]

# What was drawn has so long to reach its client; one that does not read must not keep the process.
_SEND_SECONDS = 10

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@reported
def serve(
    host: Annotated[
        str | None, typer.Option(help="Where to listen; beyond this machine only with a key.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0 takes a free one.")] = None,
    model: Annotated[str | None, typer.Option(help="A shipped model's name, or a model folder.")] = None,
    engine: Annotated[str | None, typer.Option(help="Who computes: openvino, torch or fake.")] = None,
    strict: Annotated[
        bool | None, typer.Option("--strict/--lenient", help="Refuse whatever OpenAI refuses.")
    ] = None,
    key_file: Annotated[Path | None, typer.Option(help="The keys that `limner keys` made.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where pictures behind links and files are kept.")
    ] = None,
    public_url: Annotated[
        str | None, typer.Option(help="The server's address as its clients see it.")
    ] = None,
) -> None:
    """Answer OpenAI's Images API, for every program that speaks it.

    Ctrl-C and SIGTERM finish what is being drawn, and stop.
    """
    given = {
        "host": host,
        "port": port,
        "model": model,
        "engine": engine,
        "strict": strict,
        "keys_file": key_file,
        "data_dir": data_dir,
        "public_url": public_url,
    }
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    _check_open(settings)
    _run(settings)


def _check_open(settings: Settings) -> None:
    """Refuse to let the whole network draw without a key."""
    from limner.server.services import key_ring

    if not _is_loopback(settings.host) and not key_ring(settings).needed():
        raise SettingsError(
            f"{settings.host} can be reached by others, and there is no API key: make one with "
            "`limner keys new NAME`, or listen on 127.0.0.1",
            param="LIMNER_HOST",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _run(settings: Settings) -> None:
    import uvicorn

    from limner.server.app import create_app
    from limner.server.services import DRAIN_SECONDS, start_services

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    # Here rather than in the application's own start, so that what is wrong is told in one line.
    services = start_services(settings)
    config = uvicorn.Config(
        create_app(settings, services=services),
        host=settings.host,
        port=settings.port,
        log_config=None,
        log_level="warning",
        access_log=False,
        # `server.origins` does this, for addresses that the operator named.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=DRAIN_SECONDS + _SEND_SECONDS,
    )
    _server(config, services).run()


def _server(config: uvicorn.Config, services: Services) -> uvicorn.Server:
    """A server that says where it is, and that drains as soon as it is told to stop."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[Any] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                _greet(services.settings, self.servers[0].sockets[0].getsockname()[1])

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            if not self.should_exit:
                Thread(target=_drain, args=(services,), daemon=True).start()
            if sig == signal.SIGTERM:
                # An order that is carried out ends in 0; uvicorn would raise the signal again in the end.
                self.should_exit = True
            else:
                super().handle_exit(sig, frame)

    return Server(config)


def _drain(services: Services) -> None:
    """Finish what is drawn. Nothing of this may be done in a signal's handler: it interrupts any write."""
    typer.echo("limner: finishing what is being drawn; Ctrl-C stops at once", err=True)
    services.drain()


def _greet(settings: Settings, port: int) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = settings.public_url.rstrip("/") or f"http://{host}:{port}"
    typer.echo(f'limner draws at {url}  ->  OpenAI(base_url="{url}/v1", api_key="...")   docs: {url}/docs')
