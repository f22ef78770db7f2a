"""`limner.studio.lab`: each prompt with each seed, in a grid that says which is which."""

from __future__ import annotations

from dataclasses import replace

import pytest

from limner.errors import InvalidRequestError
from limner.studio.lab import Cell, cells_of, changes_told, grid_told
from limner.studio.made import Made


def test_lines_become_rows_and_columns() -> None:
    """The same line twice is one."""
    assert cells_of("a cat\na dog\na cat", "1\n2") == (["a cat", "a dog"], [1, 2])


def test_without_a_seed_all_prompts_get_the_same() -> None:
    """Or there would be nothing to compare."""
    rows, columns = cells_of("a cat\na dog", "")
    assert (len(rows), len(columns)) == (2, 1)


@pytest.mark.parametrize(
    ("prompts", "seeds", "told"),
    [
        ("", "1", "There is no prompt"),
        ("a cat", "x", "must be a whole number"),
        ("a\nb\nc\nd", "1\n2\n3\n4", "at most 12"),
    ],
)
def test_what_makes_no_grid_is_told(prompts: str, seeds: str, told: str) -> None:
    """Before anything is drawn."""
    with pytest.raises(InvalidRequestError, match=told):
        cells_of(prompts, seeds)


def test_every_cell_is_labelled_and_nothing_typed_is_markup(made: Made) -> None:
    """Headings for rows and columns, a text for each picture; what went wrong stands in its cell."""
    rows, columns = ["<b>a cat</b>", "a dog"], [1, 2]
    found: dict[Cell, Made | str] = {
        ("<b>a cat</b>", 1): made,
        ("a dog", 2): "Too many requests are waiting.",
    }
    told = grid_told(rows, columns, found)
    assert '<th scope="col">Seed 2</th>' in told
    assert '<th scope="row">&lt;b&gt;a cat&lt;/b&gt;</th>' in told
    assert 'alt="&lt;b&gt;a cat&lt;/b&gt;, drawn with seed 1"' in told
    assert "<td>Too many requests are waiting.</td>" in told
    assert told.count("<td>Waiting</td>") == 2


def test_the_words_that_changed_are_told(made: Made) -> None:
    """Against the first prompt, at the first seed; one prompt alone has nothing to be compared with."""
    other = replace(made, shown=replace(made.shown, prompt="two dogs"))
    found = {("a dog", 1): other, ("two cats", 1): made}
    told = changes_told(["a dog", "two cats"], [1], found)
    assert "<h3>two cats</h3>" in told
    assert "<b>cats</b>" in told
    assert "0% of the pixels differ" in told
    assert changes_told(["a dog"], [1], found) == ""
