"""`limner.training.scenes.concepts`: the table is right, and a mistake in it is found where it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from limner.errors import DataError
from limner.training.scenes.concepts import COLOURS, CONDITIONS, data_folder, load_concepts
from limner.training.scenes.places import Clutter, load_places
from limner.training.scenes.spec import Vocabulary
from limner.training.scenes.wording import RELATIONS, SIZES
from tests.training.scenes.props import CONCEPTS, PLACES

# Weapons and bombs; what smokes, bleeds or buries; alcohol; gestures; religion; what else research ruled out.
EXCLUDED = frozenset(
    """
    1f52b 1f52a 1f5e1 2694 1f4a3 1f3f9 1fa93 26cf 2692 1f93a 1f977
    1fa78 1f489 1f6ac 26b0 26b1 1faa6 1f480 2620
    1f376 1f37e 1f377 1f378 1f379 1f37a 1f37b 1f942 1f943
    1f595 1f918 1f3b0 1f3e9 1f459 1fa72 1f930 1fac3 1fac4 1f931
    26ea 1f54c 1f6d5 1f54d 26e9 1f54b 1f492 1f4ff 1f9ff 1faac 271d 2626 262a 2721 1f54e 1f549 1fa94
    """.split()  # noqa: SIM905
)
ROW = "a1,dog,dogs,puppy|hound,,animal,3,ground|indoor,,left,full,1,0"


def test_the_vocabulary_is_as_large_as_promised(real: Vocabulary) -> None:
    """600 things or more, 25 places, seven conditions, twelve colours, 14 relations, counts to five, three styles."""
    assert len(real.concepts) >= 600
    assert len(real.places) >= 25
    assert len({place.name for place in real.places if place.setting == "indoor"}) >= 5
    assert len(COLOURS) == 12
    wording = real.wording
    assert (set(wording.conditions), set(wording.relations)) == (set(CONDITIONS), set(RELATIONS))
    assert len(RELATIONS) >= 14
    assert (max(wording.numbers), set(wording.sizes), len(wording.styles)) == (5, set(SIZES), 3)


def test_what_must_not_be_drawn_has_no_row(real: Vocabulary) -> None:
    """No weapons, blood, cigarettes, alcohol, coffins, gestures, nor what is holy to somebody."""
    listed = {concept.codepoint.removesuffix("-fe0f") for concept in real.concepts}
    listed |= {item.codepoint.removesuffix("-fe0f") for place in real.places for item in place.clutter}
    assert listed & EXCLUDED == set()


def test_the_shipped_models_vocabulary_is_kept(shipped: Vocabulary) -> None:
    """What limner-1 was taught stays as it was: 165 things, ten places, four conditions, nine relations."""
    wording = shipped.wording
    counts = [
        len(table) for table in (shipped.concepts, shipped.places, wording.conditions, wording.relations)
    ]
    assert counts == [165, 10, 4, 9]
    assert (max(wording.numbers), wording.sizes, list(wording.styles)) == (4, {}, ["3d"])


def test_an_unknown_vocabulary_is_an_error() -> None:
    """The error names it, and the file that is missing."""
    with pytest.raises(DataError, match=r"there is no vocabulary 'limner-0': .*concepts\.csv"):
        data_folder("limner-0")


def test_no_adjective_repeats_what_a_name_says(real: Vocabulary) -> None:
    """Nobody says "a wooden wooden door", and what can be painted has no colour of its own in words."""
    for concept in real.concepts:
        words = {word for name in concept.names for word in name.split()}
        assert not words & set(concept.looks), concept.noun
        assert not (concept.recolour and set(concept.looks) & set(COLOURS)), concept.noun


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
        (ROW.replace("full", "half"), "body cannot be 'half'"),
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
        PLACES.replace('setting = "outdoor"', 'setting = "moon"', 1),
        PLACES.replace('"boards"', '"carpet"'),
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
