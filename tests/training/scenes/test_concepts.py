"""`limner.training.scenes.concepts`: the table is right, and a mistake in it is found where it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from limner.errors import DataError
from limner.training.scenes.concepts import COLOURS, CONDITIONS, Clutter, load_concepts, load_places
from limner.training.scenes.spec import RELATIONS, Vocabulary
from tests.training.scenes.props import CONCEPTS, PLACES

ROW = "a1,dog,dogs,puppy|hound,,animal,3,ground|indoor,,left,full,1,0"


def test_the_vocabulary_is_as_large_as_promised(real: Vocabulary) -> None:
    """150 things or more, ten places, four conditions, twelve colours, eight relations or more."""
    assert len(real.concepts) >= 150
    assert len(real.places) == 10
    assert len(CONDITIONS) == 4
    assert len(COLOURS) == 12
    assert len(RELATIONS) >= 8


def test_no_word_names_two_things(real: Vocabulary) -> None:
    """Nouns and synonyms are unique; the plural that the table gives is nobody else's singular."""
    words = Counter(word for concept in real.concepts for word in concept.names)
    assert [word for word, count in words.items() if count > 1] == []
    assert len({concept.codepoint for concept in real.concepts}) == len(real.concepts)
    for concept in real.concepts:
        assert words[concept.plural] == 0 or concept.plural in concept.names


def test_no_two_places_share_a_phrase(real: Vocabulary) -> None:
    """A phrase says where a scene is set."""
    phrases = [phrase for place in real.places for phrase in place.phrases]
    assert len(phrases) == len(set(phrases))


@pytest.mark.parametrize(
    ("wrong", "column"),
    [
        (ROW.replace(",3,", ",6,"), "size cannot be '6'"),
        (ROW.replace("ground|indoor", "ground|moon"), "support cannot be 'ground|moon'"),
        (ROW.replace("indoor,,", "indoor,noon,"), "when cannot be 'noon'"),
        (ROW.replace("left", "up"), "facing cannot be 'up'"),
        (ROW.replace(",1,0", ",yes,0"), "recolour cannot be 'yes'"),
        (ROW.replace(",dogs,", ",,"), "plural is empty"),
        ("a1,dog,dogs", "synonyms is empty"),
        (ROW.replace("puppy", "mouse"), "noun: 'mouse' names 'dog' already"),
    ],
)
def test_a_wrong_row_is_found(tmp_path: Path, wrong: str, column: str) -> None:
    """The error names the file, the line and the column, and what is wrong there."""
    path = tmp_path / "concepts.csv"
    path.write_text(CONCEPTS.replace(ROW, wrong), encoding="utf-8")
    line = 3 if "already" in column else 2
    with pytest.raises(DataError) as caught:
        load_concepts(path)
    assert f"{path}, line {line}: column {column}" in str(caught.value)


def test_a_missing_column_is_found(tmp_path: Path) -> None:
    """A table without a column is refused at its first line."""
    path = tmp_path / "concepts.csv"
    path.write_text(CONCEPTS.replace("facing", "looking"), encoding="utf-8")
    with pytest.raises(DataError, match="line 1: there is no column facing; add it"):
        load_concepts(path)


def test_a_table_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Bytes that are not UTF-8, and a missing file, are errors that name the file."""
    path = tmp_path / "concepts.csv"
    for prepare in (lambda: None, lambda: path.write_bytes(b"\xff\xfe\x00")):
        prepare()
        with pytest.raises(DataError, match=r"cannot read the concept table .*concepts\.csv"):
            load_concepts(path)


def test_places_are_read_with_their_clutter(tmp_path: Path) -> None:
    """Lists become tuples, and clutter has fields."""
    path = tmp_path / "places.toml"
    path.write_text(PLACES, encoding="utf-8")
    park = load_places(path)[0]
    assert park.name == "park"
    assert park.phrases == ("in the park", "at the park")
    assert park.clutter == (Clutter(codepoint="e2", px=96, foot=160, most=2),)


@pytest.mark.parametrize(
    "wrong",
    [
        PLACES.replace("horizon", "skyline", 1),
        PLACES.replace('setting = "outdoor"', 'setting = "space"', 1),
        PLACES.replace("foot = 160", "feet = 160"),
        "[park",
    ],
)
def test_wrong_places_are_refused(tmp_path: Path, wrong: str) -> None:
    """Unknown fields, unknown settings and broken TOML are errors that name the file."""
    path = tmp_path / "places.toml"
    path.write_text(wrong, encoding="utf-8")
    with pytest.raises(DataError, match=r"cannot read the places in .*places\.toml"):
        load_places(path)
