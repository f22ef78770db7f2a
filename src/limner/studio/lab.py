"""The tab in which prompts and seeds are compared, side by side."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, TypeAlias

import anyio.to_thread
import gradio as gr

from limner.errors import InvalidRequestError
from limner.report.drawings import heat_map, place, small
from limner.report.markup import Html, joined, tag
from limner.server.contract.field import Route
from limner.studio.asking import Ask, lines, whole
from limner.studio.compare import Change, WordChange, change_of
from limner.studio.drawing import Drawn, Wish, sentence
from limner.studio.made import Made
from limner.studio.parts import QUIET, Page, status
from limner.studio.visitor import Visitor
from limner.types import Pixels

__all__ = ["Cell", "Lab", "cells_of", "changes_told", "grid_told"]

Cell: TypeAlias = tuple[str, int]
"""A prompt and a seed."""

_MOST = 12
_PROMPTS = "A cute puppy playing with a ball in the park\nA cute kitten playing with a ball in the park"
_READY = "One prompt or several, one seed or several: each is drawn with each."


def cells_of(prompts: str, seeds: str) -> tuple[list[str], list[int]]:
    """The rows and the columns of the grid.

    Args:
        prompts: one a line.
        seeds: one a line; none is any one, the same for all prompts.

    Raises:
        InvalidRequestError: there is no prompt, a seed is none, or they are too many together.
    """
    rows = list(dict.fromkeys(lines(prompts)))
    columns = list(dict.fromkeys(whole(line, "seed") for line in lines(seeds))) or [secrets.randbits(32)]
    if not rows:
        raise InvalidRequestError("There is no prompt: write one a line.", param="prompt")
    if len(rows) * len(columns) > _MOST:
        raise InvalidRequestError(
            f"{len(rows)} prompts with {len(columns)} seeds are {len(rows) * len(columns)} pictures: "
            f"at most {_MOST} are drawn at a time.",
            param="n",
        )
    return rows, columns


class Lab:
    """The tab.

    Args:
        page: what tabs share.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        able = page.able
        with gr.Row():
            self.prompts = gr.Textbox(_PROMPTS, label="Prompts", info="One a line.", lines=3, min_width=300)
            seeds = gr.Textbox(
                "1", label="Seeds", info="One a line; empty is any one.", lines=3, min_width=160
            )
        with gr.Row():
            steps = gr.Slider(1, max(100, able.default_steps), able.default_steps, step=1, label="Steps")
            guidance = gr.Slider(
                1, max(20, able.default_guidance), able.default_guidance, step=0.1, label="Guidance"
            )
        with gr.Row():
            self._draw = gr.Button("Draw the grid", variant="primary", min_width=100)
            self._cancel = gr.Button("Cancel", variant="stop", interactive=False, min_width=100)
        self._status = gr.HTML(status(_READY), elem_id="lab-status")
        self._grid = gr.HTML("", elem_id="lab-grid")
        self._changes = gr.HTML("", elem_id="lab-changes")
        outputs = [self._draw, self._cancel, self._status, self._grid, self._changes]
        self._draw.click(self._drawn, [page.key, self.prompts, seeds, steps, guidance], outputs, **QUIET)
        page.cancels(self._cancel, self._status)

    async def _drawn(
        self, request: gr.Request, key: str, prompts: str, seeds: str, steps: float, guidance: float
    ) -> AsyncIterator[dict[Any, Any]]:
        yield {
            self._draw: gr.update(interactive=False),
            self._cancel: gr.update(interactive=True),
            self._changes: "",
        }
        last: dict[Any, Any]
        try:
            visitor = self._page.visitor(request, key)
            rows, columns = cells_of(prompts, seeds)
            async for found in self._filled(visitor, rows, columns, Ask(steps=steps, guidance=guidance)):
                yield await anyio.to_thread.run_sync(self._told, rows, columns, found)
            last = {self._changes: await anyio.to_thread.run_sync(changes_told, rows, columns, found)}
        except Exception as error:  # noqa: BLE001  told in a sentence, and logged
            last = {self._status: status(sentence(error), bad=True)}
        # Once: of two answers close behind each other Gradio's page may lose what the first one shows.
        yield last | {self._draw: gr.update(interactive=True), self._cancel: gr.update(interactive=False)}

    def _told(
        self, rows: Sequence[str], columns: Sequence[int], found: Mapping[Cell, Made | str]
    ) -> dict[Any, Any]:
        done, every = len(found), len(rows) * len(columns)
        told = f"{done} of {every} pictures are drawn." if done < every else "The grid is drawn."
        return {
            self._status: status(told, share=done / every if done < every else None),
            self._grid: grid_told(rows, columns, found),
        }

    async def _filled(
        self, visitor: Visitor, rows: Sequence[str], columns: Sequence[int], ask: Ask
    ) -> AsyncIterator[dict[Cell, Made | str]]:
        """All cells at once, so that they are drawn in company; the grid as it fills."""
        found: dict[Cell, Made | str] = {}

        async def fill(prompt: str, seed: int) -> None:
            asked = Ask(prompt=prompt, seed=str(seed), steps=ask.steps, guidance=ask.guidance)
            values = asked.body(self._page.studio.model)
            # Only these tell which word changed which pixels; pictures with a trace are drawn by themselves.
            traced = seed == columns[0] and prompt != rows[0]
            wish = Wish(route=Route.GENERATIONS, values=values, traced=traced)
            try:
                async for news in self._page.studio.draw(visitor, wish):
                    if isinstance(news, Drawn):
                        found[prompt, seed] = news.made[0]
            except Exception as error:  # noqa: BLE001  told in the cell
                found[prompt, seed] = sentence(error)

        tasks = [asyncio.create_task(fill(prompt, seed)) for prompt in rows for seed in columns]
        try:
            yield found
            for task in asyncio.as_completed(tasks):
                await task
                yield found
        finally:
            for task in tasks:
                task.cancel()


