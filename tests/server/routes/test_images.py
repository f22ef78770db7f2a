"""The three routes that draw, from body to picture."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

import limner
from limner.imaging.metadata import read_metadata
from limner.imaging.reader import read_pixels
from limner.imaging.resize import fit
from limner.server.contract.schemas import ImagesResponse
from tests.server.helpers import (
    NAMES,
    data_url,
    decoded,
    error_of,
    events_of,
    left_mask,
    noise,
    png,
)

GENERATIONS, EDITS, VARIATIONS = (f"/v1/images/{name}" for name in ("generations", "edits", "variations"))
NEW: dict[str, Any] = {"model": "gpt-image-2", "prompt": "a red boat", "seed": 7}


@pytest.mark.parametrize("family", list(NAMES))
def test_each_family_answers_in_its_way(lenient: TestClient, family: str) -> None:
    """The body is what the OpenAPI document says."""
    answer = lenient.post(GENERATIONS, json=NEW | {"model": NAMES[family], "size": "16x16"})
    assert answer.status_code == 200
    told = ImagesResponse.model_validate(answer.json())
    assert (told.data[0].url is not None) == (family in ("D2", "D3"))
    assert (told.usage is not None) == (family in ("G1", "G2"))


def test_a_picture_is_the_librarys(lenient: TestClient) -> None:
    """Same engine, prompt and seed: the same pixels; the answer's length is announced."""
    answer = lenient.post(GENERATIONS, json=NEW)
    [item] = answer.json()["data"]
    [expected] = limner.load(engine="fake").generate("a red boat", seed=7)
    assert (decoded(item) == expected.pixels_HWC).all()
    assert item["seed"] == 7
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_each_pictures_seed_draws_it_again(lenient: TestClient) -> None:
    """Alone, and at the exact size."""
    first, second = lenient.post(GENERATIONS, json=NEW | {"n": 2, "size": "40x24"}).json()["data"]
    [again] = lenient.post(GENERATIONS, json=NEW | {"seed": second["seed"], "size": "40x24"}).json()["data"]
    assert decoded(first).shape == (24, 40, 3)
    assert again["b64_json"] == second["b64_json"] != first["b64_json"]


@pytest.mark.parametrize("size", ["16x16", "17x333", "1024x1024", "1792x1024"])
def test_sizes_are_exact(lenient: TestClient, size: str) -> None:
    """In the picture and in the answer."""
    answer = lenient.post(GENERATIONS, json=NEW | {"size": size}).json()
    assert answer["size"] == size
    assert "x".join(map(str, decoded(answer["data"][0]).shape[1::-1])) == size


@pytest.mark.parametrize("size", [(1536, 1024), (1024, 1536), (1792, 1024), (1024, 1792)])
def test_wide_and_high_pictures_are_the_librarys(lenient: TestClient, size: tuple[int, int]) -> None:
    """Drawn wide and high, not cut out of a square."""
    answer = lenient.post(GENERATIONS, json=NEW | {"size": "x".join(map(str, size))})
    [item] = answer.json()["data"]
    pipeline = limner.load(engine="fake")
    [expected] = pipeline.generate("a red boat", seed=7, size=size)
    assert (decoded(item) == expected.pixels_HWC).all()
    [square] = pipeline.generate("a red boat", seed=7)
    assert (expected.pixels_HWC != fit(square.pixels_HWC, size)).any()


def test_two_pictures_have_two_links(lenient: TestClient) -> None:
    """Each to its own picture."""
    items = lenient.post(GENERATIONS, json={"prompt": "a cat", "n": 2, "size": "16x16"}).json()["data"]
    files = {lenient.get(item["url"]).content for item in items}
    assert len(files) == len({item["url"] for item in items}) == 2


def test_what_is_set_aside_is_named(lenient: TestClient) -> None:
    """In a header that can carry any name."""
    answer = lenient.post(GENERATIONS, json=NEW | {"size": "16x16", "cfg": 1, "größe": 2, "a\r\nb": 3})
    assert answer.headers["x-limner-ignored"] == "cfg, gr%C3%B6%C3%9Fe, a%0D%0Ab"
    assert "x-limner-ignored" not in lenient.post(GENERATIONS, json=NEW | {"size": "16x16"}).headers


def test_extensions_are_honoured(lenient: TestClient) -> None:
    """Each changes the picture; a trace tells how it came about."""
    plain, *others = (
        lenient.post(GENERATIONS, json=NEW | more | {"size": "16x16"}).json()["data"][0]
        for more in (
            {},
            {"steps": 2},
            {"guidance_scale": 3},
            {"guidance_scale": 3, "negative_prompt": "a tree"},
            {"quality": "high"},
            {"seed": 8},
        )
    )
    assert len({item["b64_json"] for item in (plain, *others)}) == 6
    [traced] = lenient.post(GENERATIONS, json=NEW | {"trace": True, "size": "16x16"}).json()["data"]
    assert traced["b64_json"] == plain["b64_json"]
    assert len(traced["trace"]["image_generation"]["steps"]) == 4


