"""The tab in which words become pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import anyio.to_thread
import gradio as gr

from limner.server.contract.field import Route
from limner.studio.asking import Ask
from limner.studio.drawing import Drawn, Progress, Wish, sentence
from limner.studio.made import Made, caption
from limner.studio.parts import QUIET, Details, Form, Page, file_of, status

__all__ = ["Create", "Easel", "previews_of"]

_EXAMPLE = "A cute puppy playing with a ball in the park"
_READY = "Say in words what to draw, and press Draw."


def previews_of(progress: Progress) -> list[tuple[Any, str]]:
    """The newest previews, for a gallery."""
    return [
        (pixels, f"preview of picture {index + 1}") for index, pixels in sorted(progress.previews.items())
    ]


class Easel:
    """Where pictures appear: how it stands, the gallery, and what is told of the picture that is chosen.

    Args:
        page: what tabs share.
        ready: what is told at first.
        name: of the tab, for the ids of its parts.
    """

    def __init__(self, page: Page, *, ready: str, name: str) -> None:
        self._page = page
        self.results = gr.State(())
        self.status = gr.HTML(status(ready), elem_id=f"{name}-status")
        self.gallery = gr.Gallery(
            label="Pictures",
            columns=2,
            object_fit="contain",
            format="png",
            interactive=False,
            visible=False,
            buttons=["fullscreen"],
            elem_classes="pictures",
            elem_id=f"{name}-gallery",
        )
        self.details = Details(page)
        self.gallery.select(self._chosen, self.results, [page.shown, *self.details.outputs], **QUIET)

    def wire(self, draw: Sequence[gr.Button], cancel: gr.Button) -> None:
        """Know the buttons that begin it, and the one that ends it."""
        self.draw, self.cancel = draw, cancel
        self._page.cancels(cancel, self.status)

    @property
    def outputs(self) -> list[Any]:
        """All that `follow` sets."""
        parts = [self.results, self.status, self.gallery, *self.draw, self.cancel, self._page.shown]
        return [*parts, *self.details.outputs]

    async def follow(self, wish: Any, key: str, request: gr.Request) -> AsyncIterator[dict[Any, Any]]:
        """Draw, and show how it goes.

        Args:
            wish: makes the wish; what it raises is told.
            key: the API key.
            request: the event's.
        """
        told: dict[Any, Any] = {}
        try:
            visitor, wished = self._page.visitor(request, key), wish()
            # Not before: what is refused at once leaves the buttons as they are.
            yield self._buttons(busy=True)
            async for news in self._page.studio.draw(visitor, wished):
                if isinstance(news, Progress):
                    yield self._progress(news)
                else:
                    told = await anyio.to_thread.run_sync(self._drawn, news, request)
        except Exception as error:  # noqa: BLE001  told in a sentence, and logged
            told = {self.status: status(sentence(error), bad=True)}
        # Once: of two answers close behind each other Gradio's page may lose what the first one shows.
        yield told | self._buttons(busy=False)

    def _buttons(self, *, busy: bool) -> dict[Any, Any]:
        begin = {button: gr.update(interactive=not busy) for button in self.draw}
        return begin | {self.cancel: gr.update(interactive=busy)}

    def _progress(self, news: Progress) -> dict[Any, Any]:
        told = {self.status: status(news.told, share=news.share)}
        if not news.previews:
            return told
        return told | {self.gallery: gr.update(value=previews_of(news), selected_index=None, visible=True)}

    def _drawn(self, news: Drawn, request: gr.Request) -> dict[Any, Any]:
        count = f"{len(news.made)} pictures are" if len(news.made) > 1 else "The picture is"
        pictures = [(file_of(made, "png"), caption(made.shown)) for made in news.made]
        return {
            self.results: news.made,
            self.status: status(" ".join(filter(None, [f"{count} drawn.", news.remark]))),
            self.gallery: gr.update(value=pictures, selected_index=None, visible=True),
            self._page.shown: news.made[0].shown,
        } | self.details.update(news.made[0], request)

    def _chosen(self, made: tuple[Made, ...], event: gr.SelectData, request: gr.Request) -> dict[Any, Any]:
        if not isinstance(event.index, int) or event.index >= len(made):
            return {self._page.shown: gr.skip()}
        return {self._page.shown: made[event.index].shown} | self.details.update(made[event.index], request)


class Create:
    """The tab.

    Args:
        page: what tabs share.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        with gr.Row(equal_height=False):
            with gr.Column(scale=2, min_width=300):
                self.form = Form(page.able, prompt=_EXAMPLE)
                with gr.Row():
                    draw = gr.Button("Draw", variant="primary", min_width=100)
                    cancel = gr.Button("Cancel", variant="stop", interactive=False, min_width=100)
            with gr.Column(scale=3, min_width=300):
                self.easel = Easel(page, ready=_READY, name="create")
                reuse = gr.Button("Use this seed", size="sm")
        self.easel.wire([draw], cancel)
        gr.on(
            [draw.click, self.form.prompt.submit],
            self._draw,
            [page.key, *self.form.inputs],
            self.easel.outputs,
            **QUIET,
        )
        reuse.click(_seed_of, page.shown, self.form.seed, **QUIET)

    async def _draw(self, request: gr.Request, key: str, *values: Any) -> AsyncIterator[dict[Any, Any]]:
        def wish() -> Wish:
            return Wish(route=Route.GENERATIONS, values=Ask.of(values).body(self._page.studio.model))

        async for update in self.easel.follow(wish, key, request):
            yield update


def _seed_of(shown: Any) -> Any:
    return gr.skip() if shown is None else str(shown.seed)
