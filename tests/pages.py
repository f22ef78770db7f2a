"""HTML as tests look at it."""

from __future__ import annotations

from html.parser import HTMLParser

__all__ = ["Page"]

_VOID = frozenset({"br", "img", "input", "link", "meta"})
_UNSEEN = frozenset({"script", "style", "title"})


class Page(HTMLParser):
    """A page's elements in order, its texts with the element that each is in, and what is wrong with its tags."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        self.faults += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element, and that it is open."""
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last; another one is a fault."""
        if self._open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data: str) -> None:
        """Note a text and the element that it is in."""
        self.texts.append((self._open[-1] if self._open else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of that name."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def told(self) -> str:
        """What a reader sees."""
        return "".join(text for tag, text in self.texts if tag not in _UNSEEN)

    @property
    def headings(self) -> list[int]:
        """The levels of its headings, in order."""
        return [int(name[1]) for name, _ in self.elements if name in ("h1", "h2", "h3", "h4")]
