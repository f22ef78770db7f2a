"""`limner deploy`: the same server in many replicas, on this machine or on a cluster of them."""

from __future__ import annotations

import signal
import socket
import threading
from types import FrameType
from typing import Annotated

import typer

from limner.cli.console import reported
from limner.cli.serve import (
    Data,
    EngineName,
    Host,
    Keys,
    Models,
    Port,
    PublicUrl,
    Strict,
    check_open,
    chosen,
    greet,
    is_loopback,
    models_of,
)
from limner.cluster.plan import Plan
from limner.engines.registry import find_engine
from limner.errors import SettingsError
from limner.settings import Settings

__all__ = ["app", "deploy", "run"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@reported
def deploy(
    replicas: Annotated[int, typer.Option(help="How many replicas there are, or at least.")] = 1,
    most: Annotated[
        int, typer.Option("--max-replicas", help="How many there are at most when there is more to do.")
    ] = 0,
    target: Annotated[
        int, typer.Option(help="Requests in a replica beyond which there should be another.")
    ] = 4,
    cpus: Annotated[int, typer.Option(help="Processor cores that each replica takes.")] = 1,
    gpus: Annotated[float, typer.Option(help="GPUs, or the share of one, that each replica takes.")] = 0.0,
    address: Annotated[
        str | None, typer.Option(help="A Ray cluster's address, or `auto`; by default Ray starts here.")
    ] = None,
    host: Host = None,
    port: Port = None,
    model: Models = None,
    engine: EngineName = None,
    strict: Strict = None,
    key_file: Keys = None,
    data_dir: Data = None,
    public_url: PublicUrl = None,
) -> None:
    """Answer OpenAI's Images API with many replicas of the server.

    Each has a model and a device of its own. On this machine Ctrl-C and SIGTERM finish what is being drawn, and
    stop. On a cluster the application stays, and `serve shutdown` ends it.
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
    plan = Plan(replicas=replicas, most=most, target=target, cpus=cpus, gpus=gpus)
    if address is None:
        # On a cluster the keys are where the replicas are, and each of them looks.
        check_open(settings)
    find_engine(settings.engine)
    run(settings, plan, address)


def run(settings: Settings, plan: Plan, address: str | None) -> None:
    """Put the application on Ray; on this machine, until told to stop.

    Args:
        settings: what the operator chose.
        plan: how many replicas there are.
        address: the cluster's; None is this machine.

    Raises:
        LimnerError: it cannot start.
    """
    from limner.cluster.deployment import deployed

    if address is None or not settings.port:
        settings = settings.model_copy(update={"port": _port(settings)})
    with deployed(settings, plan, closed=not is_loopback(settings.host), address=address):
        greet(settings, settings.port)
        by = _told_to_stop() if address is None else None
    if by == signal.SIGINT:
        raise typer.Exit(130)


def _told_to_stop() -> int:
    """Wait for Ctrl-C or SIGTERM, of which Ray would make an end at once; the signal's number."""
    told: list[int] = []
    event = threading.Event()

    def hear(number: int, _: FrameType | None) -> None:
        told.append(number)
        event.set()

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    event.wait()
    typer.echo("limner: finishing what is being drawn; Ctrl-C stops at once", err=True)
    for number, handler in before.items():
        signal.signal(number, handler)
    return told[0]


def _port(settings: Settings) -> int:
    """The port that the settings name, which must be free, or a free one: Ray has to be told which."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family) as found:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind((settings.host, settings.port))
            port: int = found.getsockname()[1]
            return port
    except OSError as error:
        raise SettingsError(
            f"nothing can listen on {settings.host}, port {settings.port}: {error}. Choose another with --port",
            param="LIMNER_PORT",
        ) from error
