"""`limner.server.contract.sizes`: the sizes of each family, and OpenAI's words for the others."""

from __future__ import annotations

import pytest

from limner.server.contract.fields import FIELDS
from limner.server.contract.sizes import parse_size
from limner.server.errors import ApiError
from tests.server.helpers import MODELS, NAMES

[SIZE] = [field for field in FIELDS if field.name == "size"]


def parse(text: str, family: str, *, strict: bool) -> tuple[int, int] | None:
    """What a size means for a family."""
    model = MODELS.find(NAMES[family])
    assert model is not None
    return parse_size(SIZE, text, model, strict=strict)


@pytest.mark.parametrize(
    ("family", "texts"),
    [
        ("D2", ["256x256", "512x512", "1024x1024"]),
        ("D3", ["1024x1024", "1792x1024", "1024x1792"]),
        ("G1", ["1024x1024", "1536x1024", "1024x1536"]),
        ("G2", ["816x816", "2048x1152", "3840x2160", "2160x3840", "1536x512"]),
    ],
)
def test_documented_sizes_are_taken_in_strict_mode(family: str, texts: list[str]) -> None:
    """Width before height, exactly as written."""
    for text in texts:
        assert parse(text, family, strict=True) == tuple(map(int, text.split("x")))


def test_auto_is_for_the_newer_names() -> None:
    """In strict mode DALL·E does not know it; in lenient mode everybody does."""
    assert parse("auto", "G1", strict=True) is None
    assert parse("auto", "G2", strict=True) is None
    assert parse("auto", "D3", strict=False) is None
    with pytest.raises(ApiError, match="not supported by this model"):
        parse("auto", "D2", strict=True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("big", "Expected WIDTHxHEIGHT, for example '1824x1024'."),
        ("1024 x 1024", "Expected WIDTHxHEIGHT, for example '1824x1024'."),
        ("1024x1024x3", "Expected WIDTHxHEIGHT, for example '1824x1024'."),
        ("0x0", "Expected WIDTHxHEIGHT, for example '1824x1024'."),
        ("800x801", "Width and height must both be divisible by 16."),
        ("3856x2048", "The longest edge must be less than or equal to 3840."),
        ("2048x512", "The aspect ratio must be between 1:3 and 3:1."),
        ("800x800", "Requested resolution is below the current minimum pixel budget."),
        ("3840x3840", "Requested resolution exceeds the current pixel budget."),
    ],
)
def test_free_sizes_have_rules(text: str, complaint: str) -> None:
    """Each broken rule has a sentence; the first one counts."""
    with pytest.raises(ApiError) as caught:
        parse(text, "G2", strict=True)
    error = caught.value
    assert (error.type, error.code, error.param) == ("image_generation_user_error", "invalid_value", "size")
    assert str(error) == f"Invalid size '{text}'. {complaint}"


@pytest.mark.parametrize("family", list(NAMES))
@pytest.mark.parametrize("text", ["16x16", "500x333", "4096x16", "1792x1024"])
def test_lenient_mode_takes_any_size(family: str, text: str) -> None:
    """From 16 to 4096 a side, for every name."""
    assert parse(text, family, strict=False) == tuple(map(int, text.split("x")))


@pytest.mark.parametrize("text", ["15x16", "4097x16", "99999x99999", "-1x5", "١٦x١٦", ""])  # noqa: RUF001  meant
def test_lenient_mode_has_bounds(text: str) -> None:
    """What is too small, too large or not written in digits is refused."""
    with pytest.raises(ApiError, match="Invalid size"):
        parse(text, "D2", strict=False)
