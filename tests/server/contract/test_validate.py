"""`limner.server.contract.validate`: the order of the checks, names, and what depends on two fields."""

from __future__ import annotations

from typing import Any

import pytest

from limner.server.contract.calls import Call, Part
from limner.server.contract.field import Route
from limner.server.errors import ApiError
from tests.server.helpers import ICON, NAMES, data_url, form, json_body, judge, refused, upload

USER, IMAGE = "invalid_request_error", "image_generation_user_error"
MODES = pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
PICTURES: list[dict[str, Any]] = [{"image_url": data_url(ICON)}]


def generations(*, strict: bool = False, **values: Any) -> Call | ApiError:
    """What becomes of a JSON body on `generations`."""
    body = {"model": "gpt-image-2", "prompt": "a cat"} | values
    return judge(Route.GENERATIONS, json_body(**body), strict=strict)


def accepted(found: Call | ApiError) -> Call:
    """The call, which must not be an error."""
    assert isinstance(found, Call), found
    return found


def error(found: Call | ApiError) -> ApiError:
    """The error, which must not be a call."""
    assert isinstance(found, ApiError), found
    return found


def test_checks_are_made_in_openais_order() -> None:
    """Model, unknown names, prompt, n, quality, compression, size: mend one and the next is told."""
    wrong: dict[str, Any] = {
        "model": "none",
        "what": 1,
        "prompt": "",
        "n": 0,
        "quality": "best",
        "output_compression": 101,
        "size": "1x1",
    }
    right = {"model": "gpt-image-2", "prompt": "a cat"}
    order = []
    for name in list(wrong):
        order.append(error(judge(Route.GENERATIONS, json_body(**wrong), strict=True)).param)
        del wrong[name]
        wrong |= {name: right[name]} if name in right else {}
    assert order == ["model", "what", "prompt", "n", "quality", "output_compression", "size"]


def test_pictures_are_checked_after_the_prompt_and_before_n() -> None:
    """On edits they have their place between."""
    body = {"model": "gpt-image-2", "prompt": "", "images": [], "n": 0}
    assert refused(Route.EDITS, json_body(**body), strict=True).param == "prompt"
    assert refused(Route.EDITS, json_body(**body | {"prompt": "a"}), strict=True).param == "images"
    body |= {"prompt": "a", "images": PICTURES}
    assert refused(Route.EDITS, json_body(**body), strict=True).param == "n"


@MODES
@pytest.mark.parametrize("model", ["", "none", "dall-e-4"])
def test_an_unknown_model_is_a_400_in_both_modes(model: str, *, strict: bool) -> None:
    """Several clients match on "does not exist"."""
    found = error(generations(strict=strict, model=model))
    assert (found.status, found.type, found.code, found.param) == (400, IMAGE, "invalid_value", "model")
    assert str(found) == f"The model '{model}' does not exist."


def test_without_a_model_it_is_dalle_2s_contract() -> None:
    """Old programs name none and expect links; strict mode wants a model, but for edits."""
    call = accepted(judge(Route.GENERATIONS, json_body(prompt="a cat"), strict=False))
    assert (call.model.family, call.response_format, call.size) == ("D2", "url", (1024, 1024))
    edit = json_body(prompt="a cat", images=PICTURES)
    assert accepted(judge(Route.EDITS, edit, strict=True)).model.family == "G1"
    assert accepted(judge(Route.EDITS, edit, strict=False)).model.family == "D2"


@pytest.mark.parametrize(
    ("family", "answer", "size"),
    [
        ("D2", "url", (1024, 1024)),
        ("D3", "url", (1024, 1024)),
        ("G1", "b64_json", None),
        ("G2", "b64_json", None),
    ],
)
def test_families_decide_how_pictures_are_handed_over(
    family: str, answer: str, size: tuple[int, int] | None
) -> None:
    """Unless response_format says otherwise, for any family in lenient mode."""
    call = accepted(generations(model=NAMES[family]))
    assert (call.response_format, call.size) == (answer, size)
    other = {"url": "b64_json", "b64_json": "url"}[answer]
    assert accepted(generations(model=NAMES[family], response_format=other)).response_format == other


def test_unknown_names_are_set_aside_in_lenient_mode() -> None:
    """The call lists them; strict mode refuses the first."""
    call = accepted(generations(cfg_scale=7, metadata={}))
    assert call.set_aside == ("cfg_scale", "metadata")
    found = error(generations(strict=True, cfg_scale=7, metadata={}))
    assert str(found) == "Unknown parameter: 'cfg_scale'."
    assert (found.code, found.param) == ("unknown_parameter", "cfg_scale")


@MODES
@pytest.mark.parametrize("name", ["image", "images", "mask", "markup"])
def test_pictures_are_never_set_aside(name: str, *, strict: bool) -> None:
    """A picture sent to generations would change everything: refused in both modes."""
    assert error(generations(strict=strict, **{name: "x"})).code == "unknown_parameter"


@MODES
def test_each_form_of_an_edit_has_its_own_name_for_pictures(*, strict: bool) -> None:
    """The errors say which."""
    body = json_body(model="gpt-image-2", prompt="a", image="x")
    found = refused(Route.EDITS, body, strict=strict)
    assert (found.code, found.param) == ("invalid_value", "image")
    assert str(found) == (
        "Unknown parameter: 'image'. For application/json on /v1/images/edits, use 'images' (array)."
    )
    sent = form({"model": "gpt-image-2", "prompt": "a"}, ("images", upload()))
    found = refused(Route.EDITS, sent, strict=strict)
    assert (found.code, found.param) == ("invalid_value", "images")
    assert str(found) == "Unknown parameter: 'images'. For multipart/form-data use 'image' or 'image[]'."


