"""What should the denoiser work on? Three latent spaces, the same network and data, and equal minutes for each.

`python -m bench.latents RUN [MINUTES]` takes judge, captions and examination from a training run's folder. The
minutes include what the latent space itself costs: eigenvectors for principal components, training for a
convolutional autoencoder, nothing for pixels. Each space's pictures go before the judge and onto a sheet.

Axes in names: K scenes, C latent channels, h, w latent grid, H, W pixels.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from bench.results import RESULTS, print_table, write_result
from limner.cli.data import art_folder
from limner.network.autoencoder import AutoencoderConfig, PatchAutoencoder, to_patches
from limner.network.denoiser import Denoiser
from limner.training.cache import CaptionStates, load_array, to_unit
from limner.training.dataset import StreamConfig, compose_many
from limner.training.denoise import DenoiserRun, RunConfig, RunData
from limner.training.device import mixed_precision
from limner.training.evaluate import SamplingConfig, draw, judge_epoch, through_a_file
from limner.training.recipe import Recipe, read_recipe
from limner.training.stages import Workshop, tokenizer_file
from limner.types import EMBEDDING_LENGTH

__all__ = ["main"]

SCENES, HELD_BACK, SHOWN = 6_000, 200, 8
SIDE = 32


class ConvAutoencoder(nn.Module):
    """Five halvings and back: 256 x 256 x 3 <-> 8 x 8 x 192, as many numbers as the principal components."""

    scale: Tensor

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128, 192, 256), channels: int = 192) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(()))
        down: list[nn.Module] = []
        for before, after in zip((3, *widths), widths, strict=False):
            down += [
                nn.Conv2d(before, after, 4, 2, 1),
                nn.SiLU(),
                nn.Conv2d(after, after, 3, 1, 1),
                nn.SiLU(),
            ]
        self.down = nn.Sequential(*down, nn.Conv2d(widths[-1], channels, 1))
        up: list[nn.Module] = [nn.Conv2d(channels, widths[-1], 1)]
        for before, after in zip(widths[::-1], (*widths[-2::-1], 3), strict=True):
            up += [
                nn.SiLU(),
                nn.Conv2d(before, before, 3, 1, 1),
                nn.SiLU(),
                nn.ConvTranspose2d(before, after, 4, 2, 1),
            ]
        self.up = nn.Sequential(*up)

    def encode(self, pixels_BCHW: Tensor) -> Tensor:
        """Pixels from -1 to 1 -> latents of deviation 1."""
        latents: Tensor = self.down(pixels_BCHW) / self.scale
        return latents

    def forward(self, x_BChw: Tensor) -> Tensor:
        """Latents -> pixels."""
        pixels: Tensor = self.up(x_BChw * self.scale)
        return pixels


Space = PatchAutoencoder | ConvAutoencoder


def principal(pictures: NDArray[np.uint8], seconds: float) -> Space:  # noqa: ARG001 (it takes what it takes)
    """192 principal components of each patch."""
    autoencoder = PatchAutoencoder(AutoencoderConfig())
    autoencoder.fit(
        to_patches(to_unit(pictures[k : k + 32]), SIDE).flatten(0, 1) for k in range(0, 2_500, 32)
    )
    return autoencoder


def pixels(pictures: NDArray[np.uint8], seconds: float) -> Space:  # noqa: ARG001 (nothing to do)
    """The 3,072 pixels of each patch as they are, scaled to a deviation of 1."""
    autoencoder = PatchAutoencoder(AutoencoderConfig(channels=3 * SIDE**2))
    autoencoder.basis.copy_(torch.eye(3 * SIDE**2))
    sample = to_patches(to_unit(pictures[:500]), SIDE).flatten(0, 1)
    autoencoder.mean.copy_(sample.mean(0))
    autoencoder.scale.fill_((sample - autoencoder.mean).square().mean().sqrt())
    return autoencoder


def convolutions(pictures: NDArray[np.uint8], seconds: float) -> Space:
    """A convolutional autoencoder that trains for half of the time there is."""
    torch.manual_seed(0)
    autoencoder = ConvAutoencoder()
    autoencoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(autoencoder.parameters(), lr=1e-3, weight_decay=0.0)
    random, began, share = np.random.default_rng(0), time.monotonic(), 0.0
    while share < 1:
        batch = to_unit(pictures[np.sort(random.integers(len(pictures), size=16))])
        batch = batch.contiguous(memory_format=torch.channels_last)
        with mixed_precision(batch.device):
            loss = (autoencoder(autoencoder.encode(batch)) - batch).square().mean()
        optimizer.zero_grad()
        loss.backward()
        share = (time.monotonic() - began) / (seconds / 2)
        optimizer.param_groups[0]["lr"] = 1e-3 * min(1.0, 2.5 * max(0.0, 1 - share))
        optimizer.step()
    with torch.no_grad():
        autoencoder.scale.copy_(autoencoder.encode(to_unit(pictures[:200])).std())
    return autoencoder


SPACES: dict[str, Callable[[NDArray[np.uint8], float], Space]] = {
    "192 principal components": principal,
    "3,072 pixels": pixels,
    "convolutions, 192 channels": convolutions,
}


def main() -> None:
    """Measure, print, and write the result."""
    run = Path(sys.argv[1])
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else 5.0
    recipe = read_recipe(run / "recipe.json")
    pictures = np.stack(
        list(compose_many(StreamConfig(art=art_folder(None), seed=recipe.seed), range(SCENES), 2))
    )
    rows, strips = [], []
    for name, make in SPACES.items():
        row, strip = _try(name, make, pictures, run, minutes * 60)
        rows.append(row)
        strips.append(strip)
    sheet = RESULTS / f"latents-{datetime.now(UTC):%Y-%m-%d}.webp"
    Image.fromarray(np.concatenate(strips)).save(sheet, quality=80)
    path = write_result("latents", {"minutes": minutes, "scenes": SCENES, "spaces": rows})
    print_table([(row["name"], _told(row)) for row in rows])
    print(f"written to {path} and {sheet}")


def _told(row: dict[str, Any]) -> str:
    return (
        f"{row['decibel']:.1f} dB, made in {row['seconds']:.0f} s, {row['steps']} steps, "
        f"judge: loss {row['loss']:.2f}, accuracy {row['accuracy']:.2f}"
    )


def _try(
    name: str, make: Callable[..., Space], pictures: NDArray[np.uint8], run: Path, seconds: float
) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    began = time.monotonic()
    space = make(pictures[HELD_BACK:], seconds).eval()
    made = time.monotonic() - began
    latents = _encode(space, pictures)
    recipe = read_recipe(run / "recipe.json")
    model, steps = _train(recipe, latents[HELD_BACK:], run, seconds - made)
    workshop = _workshop(run, recipe)
    examination = workshop.examination("examination", recipe.examined, held_out=True)
    captions, sampling = CaptionStates.load(run / "held-out"), SamplingConfig(guidance=2.0)
    judge = workshop.judge(load_array(run / "latents.npy"), workshop.autoencoder()[0])
    verdict = judge_epoch(model, space, judge, captions, examination, sampling)  # type: ignore[arg-type]
    with torch.no_grad():
        drawn = through_a_file(space(draw(model, captions, SHOWN, sampling)))
    strip = ((drawn + 1) * 127.5).byte().permute(2, 0, 3, 1).flatten(1, 2).numpy()
    facts = {"seconds": made, "decibel": _decibel(space, pictures[:HELD_BACK]), "steps": steps}
    return {"name": name, **facts, "loss": verdict.loss, "accuracy": verdict.accuracy}, strip


@torch.no_grad()
def _encode(space: Space, pictures: NDArray[np.uint8]) -> NDArray[np.float16]:
    parts = [space.encode(to_unit(pictures[k : k + 50])).half().numpy() for k in range(0, len(pictures), 50)]
    return np.concatenate(parts)


@torch.no_grad()
def _decibel(space: Space, pictures: NDArray[np.uint8]) -> float:
    errors = []
    for k in range(0, len(pictures), 50):
        pixels_BCHW = to_unit(pictures[k : k + 50])
        errors.append((space(space.encode(pixels_BCHW)).clamp(-1, 1) - pixels_BCHW).square().mean())
    return float(-10 * (torch.stack(errors).mean() / 4).log10())


def _train(recipe: Recipe, latents: NDArray[np.float16], run: Path, seconds: float) -> tuple[Denoiser, int]:
    """The recipe's denoiser on these latents, as many steps as fit into the seconds, rates falling to zero."""
    things = load_array(run / "things.npy")[HELD_BACK:SCENES]
    states = _captions_from(CaptionStates.load(run / "states"), HELD_BACK * recipe.wordings)
    data = RunData(
        latents_KChw=latents,
        things_K3hw=things,
        vectors_KV=np.zeros(
            (len(latents), EMBEDDING_LENGTH), np.float16
        ),  # nothing is learned from them here
        states=states,
        wordings=recipe.wordings,
    )
    began = time.monotonic()
    pace = _pace(recipe, data)
    steps = int((seconds - (time.monotonic() - began)) / pace)
    config = replace(recipe.run, epochs=1, epoch_pictures=steps * recipe.run.batch, compile=False)
    with tempfile.TemporaryDirectory() as folder:
        run_ = _begin(recipe, config, data, Path(folder))
        for _ in run_.train_epoch(save_every=1e9):
            pass
    run_.model.load_state_dict(run_.average.weights)
    return run_.model.eval(), steps


