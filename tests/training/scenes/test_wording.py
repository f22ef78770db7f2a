"""`limner.training.scenes.wording`: the file is read, and what it must not say is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from limner.errors import DataError
from limner.training.scenes.concepts import data_folder
from limner.training.scenes.wording import load_wording

TEXT = (data_folder() / "wording.toml").read_text(encoding="utf-8")


def test_lists_become_tuples_and_numbers_numbers() -> None:
    """What is read cannot be changed, and can be counted with."""
    wording = load_wording(data_folder() / "wording.toml")
    assert wording.numbers[5] == ("five", "5")
    assert wording.conditions["fog"].phrases[0] == "in the fog"
    assert wording.styles["sticker"].told == 1
    assert sum(condition.share for condition in wording.conditions.values()) == pytest.approx(1)
    assert sum(style.share for style in wording.styles.values()) == pytest.approx(1)


def test_no_phrase_has_two_meanings() -> None:
    """Each turn names one relation, one condition or one size."""
    wording = load_wording(data_folder() / "wording.toml")
    said = [
        words for table in (wording.relations, wording.sizes) for some in table.values() for words in some
    ]
    said += [words for condition in wording.conditions.values() for words in condition.phrases]
    assert len(said) == len(set(said))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (TEXT.replace('"holding" =', '"juggling" ='), r"relations can be .*, not \['juggling'\]"),
        (TEXT.replace("[conditions.fog]", "[conditions.hail]"), r"conditions can be .*, not \['hail'\]"),
        (TEXT.replace("[styles.flat]", "[styles.oil]"), r"styles can be .*, not \['oil'\]"),
        (TEXT.replace("telegram = ", "telegraph = "), "telegraph"),
        (TEXT.replace("[numbers]", "[numbers"), "line"),
        (TEXT.replace('5 = ["five", "5"]', 'five = ["5"]'), "five"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, wrong: str, message: str) -> None:
    """The error names the file and what is wrong in it."""
    path = tmp_path / "wording.toml"
    path.write_text(wrong, encoding="utf-8")
    with pytest.raises(DataError, match=rf"cannot read the wordings in .*wording\.toml: .*{message}"):
        load_wording(path)
