"""A line over the epochs, drawn as SVG inside the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from limner.report.markup import Html, tag

__all__ = ["Line", "line_chart"]

_WIDTH, _HEIGHT = 420, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 14, 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What is drawn.

    Attributes:
        title: what the line is.
        points: (epoch, value) in order.
        marks: levels to compare with, by name.
        top: the largest value on the axis; the least is 0.
    """

    title: str
    points: Sequence[tuple[int, float]]
    marks: Mapping[str, float]
    top: float


def line_chart(line: Line) -> Html:
    """The line with its axis and its levels; the same numbers stand in a table beside it."""
    last = max(1, line.points[-1][0])
    places = [(_x(epoch, last), _y(value, line.top)) for epoch, value in line.points]
    path = tag("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places), class_="line")
    dots = [tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=3, class_="dot") for x, y in places]
    (_, first), (epoch, value) = line.points[0], line.points[-1]
    told = f"{line.title} by epoch: {first:.2f} at first, {value:.2f} after epoch {epoch}."
    drawing = tag(
        "svg",
        *_axis(line.top, last),
        *(_mark(name, level, line.top) for name, level in line.marks.items()),
        path,
        *dots,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=told,
    )
    return tag("figure", drawing, tag("figcaption", told), class_="chart")


def _x(epoch: float, last: int) -> float:
    return _LEFT + epoch / last * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float, top: float) -> float:
    return _TOP + (1 - value / top) * (_HEIGHT - _TOP - _BOTTOM)


def _axis(top: float, last: int) -> list[Html]:
    low, high = _y(0, top), _y(top, top)
    return [
        tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=low, y2=low, class_="axis"),
        tag("line", x1=_LEFT, x2=_LEFT, y1=low, y2=high, class_="axis"),
        tag("text", f"{top:g}", x=_LEFT - 6, y=high + 4, text_anchor="end"),
        tag("text", "0", x=_LEFT - 6, y=low + 4, text_anchor="end"),
        tag("text", f"epoch {last}", x=_WIDTH - _RIGHT, y=_HEIGHT - 8, text_anchor="end"),
        tag("text", "0", x=_LEFT, y=_HEIGHT - 8, text_anchor="middle"),
    ]


def _mark(name: str, level: float, top: float) -> Html:
    y = f"{_y(level, top):.1f}"
    # In the middle: the line begins and ends near the levels that it is compared with.
    told = tag("text", f"{name} {level:.2f}", x=_WIDTH // 2, y=float(y) - 4, text_anchor="middle")
    return tag("g", tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="mark"), told)