def _pace(recipe: Recipe, data: RunData, steps: int = 6) -> float:
    """Median seconds of a step."""
    config = replace(recipe.run, compile=False)
    with tempfile.TemporaryDirectory() as folder:
        records = zip(range(steps), _begin(recipe, config, data, Path(folder)).train_epoch(1e9), strict=False)
        return float(np.median([recipe.run.batch / record["pictures_per_second"] for _, record in records]))


def _begin(recipe: Recipe, config: RunConfig, data: RunData, folder: Path) -> DenoiserRun:
    torch.manual_seed(recipe.seed)
    channels = data.latents_KChw.shape[1]
    model = Denoiser(replace(recipe.denoiser, channels=channels))
    model.deviation.copy_(torch.from_numpy(data.latents_KChw[:500].astype(np.float32).std((0, 2, 3))))
    return DenoiserRun(folder, config, model, data)


def _captions_from(states: CaptionStates, first: int) -> CaptionStates:
    return CaptionStates(
        states_ND=states.states_ND, vectors_MV=states.vectors_MV[first:], start_M=states.start_M[first:]
    )


def _workshop(run: Path, recipe: Recipe) -> Workshop:
    return Workshop(
        folder=run,
        recipe=recipe,
        art=art_folder(None),
        tokenizer=tokenizer_file(),
        workers=2,
        report=lambda *_: None,
    )


if __name__ == "__main__":
    main()
