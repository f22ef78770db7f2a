"""The tab with what this browser made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import gradio as gr

from limner.studio.drawing import sentence
from limner.studio.history import Entry
from limner.studio.parts import QUIET, Details, Page, forget_files, kept_file, status

__all__ = ["Past"]

_SHOWN = 60
_KINDS = {"edits": "edit", "variations": "variation"}


class Past:
    """The tab.

    Args:
        page: what tabs share.
        tab: it; what it shows is read when it is opened.
    """

    def __init__(self, page: Page, tab: gr.Tab) -> None:
        self._page = page
        self._entries = gr.State(())
        self._chosen = gr.State("")
        self._status = gr.HTML(status(""), elem_id="history-status")
        self._gallery = gr.Gallery(
            label="What this browser made",
            columns=4,
            object_fit="contain",
            interactive=False,
            visible=False,
            elem_classes="pictures",
            buttons=["fullscreen"],
            elem_id="history-gallery",
        )
        self._details = Details(page)
        with gr.Row():
            self._one = gr.Button("Delete this picture", variant="stop", interactive=False, min_width=140)
            every = gr.Button("Delete all", min_width=140)
        with gr.Row(visible=False) as self._sure:
            sure = gr.Button("Yes, delete all of them", variant="stop", min_width=140)
            keep = gr.Button("No, keep them", min_width=140)
        tab.select(self._opened, page.key, self._outputs, **QUIET)
        self._gallery.select(self._picked, [page.key, self._entries], [page.shown, *self._outputs], **QUIET)
        self._one.click(self._delete, [page.key, self._chosen], self._outputs, **QUIET)
        every.click(lambda: gr.update(visible=True), None, self._sure, **QUIET)
        keep.click(lambda: gr.update(visible=False), None, self._sure, **QUIET)
        sure.click(self._clear, page.key, self._outputs, **QUIET)

    @property
    def _outputs(self) -> list[Any]:
        parts = [self._entries, self._chosen, self._status, self._gallery, self._one, self._sure]
        return [*parts, *self._details.outputs]

    def _opened(self, request: gr.Request, key: str) -> dict[Any, Any]:
        return self._attempt(lambda: self._listed(request, key))

    def _attempt(self, work: Callable[[], dict[Any, Any]]) -> dict[Any, Any]:
        try:
            return work()
        except Exception as error:  # noqa: BLE001  told in a sentence, and logged
            return {self._status: status(sentence(error), bad=True)}

    def _listed(self, request: gr.Request, key: str, remark: str = "") -> dict[Any, Any]:
        visitor = self._page.visitor(request, key)
        entries = self._page.studio.history.entries(visitor.browser, _SHOWN)
        kept = [entry for entry in entries if entry.path.exists()]
        count = f"{len(kept)} pictures" if len(kept) != 1 else "1 picture"
        newest = " (the newest ones)" if len(entries) == _SHOWN else ""
        return {
            self._entries: tuple(kept),
            self._chosen: "",
            self._status: status(" ".join(filter(None, [remark, f"{count}{newest}, kept on this server."]))),
            self._gallery: gr.update(
                value=[_item(entry) for entry in kept], selected_index=None, visible=bool(kept)
            ),
            self._one: gr.update(interactive=False),
            self._sure: gr.update(visible=False),
        } | self._details.update(None, request)

    def _picked(
        self, request: gr.Request, event: gr.SelectData, key: str, entries: tuple[Entry, ...]
    ) -> dict[Any, Any]:
        def pick() -> dict[Any, Any]:
            visitor = self._page.visitor(request, key)
            entry = entries[event.index]
            made = self._page.studio.history.get(visitor.browser, entry.id)
            told = entry.prompt or "A variation, drawn without words"
            return {
                self._page.shown: made.shown,
                self._chosen: entry.id,
                self._status: status(told),
                self._one: gr.update(interactive=True),
            } | self._details.update(made, request)

        return self._attempt(pick)

    def _delete(self, request: gr.Request, key: str, chosen: str) -> dict[Any, Any]:
        def delete() -> dict[Any, Any]:
            visitor = self._page.visitor(request, key)
            self._page.studio.history.delete(visitor.browser, chosen)
            forget_files({chosen})
            return self._listed(request, key, "The picture is deleted.")

        return self._attempt(delete)

    def _clear(self, request: gr.Request, key: str) -> dict[Any, Any]:
        def clear() -> dict[Any, Any]:
            visitor = self._page.visitor(request, key)
            ids = self._page.studio.history.clear(visitor.browser)
            forget_files(set(ids))
            return self._listed(request, key, f"{len(ids)} deleted.")

        return self._attempt(clear)


def _item(entry: Entry) -> tuple[str, str]:
    made_at = datetime.fromtimestamp(entry.made_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    words = " · ".join(filter(None, [_KINDS.get(entry.kind), entry.prompt, entry.told, made_at]))
    return kept_file(entry.path.read_bytes(), f"limner-{entry.seed}-{entry.id}.png"), words
