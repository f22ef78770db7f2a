"""A theatre in small: a folder of procedural sprites, a table of twenty things and seven places."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from PIL import Image, ImageDraw

from limner.training.scenes.art import FLUENT_3D, FLUENT_FLAT, NOTO
from limner.training.scenes.concepts import data_folder

__all__ = ["CONCEPTS", "PLACES", "build_art", "build_data"]

CONCEPTS = """\
codepoint,noun,plural,synonyms,also,group,size,support,when,facing,body,recolour,own_ground
a1,dog,dogs,puppy|hound,,animal,3,ground|indoor,,left,full,1,0
a2,mouse,mice,,,animal,1,ground|indoor,,left,full,0,0
a3,tiger,tigers,,,animal,4,ground,,left,full,0,0
a4,unicorn,unicorns,,,animal,3,ground,,left,full,0,0
a5,duck,ducks,,,bird,2,water|ground,,left,full,0,0
b1,apple,apples,,,food,1,ground|indoor,,front,full,1,0
b2,fries,fries,,,food,1,ground|indoor,,front,full,0,0
c1,ball,balls,,,sport,1,ground|indoor,,front,full,1,0
c2,balloon,balloons,,,toy,2,sky,,front,full,1,0
d1,chair,chairs,,,furniture,3,ground|indoor,,front,full,1,0
d2,sofa,sofas,couch,,furniture,4,indoor,,front,full,0,0
e1,house,houses,cottage,,building,5,ground,,front,full,0,1
e2,tree,trees,,,plant,5,ground,,front,full,0,0
f1,car,cars,,,vehicle,4,ground,,left,full,1,0
f2,airplane,airplanes,jet,,vehicle,4,sky,,right,full,0,0
f3,boat,boats,,,vehicle,4,water,,left,full,0,1
f4,ufo,ufos,,,vehicle,3,sky,,front,full,0,0
g1-fe0f,fish,fish,,,sea,2,underwater,,left,full,1,0
g2,shark,sharks,,,sea,4,underwater,,left,full,0,0
g3,crab,crabs,,,sea,2,ground|underwater,,front,full,0,0
"""

PLACES = """\
[park]
phrases = ["in the park", "at the park"]
setting = "outdoor"
horizon = 128
ground = ["#7cc85a", "#4f9e37"]
hills = "#8fd06c"
clutter = [{ codepoint = "e2", px = 96, foot = 160, most = 2 }]

[beach]
phrases = ["on the beach"]
setting = "outdoor"
horizon = 112
ground = ["#f6dfa0", "#e6bd77"]
water = ["#2f9fe0", "#5cc3ee"]

[city]
phrases = ["in the city"]
setting = "outdoor"
horizon = 160
ground = ["#6a6d78", "#4b4d57"]
fittings = ["road"]

[farm]
phrases = ["on the farm"]
setting = "outdoor"
horizon = 128
ground = ["#c6c25a", "#94a03c"]
fittings = ["furrows"]

[sea]
phrases = ["on the sea", "at sea"]
setting = "sea"
horizon = 112
ground = ["#2a8fd6", "#1667ad"]

[underwater]
phrases = ["under water"]
setting = "underwater"
horizon = 208
ground = ["#d9c48a", "#b89a5e"]

[room]
phrases = ["in a room"]
setting = "indoor"
horizon = 160
ground = ["#c08a58", "#9c6a40"]
fittings = ["boards", "skirting", "window"]
"""

# The other artist draws the same in another colour, and four times as large.
_DRAWING = '<path fill="#1f8f4f" d="M4 28 L16 4 L28 28 Z"/>'
_OTHER = '<path fill="#c03060" d="M16 112 L64 16 L112 112 Z"/>'
_LACKING = "a3"
_SHAPES = ("circle", "square", "triangle", "pole")
_SKY = ("2600", "1f319", "2601")


def build_art(folder: Path) -> Path:
    """Fill `folder` like `fetch_art` does: a sprite for every codepoint, the list of those allowed, another artist.

    The other artist has no tiger.
    """
    assets, listed, other = (
        folder / package.folder / "package" for package in (FLUENT_3D, FLUENT_FLAT, NOTO)
    )
    (assets / "assets").mkdir(parents=True)
    listed.mkdir(parents=True)
    other.mkdir(parents=True)
    codepoints = [line.partition(",")[0] for line in CONCEPTS.splitlines()[1:]]
    sky = ["2600-fe0f", "1f319", "2601-fe0f"]
    for number, codepoint in enumerate([*codepoints, *sky]):
        sprite = _sprite(_SHAPES[number % len(_SHAPES)], (30 + 40 * (number % 6), 200 - 9 * number, 60, 255))
        sprite.save(assets / "assets" / f"{codepoint}.webp", lossless=True)
    names = {codepoint.removesuffix("-fe0f"): "a name" for codepoint in [*codepoints, *_SKY]}
    _pack(listed, names, _DRAWING, 32)
    _pack(other, {codepoint: name for codepoint, name in names.items() if codepoint != _LACKING}, _OTHER, 128)
    return folder


def _pack(package: Path, names: dict[str, str], body: str, side: int) -> None:
    """A package of drawings that all look alike."""
    (package / "chars.json").write_text(json.dumps(names), encoding="utf-8")
    icons = {"icons": {"a name": {"body": body}}, "width": side, "height": side}
    (package / "icons.json").write_text(json.dumps(icons), encoding="utf-8")


def _sprite(shape: str, colour: tuple[int, int, int, int]) -> Image.Image:
    """64 x 64 with a transparent margin of 8; the triangle leans, so that its mirror image differs."""
    image = Image.new("RGBA", (64, 64))
    draw = ImageDraw.Draw(image)
    match shape:
        case "circle":
            draw.ellipse((8, 8, 55, 55), fill=colour)
        case "square":
            draw.rectangle((8, 8, 55, 55), fill=colour)
        case "triangle":
            draw.polygon(((8, 8), (8, 55), (55, 55)), fill=colour)
        case _:
            draw.rectangle((24, 8, 39, 55), fill=colour)
    return image


def build_data(folder: Path) -> Path:
    """Write the table, the places and the project's own wordings into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "concepts.csv").write_text(CONCEPTS, encoding="utf-8")
    (folder / "places.toml").write_text(PLACES, encoding="utf-8")
    shutil.copy(data_folder() / "wording.toml", folder)
    return folder