@MODES
@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"stream": True, "n": 2}, (USER, "invalid_value", "n")),
        ({"partial_images": 1}, (IMAGE, "unsupported_parameter", "input")),
        ({"background": "transparent"}, (IMAGE, "invalid_value", "background")),
        (
            {"background": "transparent", "output_format": "jpeg"},
            (IMAGE, "invalid_transparent_background_output_format", "background"),
        ),
    ],
)
def test_fields_that_do_not_go_together_are_refused(
    values: dict[str, Any], told: tuple[str, str, str], *, strict: bool
) -> None:
    """In both modes: nothing that helps could be made of them."""
    found = error(generations(strict=strict, **values))
    assert (found.type, found.code, found.param) == told


def test_compression_of_png_is_refused_or_set_aside() -> None:
    """PNG loses nothing: strict mode has OpenAI's error, lenient mode draws and says so."""
    found = error(generations(strict=True, output_compression=50))
    assert (found.type, found.code) == (IMAGE, "invalid_png_output_compression")
    assert accepted(generations(output_compression=50)).set_aside == ("output_compression",)
    assert accepted(generations(output_compression=50, output_format="jpeg")).output_compression == 50


def test_streams_hold_pictures_themselves() -> None:
    """Whatever the family's answers do; a wish for links is set aside."""
    call = accepted(generations(model="dall-e-3", stream=True))
    assert (call.response_format, call.set_aside) == ("b64_json", ())
    call = accepted(generations(stream=True, response_format="url"))
    assert (call.response_format, call.set_aside) == ("b64_json", ("response_format",))


def test_a_safety_identifier_wins_over_a_user() -> None:
    """Unless it is empty."""
    assert accepted(generations(safety_identifier="a", user="b")).safety_identifier == "a"
    assert accepted(generations(safety_identifier="", user="b")).safety_identifier == "b"
    assert accepted(generations(user="")).safety_identifier is None


def test_strict_mode_edits_and_varies_with_dalle_2_only() -> None:
    """DALL·E 3 never edited, and nobody else ever varied."""
    edit = json_body(model="dall-e-3", prompt="a", images=PICTURES)
    assert (
        str(refused(Route.EDITS, edit, strict=True)) == "Invalid value: 'dall-e-3'. Value must be 'dall-e-2'."
    )
    variation = form({"model": "gpt-image-1"}, ("image", upload()))
    assert refused(Route.VARIATIONS, variation, strict=True).param == "model"
    assert isinstance(judge(Route.VARIATIONS, variation, strict=False), Call)


def test_a_variation_has_few_fields() -> None:
    """A prompt is none of them: strict mode refuses it, lenient mode sets it aside."""
    body = form({"prompt": "a", "size": "256x256"}, ("image", upload()))
    assert refused(Route.VARIATIONS, body, strict=True).param == "prompt"
    call = accepted(judge(Route.VARIATIONS, body, strict=False))
    assert (call.prompt, call.set_aside, call.size) == ("", ("prompt",), (256, 256))


def test_text_and_files_are_not_mixed_up() -> None:
    """A file where text is wanted, and text where a file is, are told."""
    found = refused(Route.EDITS, form({"prompt": "a", "image": "cat"}), strict=False)
    assert str(found) == "Invalid type for 'image': expected a file, but got a string instead."
    found = refused(Route.EDITS, form({}, ("prompt", upload()), ("image", upload())), strict=False)
    assert str(found) == "Invalid type for 'prompt': expected a string, but got a file instead."
    found = refused(
        Route.EDITS, form({"prompt": "a"}, ("model", upload()), ("image", upload())), strict=False
    )
    assert (found.code, found.param) == ("invalid_type", "model")


@pytest.mark.parametrize("field", ["image", "image[]", "image[0]", "mask", "model", "n", "n[a]", "stream"])
def test_nothing_that_is_sent_twice_is_lost(field: str) -> None:
    """As text and as a file, or by its own and by a nested name: one of them is wrong, and is told of."""
    both = form(
        {"prompt": "a", "n": "1", field: "1"}, ("image", upload()), (field.partition("[")[0], upload())
    )
    found = refused(Route.EDITS, both, strict=False)
    assert (found.code, found.param) == ("invalid_type", field.partition("[")[0])


def test_there_is_one_mask() -> None:
    """Of two, neither is passed over."""
    two = form({"prompt": "a"}, ("image", upload()), ("mask", upload()), ("mask[]", upload()))
    found = refused(Route.EDITS, two, strict=False)
    assert (found.code, found.param) == ("duplicate_parameter", "mask")


def test_nested_names_of_a_form_belong_to_their_field() -> None:
    """`svg[model]` is svg."""
    body = form({"prompt": "a", "svg[model]": "m"}, ("image", upload()))
    assert accepted(judge(Route.EDITS, body, strict=False)).set_aside == ("svg",)


@MODES
def test_markup_is_refused_by_name(*, strict: bool) -> None:
    """The model cannot read hints drawn onto a picture."""
    body = form({"model": "gpt-image-2.5-flare", "prompt": "a"}, ("image", upload()), ("markup", upload()))
    found = refused(Route.EDITS, body, strict=strict)
    assert (found.code, found.param) == ("unsupported_parameter", "markup")


def test_an_edit_arrives_with_its_pictures() -> None:
    """Field names are kept for later errors."""
    body = form({"prompt": "a"}, ("image", upload()), ("mask", upload()))
    call = accepted(judge(Route.EDITS, body, strict=False))
    assert isinstance(call.picture, Part)
    assert isinstance(call.mask, Part)
    assert (call.picture.param, call.mask.param) == ("image", "mask")
