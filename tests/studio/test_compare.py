"""`limner.studio.compare`: how much a changed word changed, and where.

Axes in names: H height, W width, C channels; h and w the grid of the attention.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from limner.studio.compare import change_of
from limner.studio.made import Made
from limner.studio.shown import Shown


def repainted(shown: Shown, prompt: str, word: str) -> Shown:
    """The picture with its top left quarter inverted, where a new word drew."""
    pixels_HWC = shown.picture.pixels_HWC.copy()
    pixels_HWC[:128, :128] ^= 0xFF
    map_hw = np.zeros((8, 8), np.float32)
    map_hw[:4, :4] = 1 / 16
    assert shown.picture.trace is not None
    trace = replace(shown.picture.trace, attention={"two": map_hw, word: map_hw})
    return replace(shown, prompt=prompt, picture=replace(shown.picture, pixels_HWC=pixels_HWC, trace=trace))


def test_a_word_that_drew_where_the_picture_changed_is_told(made: Made) -> None:
    """All the change lies in the quarter where it drew: there it is four times the average."""
    change = change_of(made.shown, repainted(made.shown, "two dogs", "dogs"))
    assert [word.word for word in change.words] == ["dogs"]
    assert change.words[0].times == pytest.approx(4.0, rel=1e-5)
    assert 0.2 < change.share <= 0.25
    assert change.difference_HW.shape == (256, 256)


def test_the_same_picture_has_not_changed(made: Made) -> None:
    """And nothing is divided by zero."""
    change = change_of(made.shown, made.shown)
    assert (change.share, change.words) == (0.0, ())


def test_a_picture_without_a_trace_has_no_words(made: Made) -> None:
    """What came out of the history can be compared all the same."""
    bare = replace(made.shown, picture=replace(made.shown.picture, trace=None), prompt="two dogs")
    assert change_of(made.shown, bare).words == ()
