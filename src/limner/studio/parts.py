"""What all tabs are made of: the line that tells how it stands, the fields of a picture, and what is told of one."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from limner.engines.base import Capabilities
from limner.imaging.codec import EXTENSIONS
from limner.report import report
from limner.report.markup import tag
from limner.studio.drawing import Studio
from limner.studio.made import FORMATS, Made, caption
from limner.studio.programs import client_code
from limner.studio.visitor import Visitor, visitor_of
from limner.types import MAX_PICTURES, FileFormat

__all__ = ["QUIET", "Details", "Form", "Page", "file_of", "forget_files", "kept_file", "status"]

QUIET: Mapping[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
"""For all events: the API is elsewhere, and the page tells itself how it stands."""

_MOST_STEPS = 100
_MOST_GUIDANCE = 20


def status(told: str, *, share: float | None = None, bad: bool = False) -> str:
    """The line that says how it stands, read out by screen readers.

    Args:
        told: in words.
        share: how much is done, from 0 to 1; None shows no bar.
        bad: it is an error.
    """
    bar = "" if share is None else tag("progress", max=100, value=round(100 * share), aria_label="Steps done")
    role, look = ("alert", "told bad") if bad else ("status", "told")
    return tag("div", tag("p", told), bar, role=role, class_=look)


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What all tabs share.

    Attributes:
        studio: what they work with.
        key: the field for the API key.
        shown: the picture on screen.
    """

    studio: Studio
    key: gr.Textbox
    shown: gr.State

    @property
    def able(self) -> Capabilities:
        """What the engine can do, and its defaults."""
        return self.studio.services.able

    def cancels(self, button: gr.Button, line: gr.HTML) -> None:
        """Let a button end what this page has drawn just now.

        The browser says so at once, and only the drawing says more: an answer of the server's to the click could come
        after its last word.
        """
        at_once = f"() => {json.dumps(status('Cancelling.'))}"
        button.click(None, None, line, js=at_once, queue=False, **QUIET)
        button.click(self._cancel, None, None, queue=False, **QUIET)

    def _cancel(self, request: gr.Request) -> None:
        self.studio.cancel(request.session_hash)

    def visitor(self, request: gr.Request, key: str) -> Visitor:
        """Who did something.

        Raises:
            InvalidRequestError: the server wants a key, and there is none or a wrong one.
        """
        return visitor_of(request, self.studio.services.keys, key)

    def url(self, request: gr.Request) -> str:
        """The server's address, as this visitor knows it."""
        public = self.studio.services.settings.public_url.rstrip("/")
        return public or f"{request.request.url.scheme}://{request.headers.get('host', 'localhost')}"


class Form:
    """The fields of a picture.

    Args:
        able: what the engine does by default.
        prompt: what stands in the prompt's field at first.
        for_source: the picture is drawn from another: no style, and the size is that one's.
    """

    def __init__(
        self, able: Capabilities, *, prompt: str, label: str = "Prompt", for_source: bool = False
    ) -> None:
        self.prompt = gr.Textbox(prompt, label=label, lines=2, max_lines=6)
        with gr.Row():
            self.n = gr.Slider(1, MAX_PICTURES, 1, step=1, label="How many", min_width=140)
            self.size = gr.Dropdown(
                _sizes(able, for_source=for_source),
                value="auto",
                label="Size",
                allow_custom_value=True,
                min_width=140,
            )
        self.seed = gr.Textbox(
            label="Seed", info="A whole number draws the same again; empty is any.", max_lines=1
        )
        with gr.Accordion("More settings", open=False):
            most = max(_MOST_STEPS, able.default_steps)
            self.steps = gr.Slider(
                1, most, able.default_steps, step=1, label="Steps", info="More is slower and finer."
            )
            self.guidance = gr.Slider(
                1,
                max(_MOST_GUIDANCE, able.default_guidance),
                able.default_guidance,
                step=0.1,
                label="Guidance",
                info="How strictly to follow the prompt; 1 is not to lead at all.",
            )
            self.style = gr.Radio(["vivid", "natural"], value="vivid", label="Style", visible=not for_source)
            self.negative = gr.Textbox(
                label="Negative prompt", info="What to lead away from; needs a guidance above 1.", max_lines=3
            )

    @property
    def inputs(self) -> list[Any]:
        """The components, in the order of `Ask`."""
        return [
            self.prompt,
            self.size,
            self.n,
            self.steps,
            self.guidance,
            self.seed,
            self.style,
            self.negative,
        ]


