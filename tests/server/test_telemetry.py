"""`limner.server.telemetry`: the spans of a request, for those who ask for them."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from starlette.testclient import TestClient

from limner.engines.fake import FakeEngine
from limner.errors import EngineError, SettingsError
from limner.pipeline import Pipeline
from limner.server.app import create_app
from limner.server.telemetry import Telemetry, telemetry_from
from limner.settings import Settings

PATH = "/v1/images/generations"
ASK: dict[str, Any] = {"model": "gpt-image-2", "prompt": "a hidden cat", "size": "32x16", "steps": 3}
STAGES = ["waiting", "text_encoding", "image_generation", "image_decoding", "file_encoding"]
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

Spans: TypeAlias = dict[str, ReadableSpan]
Traced: TypeAlias = Callable[..., Spans]


class BrokenEngine(FakeEngine):
    """Cannot draw, and quotes the prompt when it says so."""

    def denoise(self, *_: Any, **__: Any) -> Any:
        """Fail."""
        raise EngineError("no hidden cat today")


@pytest.fixture
def traced(tmp_path: Path) -> Traced:
    """Sends one request to a server of its own; the spans by name, the request's own as "request"."""

    def send(
        body: dict[str, Any] | None, engine: FakeEngine | None = None, path: str = PATH, **headers: str
    ) -> Spans:
        exporter, provider = InMemorySpanExporter(), TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        settings = Settings(engine="fake", data_dir=tmp_path, log_prompts=True)
        app = create_app(settings, Pipeline(engine or FakeEngine()), telemetry=Telemetry(provider))
        with TestClient(app, raise_server_exceptions=False) as client:
            client.request("GET" if body is None else "POST", path, json=body, headers=headers)
        spans = exporter.get_finished_spans()
        assert "hidden" not in "".join(span.to_json() for span in spans)
        return {"request" if span.kind == SpanKind.SERVER else span.name: span for span in spans}

    return send


def told(span: ReadableSpan) -> dict[str, Any]:
    """The attributes of a span."""
    return dict(span.attributes or {})


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_is_a_span_and_so_is_each_stage(traced: Traced, *, stream: bool) -> None:
    """The stages lie below the request's, in order, and none is an error."""
    spans = traced(ASK | {"stream": stream})
    request = spans.pop("request")
    assert sorted(spans, key=lambda name: spans[name].start_time or 0) == STAGES
    for span in spans.values():
        assert span.parent == request.context
        assert span.status.status_code == StatusCode.UNSET
        assert (request.start_time or 0) <= (span.start_time or 0) <= (span.end_time or 0)
    assert request.name == f"POST {PATH}"
    assert told(request).items() >= {"http.route": PATH, "http.response.status_code": 200}.items()
    assert told(request).items() >= {"limner.model": "gpt-image-2", "limner.steps": 3}.items()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/files/file-1", "GET /v1/files/{file_id}"),
        ("/files/file-1", "GET /files/{file_id}"),
        ("/healthz", "GET /healthz"),
        ("/v1/nowhere", "GET"),
    ],
)
def test_spans_are_named_by_the_pattern_of_their_path(traced: Traced, path: str, name: str) -> None:
    """So that there are few names; a path that no route has gives none."""
    assert traced(None, path=path)["request"].name == name


def test_image_generation_tells_steps_size_and_company(traced: Traced) -> None:
    """What its length depends on."""
    assert told(traced(ASK)["image_generation"]) == {
        "limner.picture": 0,
        "limner.steps": 3,
        "limner.size": "32x16",
        "limner.batch_sizes": (1,),
    }


def test_the_callers_trace_is_continued(traced: Traced) -> None:
    """W3C Trace Context, section 3.2; what cannot be read begins a trace of its own."""
    request = traced(ASK, traceparent=f"00-{TRACE}-{PARENT}-01")["request"]
    assert request.context is not None
    assert request.parent is not None
    assert (f"{request.context.trace_id:032x}", f"{request.parent.span_id:016x}") == (TRACE, PARENT)
    assert traced(ASK, traceparent="00-nonsense-01")["request"].parent is None


@pytest.mark.parametrize("stream", [False, True])
def test_what_fails_is_an_error_where_it_failed(traced: Traced, *, stream: bool) -> None:
    """The stage and the request, also where the answer had begun; the stages before it are none."""
    spans = traced(ASK | {"stream": stream}, BrokenEngine())
    assert list(spans) == ["waiting", "text_encoding", "image_generation", "request"]
    errors = [name for name, span in spans.items() if span.status.status_code == StatusCode.ERROR]
    assert errors == ["image_generation", "request"]
    assert told(spans["image_generation"])["error.type"] == "EngineError"
    assert told(spans["request"])["error.type"] == "image_generation_failed"


def test_what_a_client_does_wrong_is_told_and_no_fault(traced: Traced) -> None:
    """As the conventions have it for a status below 500."""
    spans = traced(ASK | {"n": 99})
    assert list(spans) == ["request"]
    assert spans["request"].status.status_code == StatusCode.UNSET
    assert told(spans["request"])["error.type"] == "integer_above_max_value"


@pytest.fixture
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """The address of a collector on this machine, and what it is sent."""
    sent: list[ExportTraceServiceRequest] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            sent.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Be silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}", sent
        server.shutdown()


def test_spans_are_sent_where_the_variables_say(
    collector: tuple[str, list[ExportTraceServiceRequest]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By OTLP over HTTP, at the latest when the server stops, in the name of limner or of the operator's choice."""
    address, sent = collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    for name in ("limner", "painter"):
        with TestClient(
            create_app(Settings(engine="fake", data_dir=tmp_path), Pipeline(FakeEngine()))
        ) as client:
            client.get("/healthz")
        [spans] = sent.pop().resource_spans
        assert [span.name for scope in spans.scope_spans for span in scope.spans] == ["GET /healthz"]
        assert {each.key: each.value.string_value for each in spans.resource.attributes}[
            "service.name"
        ] == name
        monkeypatch.setenv("OTEL_SERVICE_NAME", "painter")


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_SERVICE_NAME": "a"},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
        {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"},
    ],
)
def test_nobody_is_told_who_did_not_ask(variables: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    """Without an exporter, or with what turns it off, there is nothing, and nothing to say."""
    assert telemetry_from(variables)._provider is None
    assert caplog.text == ""


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_TRACES_EXPORTER": "zipkin"},
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
    ],
)
def test_what_cannot_be_done_is_logged(variables: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    """The variables may be meant for other programs, so it is no error."""
    with caplog.at_level(logging.WARNING):
        assert telemetry_from(variables)._provider is None
    assert "http/protobuf" in caplog.text


def test_who_asks_without_the_extra_learns_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The server runs without."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with caplog.at_level(logging.WARNING):
        assert telemetry_from({"OTEL_TRACES_EXPORTER": "otlp"})._provider is None
    assert "limner[telemetry]" in caplog.text


def test_a_variable_that_the_sdk_cannot_use_is_told_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a setting that is wrong, in the SDK's words."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")
    with pytest.raises(SettingsError, match="max_queue_size"):
        telemetry_from({"OTEL_TRACES_EXPORTER": "otlp"})


def test_the_sdk_is_loaded_for_nobody_who_did_not_ask() -> None:
    """A fresh interpreter that makes the application has loaded neither it nor an exporter."""
    code = (
        "import json, sys; from limner.server.app import create_app; create_app(); "
        "print(json.dumps([n for n in sys.modules if n.startswith(('opentelemetry.sdk', 'opentelemetry.exp'))]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout) == []
