"""A prediction trace for people: the three layers, a table of steps, a small map for each word.

Axes in names: h, w the map's grid.
"""

from __future__ import annotations

from rich.columns import Columns
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from limner.imaging.picture import Picture
from limner.types import Floats, Swap, Trace

__all__ = ["tell_trace"]

_SHADES = " ░▒▓█"
_NUMBERS = 6
_PROMPT = 300


def tell_trace(picture: Picture) -> None:
    """Print a picture's trace to stdout."""
    trace = picture.trace
    if trace is None:
        return
    console = Console()
    console.print(Panel(_text_encoding(trace), title="1  Text encoding", title_align="left"))
    console.print(Panel(_image_generation(trace), title="2  Image generation", title_align="left"))
    console.print(Panel(_image_decoding(trace), title="3  Image decoding", title_align="left"))


def _text_encoding(trace: Trace) -> Group:
    layer = trace.text_encoding
    prompt, more = layer["prompt"], " ..." if len(layer["prompt"]) > _PROMPT else ""
    numbers = ", ".join(f"{number:+.3f}" for number in layer["vector"][:_NUMBERS])
    lines = [
        Text(f"in   {prompt[:_PROMPT]!r}{more}"),
        Text("     " + " ".join(layer["tokens"]), style="dim"),
        Text(f"out  1 vector of length {layer['shape'][0]}: [{numbers}, ...]   {layer['seconds']:.3f} s"),
    ]
    if layer["unread"]:
        lines.append(Text(f"not read: {layer['unread'][:80]!r}", style="yellow"))
    lines += [Text(f"not as told: {Swap(**swap)}", style="yellow") for swap in layer["swaps"]]
    return Group(*lines)


def _image_generation(trace: Trace) -> Group:
    layer = trace.image_generation
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("step", "t", "noisy picture", "clean picture, as seen"):
        table.add_column(title, justify="right")
    for step in layer["steps"]:
        seen = f"{step['x0_mean']:+.3f} ± {step['x0_std']:.3f}"
        table.add_row(
            str(step["step"] + 1), f"{step['t']:.3f}", f"{step['x_mean']:+.3f} ± {step['x_std']:.3f}", seen
        )
    height, width, channels = layer["shape"]
    facts = f"{layer['sampler']}, guidance {layer['guidance']:g}, seed {layer['seed']}"
    return Group(
        Text(f"in   the vector, the tokens' states, and noise   ({facts})"),
        table,
        Columns([_map(word, map_hw) for word, map_hw in trace.attention.items()], padding=(1, 3)),
        Text(f"out  1 image tensor {height}x{width}x{channels}   {layer['seconds']:.3f} s"),
    )


def _map(word: str, map_hw: Floats) -> Group:
    """Where a word drew: the darker, the more."""
    top = float(map_hw.max())
    rows = [
        "".join(_SHADES[min(len(_SHADES) - 1, int(len(_SHADES) * float(value) / top))] * 2 for value in row_w)
        for row_w in map_hw
    ]
    return Group(Text(word[: 2 * map_hw.shape[1]], style="bold"), *(Text(row) for row in rows))


def _image_decoding(trace: Trace) -> Group:
    layer = trace.image_decoding
    height, width, channels = trace.image_generation["shape"]
    times = f", enlarged {layer['upscaled']} times" if layer["upscaled"] > 1 else ""
    return Group(
        Text(f"in   1 image tensor {height}x{width}x{channels}{times}"),
        Text(f"out  1 {layer['format'].upper()} file of {layer['bytes']:,} bytes   {layer['seconds']:.3f} s"),
        Text(f"     SHA-256 {layer['sha256'][:32]}...", style="dim"),
    )