def _sizes(able: Capabilities, *, for_source: bool) -> list[tuple[str, str]]:
    width, height = able.picture_size
    own = "its own" if for_source else f"{width}x{height}"
    return [(own, "auto"), *((size, size) for size in ("512x512", "1024x1024", "1024x1536", "1536x1024"))]


class Details:
    """What is told of one picture: its settings, its files, the code that draws it again.

    Args:
        page: what tabs share.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self.told = gr.HTML("", elem_classes="facts")
        with gr.Row(elem_classes="files"):
            self.files = {file_format: _download(f"Download {name}") for file_format, name in FORMATS.items()}
            self.report = _download("Download the report")
        with gr.Accordion("The same picture by code", open=False, visible=False) as self.by_code:
            self.code = gr.Textbox(
                label="Python", lines=8, max_lines=24, buttons=["copy"], elem_classes="code"
            )

    @property
    def outputs(self) -> list[Any]:
        """The components that `update` sets."""
        return [self.told, *self.files.values(), self.report, self.by_code, self.code]

    def update(self, made: Made | None, request: gr.Request) -> dict[Any, Any]:
        """What the components are to hold for a picture, or for none."""
        if made is None:
            hidden = [*self.files.values(), self.report, self.by_code]
            return {self.told: "", self.code: ""} | {part: gr.update(visible=False) for part in hidden}
        updates: dict[Any, Any] = {self.told: tag("p", caption(made.shown))}
        for file_format, button in self.files.items():
            updates[button] = gr.update(value=file_of(made, file_format), visible=True)
        return updates | self._report(made) | self._code(made, request)

    def _report(self, made: Made) -> dict[Any, Any]:
        if made.shown.picture.trace is None:
            return {self.report: gr.update(visible=False)}
        engine = self._page.studio.services.settings.engine
        told = report(made.shown.picture, engine=engine).encode()
        return {self.report: gr.update(value=kept_file(told, f"{_stem(made)}.html"), visible=True)}

    def _code(self, made: Made, request: gr.Request) -> dict[Any, Any]:
        """Only for what words alone draw: an edit also needs the picture that it started from."""
        if made.kind != "generations":
            return {self.by_code: gr.update(visible=False), self.code: ""}
        code = client_code(made.shown, self._page.url(request))
        return {self.by_code: gr.update(visible=True), self.code: code}


def _download(label: str) -> gr.DownloadButton:
    return gr.DownloadButton(label, size="sm", visible=False, min_width=120)


def file_of(made: Made, file_format: FileFormat) -> str:
    """A picture's file, laid out to be shown and downloaded."""
    return kept_file(made.to_bytes(file_format), f"{_stem(made)}.{EXTENSIONS[file_format]}")


def _stem(made: Made) -> str:
    """How its files are called: by the seed for people, and by the id so that they can be told from all others."""
    return f"limner-{made.shown.seed}-{made.id}"


def forget_files(ids: Collection[str]) -> None:
    """Delete all files of these pictures that were laid out."""
    for path in Path(gr.utils.get_upload_folder()).glob("*/limner-*"):
        if path.stem.rpartition("-")[2] in ids:
            path.unlink(missing_ok=True)


def kept_file(data: bytes, name: str) -> str:
    """Lay a file where the page's server finds it; its address cannot be guessed without knowing its content."""
    path: str = save_bytes_to_cache(data, name, gr.utils.get_upload_folder())
    return path