def grid_told(rows: Sequence[str], columns: Sequence[int], found: Mapping[Cell, Made | str]) -> Html:
    """The pictures as a table: a row for each prompt, a column for each seed."""
    heads = [tag("td"), *(tag("th", f"Seed {seed}", scope="col") for seed in columns)]
    body = [
        tag("tr", tag("th", prompt, scope="row"), *(_cell((prompt, seed), found) for seed in columns))
        for prompt in rows
    ]
    table = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *body))
    return tag("div", table, class_="grid", tabindex=0, role="group", aria_label="The grid of pictures")


def _cell(cell: Cell, found: Mapping[Cell, Made | str]) -> Html:
    match found.get(cell):
        case None:
            return tag("td", "Waiting")
        case str(told):
            return tag("td", told)
        case made:
            prompt, seed = cell
            pixels_HWC = made.shown.picture.pixels_HWC
            return tag("td", tag("img", src=small(pixels_HWC), alt=f"{prompt}, drawn with seed {seed}"))


def changes_told(rows: Sequence[str], columns: Sequence[int], found: Mapping[Cell, Made | str]) -> Html:
    """What each further prompt changed in the first one's picture, at the first seed."""
    first = found.get((rows[0], columns[0]))
    sections = []
    for prompt in rows[1:]:
        second = found.get((prompt, columns[0]))
        if isinstance(first, Made) and isinstance(second, Made):
            change = change_of(first.shown, second.shown)
            sections.append(_section(prompt, second.shown.picture.pixels_HWC, change))
    if not sections:
        return Html("")
    title = tag("h2", f"Which words changed which pixels, at seed {columns[0]}")
    return joined([title, *sections])


def _section(prompt: str, pixels_HWC: Pixels, change: Change) -> Html:
    told = f"{change.share:.0%} of the pixels differ visibly from the first prompt's picture."
    figures = [
        _figure("All that changed", heat_map(pixels_HWC, change.difference_HW), "the stronger the colour")
    ]
    figures += [_figure(word.word, heat_map(pixels_HWC, word.map_hw), _where(word)) for word in change.words]
    return tag("section", tag("h3", prompt), tag("p", told), tag("ul", *figures, class_="words"))


def _where(word: WordChange) -> str:
    return f"drew most at the {place(word.map_hw)}; there it changed {word.times:.1f} times as much as on average"


def _figure(title: str, image: str, told: str) -> Html:
    picture = tag("img", src=image, alt=f"Map of {title}: {told}.", width=128, height=128)
    return tag("li", tag("figure", picture, tag("figcaption", tag("b", title), ": ", told)))
