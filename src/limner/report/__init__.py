"""A picture's story as one HTML file that asks for nothing from anywhere.

From the bottom up: `markup` makes tags and escapes whatever they hold, `drawings` makes arrays into pictures
inside the page, `parts` is what stages are told with, `encoding`, `generation` and `decoding` tell the three
layers of the prediction, and `page` puts them in order.
"""

from __future__ import annotations

from limner.report.page import report

__all__ = ["report"]
