"""OpenTelemetry: a span for each request, and below it one for each of its stages. No prompt is in any of them.

Spans are made where the extra `limner[telemetry]` is installed and OpenTelemetry's own variables say where to
send them: `OTEL_EXPORTER_OTLP_ENDPOINT`, or `OTEL_TRACES_EXPORTER=otlp`, and whatever else the SDK reads, such
as `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` and `OTEL_EXPORTER_OTLP_HEADERS`. Otherwise this imports nothing.
Names follow OpenTelemetry's semantic conventions for HTTP servers; limner's own begin with `limner.`.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from starlette.types import Scope

from limner import __version__
from limner.batching.events import Failed, Finished
from limner.batching.stages import Stage
from limner.errors import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

__all__ = ["RequestSpan", "Telemetry", "telemetry_from"]

_logger = logging.getLogger("limner.server")

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"
_MOUNT = "/v1"
# Of what the log tells of a request, what is neither a person's nor somebody's words.
_FACTS = ("model", "n", "steps", "stream", "job")


class RequestSpan:
    """The span of one request, and those of its stages.

    Args:
        tracer: makes the spans; None tells nobody anything.
        scope: the request.
    """

    def __init__(self, tracer: Tracer | None = None, scope: Scope | None = None) -> None:
        self._tracer = tracer
        self._scope = scope or {}
        # Stages are timed by a clock that never jumps, spans by the time of day: it is read once.
        self._epoch = time.time_ns() - time.monotonic_ns()
        self._span = None if tracer is None else self._begun(tracer)

    def _begun(self, tracer: Tracer) -> Span:
        from opentelemetry import propagate
        from opentelemetry.trace import SpanKind

        method, headers = self._scope["method"], self._scope["headers"]
        return tracer.start_span(
            method,
            context=propagate.extract(
                {name.decode("latin-1"): each.decode("latin-1") for name, each in headers}
            ),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": method,
                "url.path": self._scope["path"],
                "url.scheme": self._scope.get("scheme", "http"),
            },
            start_time=self._at(time.monotonic()),
        )

    def drawn(self, event: Finished | Failed) -> None:
        """Tell the stages of a job that is over."""
        error = type(event.error).__name__ if isinstance(event, Failed) else ""
        for stage in event.stages:
            self._add(stage, error)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Tell of a stage that lasts as long as the block."""
        began, error = time.monotonic(), ""
        try:
            yield
        except BaseException as met:
            error = type(met).__name__
            raise
        finally:
            self._add(Stage(name=name, began=began, ended=time.monotonic(), complete=not error), error)

    def _add(self, stage: Stage, error: str) -> None:
        if self._tracer is None or self._span is None:
            return
        from opentelemetry.trace import set_span_in_context

        span = self._tracer.start_span(
            stage.name,
            context=set_span_in_context(self._span),
            attributes={f"limner.{name}": fact for name, fact in stage.facts.items()},
            start_time=self._at(stage.began),
        )
        if not stage.complete:
            _set_error(span, error, is_fault=True)
        span.end(self._at(stage.ended))

    def _at(self, seconds: float) -> int:
        return self._epoch + round(1e9 * seconds)

    def end(self, *, request_id: str, status: int, facts: Mapping[str, Any]) -> None:
        """The request is over.

        Args:
            request_id: as the client knows it.
            status: of the answer.
            facts: what the log tells of it.
        """
        if self._span is None:
            return
        route = _route_of(self._scope)
        if route:
            self._span.update_name(f"{self._scope['method']} {route}")
            self._span.set_attribute("http.route", route)
        self._span.set_attributes({"http.response.status_code": status, "limner.request_id": request_id})
        self._span.set_attributes({f"limner.{name}": facts[name] for name in _FACTS if name in facts})
        if "error" in facts:
            # What a stream meets after its first byte has no status of its own, but a cause.
            _set_error(self._span, facts["error"], is_fault=status >= 500 or "cause" in facts)
        self._span.end(self._at(time.monotonic()))


def _route_of(scope: Scope) -> str:
    """The pattern of the path, "" if no route has it; some versions of FastAPI leave out where it was mounted."""
    pattern: str = getattr(scope.get("route"), "path", "")
    is_below = pattern and scope["path"].startswith(f"{_MOUNT}/")
    return (_MOUNT if is_below else "") + pattern.removeprefix(_MOUNT)


def _set_error(span: Span, error: str, *, is_fault: bool) -> None:
    """Only the kind: messages may quote what was asked for. What a client does wrong is no fault of this side."""
    from opentelemetry.trace import StatusCode

    span.set_attribute("error.type", error)
    if is_fault:
        span.set_status(StatusCode.ERROR)


class Telemetry:
    """Where spans come from.

    Args:
        provider: makes them and sends them on; None tells nobody anything.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._provider = provider
        self._tracer = None if provider is None else provider.get_tracer("limner", __version__)

    def begin(self, scope: Scope) -> RequestSpan:
        """A request begins; it continues the trace that its `traceparent` names."""
        return RequestSpan(self._tracer, scope)

    def close(self) -> None:
        """Send what is left; blocks until that is done or given up."""
        if self._provider is not None:
            self._provider.shutdown()


def telemetry_from(environ: Mapping[str, str] = os.environ) -> Telemetry:
    """What the variables ask for; what they ask for in vain is logged, for they may be meant for others.

    Args:
        environ: the environment; what the SDK itself reads comes from the process's own.

    Raises:
        SettingsError: the SDK cannot use one of its variables.
    """
    if not _is_wanted(environ):
        return Telemetry()
    try:
        return Telemetry(_new_provider())
    except ImportError:
        _logger.warning("OTEL_* variables ask for spans: to send any, pip install 'limner[telemetry]'")
        return Telemetry()
    except ValueError as error:
        raise SettingsError(
            f"spans cannot be sent as the OTEL_* variables ask: {str(error).rstrip('.')}. Correct them, "
            "or set OTEL_SDK_DISABLED=true"
        ) from error


def _is_wanted(environ: Mapping[str, str]) -> bool:
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    is_asked = bool(exporter) or any(environ.get(name) for name in _ENDPOINTS)
    is_off = exporter == "none" or environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if not is_asked or is_off:
        return False
    protocol = next((environ[name] for name in _PROTOCOLS if environ.get(name)), _PROTOCOL)
    if exporter not in ("", "otlp") or protocol != _PROTOCOL:
        _logger.warning(
            "OTEL_* variables ask for spans by %s over %s, and none are sent: limner sends them by otlp over %s",
            exporter or "otlp",
            protocol,
            _PROTOCOL,
        )
        return False
    return True


def _new_provider() -> TracerProvider:
    """Of our own, not the process's: whoever embeds limner keeps theirs."""
    # Imported for what it finds wrong with OTEL_PROPAGATORS: now, not at the first request.
    from opentelemetry import propagate  # noqa: F401
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    ours = Resource.create({"service.name": "limner", "service.version": __version__})
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
