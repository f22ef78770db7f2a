"""The tab in which a part of a picture is drawn anew, and in which pictures are varied."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr

from limner.errors import InvalidRequestError
from limner.imaging.reader import read_pixels
from limner.server.contract.field import Route
from limner.studio.asking import Ask
from limner.studio.create import Easel
from limner.studio.drawing import Wish, sentence
from limner.studio.masks import painted
from limner.studio.parts import QUIET, Form, Page, status
from limner.studio.shown import Shown
from limner.types import Pixels

__all__ = ["Edit"]

_READY = "Take a picture, paint over a part of it, say what goes there, and press Draw this part; or vary all of it."
_BRUSH = "#e11d48"


class Edit:
    """The tab.

    Args:
        page: what tabs share.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        # The picture to the bit as it was handed in: what the editor gives back went through its canvas.
        self._source = gr.State(None)
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=300):
                with gr.Row():
                    take = gr.Button("Take the picture on screen", min_width=140)
                    upload = gr.UploadButton("Upload a picture", file_types=["image"], min_width=140)
                self._editor = _editor()
            with gr.Column(scale=2, min_width=300):
                self._form = Form(page.able, prompt="", label="What goes there", for_source=True)
                with gr.Row():
                    draw = gr.Button("Draw this part", variant="primary", min_width=140)
                    vary = gr.Button("Vary it all", min_width=140)
                    cancel = gr.Button("Cancel", variant="stop", interactive=False, min_width=100)
                self._easel = Easel(page, ready=_READY, name="edit")
        self._easel.wire([draw, vary], cancel)
        loaded = [self._source, self._editor, self._easel.status]
        take.click(self._taken, [page.key, page.shown], loaded, **QUIET)
        upload.upload(self._uploaded, [page.key, upload], loaded, **QUIET)
        given = [page.key, self._source, self._editor, *self._form.inputs]
        draw.click(self._edit, given, self._easel.outputs, **QUIET)
        vary.click(self._vary, given, self._easel.outputs, **QUIET)

    def _taken(self, request: gr.Request, key: str, shown: Shown | None) -> tuple[Any, Any, str]:
        if shown is None:
            return gr.skip(), gr.skip(), status("There is no picture yet: draw one, or upload one.", bad=True)
        return self._loaded(request, key, lambda: shown.picture.pixels_HWC)

    def _uploaded(self, request: gr.Request, key: str, path: str) -> tuple[Any, Any, str]:
        return self._loaded(request, key, lambda: read_pixels(Path(path).read_bytes()))

    def _loaded(self, request: gr.Request, key: str, source: Any) -> tuple[Any, Any, str]:
        try:
            self._page.visitor(request, key)
            pixels_HWC = source()
        except Exception as error:  # noqa: BLE001  told in a sentence, and logged
            return gr.skip(), gr.skip(), status(sentence(error), bad=True)
        height, width = pixels_HWC.shape[:2]
        told = f"This picture has {width}x{height} pixels: paint over what is to be drawn anew."
        return pixels_HWC, {"background": pixels_HWC, "layers": [], "composite": None}, status(told)

    async def _edit(
        self, request: gr.Request, key: str, source: Pixels | None, editor: Any, *values: Any
    ) -> AsyncIterator[dict[Any, Any]]:
        def wish() -> Wish:
            pixels_HWC = _needed(source)
            size = (pixels_HWC.shape[1], pixels_HWC.shape[0])
            return Wish(
                route=Route.EDITS,
                values=Ask.of(values).picture_body(self._page.studio.model),
                picture_HWC=pixels_HWC,
                mask_HW=painted((editor or {}).get("layers") or [], size),
            )

        async for update in self._easel.follow(wish, key, request):
            yield update

    async def _vary(
        self, request: gr.Request, key: str, source: Pixels | None, editor: Any, *values: Any
    ) -> AsyncIterator[dict[Any, Any]]:
        del editor

        def wish() -> Wish:
            body = Ask.of(values).picture_body(self._page.studio.model, variation=True)
            return Wish(route=Route.VARIATIONS, values=body, picture_HWC=_needed(source))

        async for update in self._easel.follow(wish, key, request):
            yield update


def _editor() -> gr.ImageEditor:
    return gr.ImageEditor(
        label="Paint over what is to be drawn anew",
        type="numpy",
        image_mode="RGBA",
        format="png",
        sources=(),
        transforms=(),
        layers=False,
        brush=gr.Brush(colors=[_BRUSH], default_color=_BRUSH, color_mode="fixed", default_size=32),
        buttons=["fullscreen"],
        elem_id="editor",
    )


def _needed(source: Pixels | None) -> Pixels:
    if source is None:
        raise InvalidRequestError(
            "There is no picture to start from: take the one on screen, or upload one.", param="image"
        )
    return source
