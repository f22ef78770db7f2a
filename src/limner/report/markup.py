"""HTML that is well-formed and escaped because there is no other way to write it.

Text becomes `Html` only through `tag`, which escapes it; `Html` inside `Html` stays as it is.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

__all__ = ["Html", "joined", "tag"]

_VOID = frozenset({"br", "img", "input", "link", "meta"})


class Html(str):
    """Markup: a string that must not be escaped again."""

    __slots__ = ()


def tag(name: str, /, *content: str, **attributes: str | float | bool | None) -> Html:
    """One element.

    Args:
        name: of the element.
        content: what is in it, in order; everything that is not `Html` is escaped.
        attributes: `class_` is class and `aria_label` is aria-label; True is the name alone, None and False
            leave it out; all other values are escaped.
    """
    opening = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    return Html(opening if name in _VOID else f"{opening}{joined(content)}</{name}>")


def joined(content: Iterable[str]) -> Html:
    """One piece after the other; everything that is not `Html` is escaped."""
    return Html("".join(piece if isinstance(piece, Html) else html.escape(piece) for piece in content))


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