def test_a_prompt_that_is_not_read_to_its_end_is_told(lenient: TestClient) -> None:
    """How many characters were not, in a header, or in a remark of the stream."""
    body = NEW | {"prompt": "cat " * 100, "size": "16x16"}
    unread = lenient.post(GENERATIONS, json=body).headers["x-limner-unread"]
    assert int(unread) > 100
    text = lenient.post(GENERATIONS, json=body | {"stream": True}).text
    assert f": the last {unread} characters of the prompt were not read\n\n" in text


@pytest.mark.parametrize(("file_format", "begins"), [("jpeg", b"\xff\xd8"), ("webp", b"RIFF")])
def test_formats_are_honoured_behind_links(lenient: TestClient, file_format: str, begins: bytes) -> None:
    """The link's path ends as the file's type wants it, and the file is of that type."""
    body = NEW | {"output_format": file_format, "response_format": "url", "size": "16x16"}
    [item] = lenient.post(GENERATIONS, json=body).json()["data"]
    answer = lenient.get(item["url"])
    assert answer.content.startswith(begins)
    assert answer.headers["content-type"] == f"image/{file_format}"
    assert item["url"].partition("?")[0].endswith({"jpeg": ".jpg", "webp": ".webp"}[file_format])


def test_words_that_must_not_be_drawn_are_refused(lenient: TestClient) -> None:
    """With the request's own id."""
    answer = lenient.post(GENERATIONS, json=NEW | {"prompt": "a nude woman, gore and mutilation"})
    assert (answer.status_code, error_of(answer)["code"]) == (400, "moderation_blocked")
    assert answer.headers["x-request-id"] in error_of(answer)["message"]


def test_white_space_is_drawn(lenient: TestClient, strict: TestClient) -> None:
    """OpenAI refuses an empty prompt only; the same for an edit."""
    for client in (lenient, strict):
        body = {"model": "gpt-image-2", "prompt": " \n", "size": "1024x1024", "quality": "low"}
        assert client.post(GENERATIONS, json=body).status_code == 200
    assert edit(lenient, prompt=" ").status_code == 200


def test_a_control_character_is_the_prompts_fault(lenient: TestClient) -> None:
    """What the pipeline refuses is told by its wire name."""
    answer = lenient.post(GENERATIONS, json=NEW | {"prompt": "a\0b"})
    assert (answer.status_code, error_of(answer)["param"]) == (400, "prompt")


def edit(client: TestClient, *, mask: bytes | None = None, picture: bytes | None = None, **texts: str) -> Any:
    """The answer to an edit as a form."""
    files = {"image": ("a.png", picture or png(noise(96, 96)), "image/png")}
    files |= {"mask": ("m.png", mask, "image/png")} if mask else {}
    texts = {"model": "gpt-image-2", "prompt": "a red boat", "seed": "7"} | texts
    return client.post(EDITS, data=texts, files=files)


def test_outside_the_mask_nothing_changes(lenient: TestClient) -> None:
    """To the bit; inside, the picture is another."""
    answer = edit(lenient, mask=left_mask(96, 96)).json()
    assert answer["size"] == "96x96"
    drawn_HWC = decoded(answer["data"][0])
    assert (drawn_HWC[:, 48:] == noise(96, 96)[:, 48:]).all()
    assert (drawn_HWC[:, :48] != noise(96, 96)[:, :48]).mean() > 0.5
    assert answer["usage"]["input_tokens_details"]["image_tokens"] > 0


def test_half_transparent_stays(lenient: TestClient) -> None:
    """Only alpha 0 is painted anew."""
    mask_HW4 = noise(96, 96, 4)
    mask_HW4[..., 3] = 1
    mask_HW4[:10, :10, 3] = 0
    drawn_HWC = decoded(edit(lenient, mask=png(mask_HW4)).json()["data"][0])
    same_HW = (drawn_HWC == noise(96, 96)).all(axis=-1)
    same_HW[:10, :10] = True
    assert same_HW.all()


def test_a_json_edit_is_the_same(lenient: TestClient) -> None:
    """Data URLs in place of files."""
    body = NEW | {
        "images": [{"image_url": data_url(png(noise(96, 96)))}],
        "mask": {"image_url": data_url(left_mask(96, 96))},
    }
    [item] = lenient.post(EDITS, json=body).json()["data"]
    assert item["b64_json"] == edit(lenient, mask=left_mask(96, 96)).json()["data"][0]["b64_json"]


