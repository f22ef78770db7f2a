"""The tab that explains the picture on screen: nine ways into the same run.

From the bottom up: `running` reads the run's numbers, `framing` is what every chapter is framed with, a module for
each chapter makes it HTML, `toy_controls` and `quiz_panel` are what can be used in it, and `page`
lets one of them be chosen. Nothing in here is a drawing of what might happen: all of it is read off the run on
screen, the shipped model's manifest, or computed on the spot with limner's own functions.
"""

from __future__ import annotations

from limner.studio.learn.page import build, pair_chosen

__all__ = ["build", "pair_chosen"]
