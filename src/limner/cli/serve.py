"""`limner serve`: the DALL·E API on this machine."""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
from importlib import import_module
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from limner.cli.console import reported
from limner.errors import SettingsError
from limner.settings import Settings

if TYPE_CHECKING:
    import uvicorn

    from limner.server.services import Services

__all__ = [
    "Data",
    "EngineName",
    "Host",
    "Keys",
    "Models",
    "Port",
    "PublicUrl",
    "Strict",
    "app",
    "check_open",
    "chosen",
    "greet",
    "is_loopback",
    "models_of",
    "run",
    "serve",
]

# What was drawn has so long to reach its client; one that does not read must not keep the process.
_SEND_SECONDS = 10

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


Host: TypeAlias = Annotated[
    str | None, typer.Option(help="Where to listen; beyond this machine only with a key.")
]
Port: TypeAlias = Annotated[int | None, typer.Option(help="The port; 0 takes a free one.")]
Models: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        help="A shipped model's name, a model folder, or name=folder for another name; several may be given.",
    ),
]
EngineName: TypeAlias = Annotated[
    str | None, typer.Option(help="Who computes: openvino, torch, diffusers or fake.")
]
Keys: TypeAlias = Annotated[Path | None, typer.Option(help="The keys that `limner keys` made.")]
Data: TypeAlias = Annotated[
    Path | None, typer.Option(help="Where pictures behind links, files and histories are kept.")
]
Strict: TypeAlias = Annotated[
    bool | None, typer.Option("--strict/--lenient", help="Refuse whatever OpenAI refuses.")
]
PublicUrl: TypeAlias = Annotated[str | None, typer.Option(help="The server's address as its clients see it.")]


@app.command()
@reported
def serve(
    host: Host = None,
    port: Port = None,
    model: Models = None,
    engine: EngineName = None,
    strict: Strict = None,
    key_file: Keys = None,
    data_dir: Data = None,
    public_url: PublicUrl = None,
    studio: Annotated[bool, typer.Option("--studio", help="Serve the web page, too, at /studio.")] = False,
) -> None:
    """Answer OpenAI's Images API, for every program that speaks it.

    Ctrl-C and SIGTERM finish what is being drawn, and stop.
    """
    settings = chosen(
        host=host,
        port=port,
        engine=engine,
        strict=strict,
        keys_file=key_file,
        data_dir=data_dir,
        public_url=public_url,
        **models_of(model),
    )
    run(settings, studio=studio)


def models_of(named: list[str] | None) -> dict[str, Any]:
    """The settings that several `--model` stand for: the first, and those that are there besides."""
    if not named:
        return {}
    first, *more = named
    return {"model": first} | ({"more_models": tuple(more)} if more else {})


def chosen(**given: Any) -> Settings:
    """The settings, with those options in their place that were given."""
    return Settings(**{name: value for name, value in given.items() if value is not None})


def run(settings: Settings, *, studio: bool) -> None:
    """Serve until told to stop.

    Args:
        settings: what the operator chose.
        studio: serve the web page, too.

    Raises:
        LimnerError: it cannot start.
    """
    check_open(settings)
    # What is missing is told before a model is loaded.
    page = _page(settings) if studio else None
    _run(settings, page)


def _page(settings: Settings) -> Any:
    """The module that has the web page."""
    # Its framework reads these when it is imported: it calls nobody, and keeps what it shows in our folder.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(settings.data_dir.absolute() / "studio" / "shown")
    try:
        return import_module("limner.studio.app")
    except ImportError as error:
        raise SettingsError(
            f"the studio cannot be imported: {error}. Install it with: pip install 'limner[studio]'"
        ) from error


def check_open(settings: Settings) -> None:
    """Refuse to let the whole network draw without a key.

    Raises:
        SettingsError: others than this machine could ask, and there is no key.
    """
    from limner.server.services import key_ring

    if not is_loopback(settings.host) and not key_ring(settings).needed():
        raise SettingsError(
            f"{settings.host} can be reached by others, and there is no API key: make one with "
            "`limner keys new NAME`, or listen on 127.0.0.1",
            param="LIMNER_HOST",
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _run(settings: Settings, page: Any) -> None:
    import uvicorn

    from limner.server.app import create_app
    from limner.server.services import DRAIN_SECONDS, start_services

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    # Here rather than in the application's own start, so that what is wrong is told in one line.
    services = start_services(settings)
    application = create_app(settings, services=services)
    if page is not None:
        page.mount(application, services)
    config = uvicorn.Config(
        application,
        host=settings.host,
        port=settings.port,
        log_config=None,
        log_level="warning",
        access_log=False,
        # The same everywhere, whatever faster ones another package has brought.
        loop="asyncio",
        http="h11",
        # `server.origins` does this, for addresses that the operator named.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=DRAIN_SECONDS + _SEND_SECONDS,
    )
    _server(config, services, page).run()


def _server(config: uvicorn.Config, services: Services, page: Any) -> uvicorn.Server:
    """A server that says where it is, and that drains as soon as it is told to stop."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[Any] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                greet(services.settings, self.servers[0].sockets[0].getsockname()[1], page)

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


def greet(settings: Settings, port: int, page: Any = None) -> None:
    """Say where the server is, and the one change of a program."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = settings.public_url.rstrip("/") or f"http://{host}:{port}"
    typer.echo(f'limner draws at {url}  ->  OpenAI(base_url="{url}/v1", api_key="...")   docs: {url}/docs')
    if page is not None:
        typer.echo(f"limner studio is at {url}{page.PATH}")