def test_a_transparent_picture_is_dalle_2s_mask(lenient: TestClient) -> None:
    """Drawn anew where it is transparent, and opaque there; the rest stays, at the size that is asked for."""
    picture_HW4 = noise(96, 96, 4)
    picture_HW4[..., 3] = 255
    picture_HW4[:, :48, 3] = 0
    answer = edit(lenient, picture=png(picture_HW4), model="dall-e-2", size="96x96").json()
    drawn_HW4 = read_pixels(lenient.get(answer["data"][0]["url"]).content)
    assert (drawn_HW4[:, 48:, :3] == picture_HW4[:, 48:, :3]).all()
    assert (drawn_HW4[..., 3:] == 255).all()


def test_an_edit_says_that_it_is_one(lenient: TestClient) -> None:
    """In the file's provenance."""
    data = lenient.get(edit(lenient, response_format="url").json()["data"][0]["url"]).content
    assert b"compositeWithTrainedAlgorithmicMedia" in data
    assert read_metadata(data)["seed"] == 7


def test_strength_and_fidelity_keep_more_or_less(lenient: TestClient) -> None:
    """Both decide how far an edit goes from its picture."""
    answers = [
        edit(lenient, strength="0.75"),
        edit(lenient, strength="1"),
        edit(lenient, input_fidelity="high"),
        edit(lenient),
    ]
    assert len({answer.json()["data"][0]["b64_json"] for answer in answers}) == 4


def test_variations_need_a_picture_only(lenient: TestClient, strict: TestClient) -> None:
    """Two of them differ; OpenAI's retired route is served in both modes."""
    square_HW4 = noise(64, 64, 4)
    for client in (lenient, strict):
        files = {"image": ("a.png", png(square_HW4), "image/png")}
        answer = client.post(VARIATIONS, data={"n": "2", "size": "256x256"}, files=files)
        one, other = (client.get(item["url"]).content for item in answer.json()["data"])
        assert one != other
        assert read_pixels(one).shape[:2] == (256, 256)


def stream(client: TestClient, **more: Any) -> list[tuple[str, dict[str, Any]]]:
    """The events of a generation."""
    answer = client.post(GENERATIONS, json=NEW | {"stream": True, "size": "32x32"} | more)
    assert answer.headers["content-type"].startswith("text/event-stream")
    return events_of(answer.text)


@pytest.mark.parametrize("partials", [0, 1, 3])
def test_previews_come_before_the_picture(lenient: TestClient, partials: int) -> None:
    """Numbered from 0, of the same size and format; the last event is the picture."""
    events = stream(lenient, partial_images=partials)
    names = [name for name, _ in events]
    assert names == ["image_generation.partial_image"] * partials + ["image_generation.completed"]
    assert [told["partial_image_index"] for _, told in events[:-1]] == list(range(partials))
    assert all(name == told["type"] for name, told in events)
    assert {decoded(told).shape for _, told in events} == {(32, 32, 3)}
    assert events[-1][1]["usage"]["output_tokens"] == 2 + 100 * partials


def test_a_streamed_picture_is_the_same(lenient: TestClient) -> None:
    """As the one of the plain answer, with its seed."""
    [(_, told)] = stream(lenient)
    [item] = lenient.post(GENERATIONS, json=NEW | {"size": "32x32"}).json()["data"]
    assert (told["b64_json"], told["seed"]) == (item["b64_json"], item["seed"])


def test_an_edit_streams_under_its_own_names(lenient: TestClient) -> None:
    """`image_edit`, with the mask honoured in previews, too."""
    answer = edit(lenient, mask=left_mask(96, 96), stream="true", partial_images="1")
    events = events_of(answer.text)
    assert [name for name, _ in events] == ["image_edit.partial_image", "image_edit.completed"]
    for _, told in events:
        assert (decoded(told)[:, 48:] == noise(96, 96)[:, 48:]).all()


def test_what_is_wrong_before_the_first_byte_is_plain_json(lenient: TestClient) -> None:
    """With its status, though a stream was asked for."""
    answer = lenient.post(GENERATIONS, json=NEW | {"stream": True, "n": 2})
    assert (answer.status_code, error_of(answer)["param"]) == (400, "n")


def test_strict_mode_knows_no_extensions(strict: TestClient) -> None:
    """And answers as OpenAI does where nothing is wrong."""
    answer = strict.post(GENERATIONS, json=NEW)
    assert (answer.status_code, error_of(answer)["code"]) == (400, "unknown_parameter")
    answer = strict.post(GENERATIONS, json={"model": "gpt-image-2", "prompt": "a", "size": "816x816"})
    assert answer.json()["size"] == "816x816"
