"""Every family keeps the contract, and draws what diffusers' own pipeline draws.

Axes in names: B batch, C channels, H height, W width (h, w on the latent grid).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from limner.diffusion.noise import noise
from limner.diffusion.rendering import Rendering
from limner.engines.base import Engine
from limner.engines.diffusers import DiffusersEngine
from limner.engines.families import FAMILIES
from limner.engines.stepping import step_together
from limner.errors import InvalidRequestError
from limner.testing import EngineContract, gradients, noisy
from limner.types import Floats, Pixels
from tests.engines import tiny_diffusers as tiny

# Of DPM-Solver in diffusers, with NumPy 2.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword"),
    pytest.mark.usefixtures("one_thread"),
]

LEVELS = 2
"""How far a picture may lie from the pipeline's own, in levels of 255."""
PROMPT = "a red boat"
SHAPE = (4, 8, 8)

MAKERS: dict[str, Callable[[], Any]] = {
    "sd1": tiny.stable_diffusion,
    "sd2": lambda: tiny.stable_diffusion("v_prediction", "trailing"),
    "sdxl": tiny.stable_diffusion_xl,
    "sd3": tiny.stable_diffusion_3,
    "flux-schnell": tiny.flux,
    "pixart-alpha": tiny.pixart_alpha,
    "pixart-sigma": tiny.pixart_sigma,
    "sana": tiny.sana,
    "sana-solver": lambda: tiny.sana(solver=True),
    "z-image": tiny.z_image,
    "qwen-image": tiny.qwen_image,
}


def open_tiny(pipe: Any) -> DiffusersEngine:
    """An engine over a pipeline in memory."""
    return DiffusersEngine("tiny", FAMILIES[type(pipe).__name__](pipe))


@pytest.fixture(scope="module", params=MAKERS)
def opened(request: pytest.FixtureRequest) -> tuple[Engine, Any]:
    """Each family's engine, and the pipeline that it was made of."""
    pipe = MAKERS[request.param]()
    return open_tiny(pipe), pipe


class TestFamilies(EngineContract):
    """The whole contract, on each family."""

    @pytest.fixture(autouse=True)
    def _guidance_of(self, opened: tuple[Engine, Any]) -> None:
        """Qwen-Image brings guided predictions back to a length, which bends the line."""
        self.straight_guidance = type(opened[1]).__name__ != "QwenImagePipeline"

    # Where little of the picture is left in x, a network's rounding is divided by that little.
    rounding = 1e-3
    # The autoencoder is random, and no inverse of itself.
    round_trip_levels = 128.0

    @pytest.fixture
    def engine(self, opened: tuple[Engine, Any]) -> Engine:
        """One family, open."""
        return opened[0]


def begin(engine: Engine, seed: int, steps: int, guidance: float, prompt: str = PROMPT) -> Rendering:
    """A picture at the first of the model's own times, with noise of the size that x has there."""
    times = engine.times(steps)
    t = float(times[0])
    excess = (math.hypot(1.0 - t, t) - t) / (1.0 - t) if t < 1.0 else 0.0
    [features] = engine.encode([prompt])
    return Rendering(
        seed=seed,
        shape=engine.capabilities.latent_shape,
        features=features,
        times=times,
        guidance=guidance,
        source_Chw=np.float32(excess) * noise(seed, engine.capabilities.latent_shape),
    )


def draw(engine: Engine, renderings: Sequence[Rendering]) -> Pixels:
    """Step them together until all are done."""
    while waiting := [rendering for rendering in renderings if not rendering.done]:
        step_together(engine, waiting)
    return engine.decode(np.stack([rendering.x_Chw for rendering in renderings]))


def draw_with_diffusers(pipe: Any, seed: int, steps: int, guidance: float, prompt: str = PROMPT) -> Pixels:
    """The pipeline's own picture from the same noise."""
    latents = torch.from_numpy(noise(seed, SHAPE))[None]
    family = type(pipe).__name__
    told: dict[str, Any] = {"guidance_scale": guidance}
    if family in ("FluxPipeline", "QwenImagePipeline"):
        latents = pipe._pack_latents(latents, 1, *SHAPE)
        if not pipe.transformer.config.guidance_embeds:
            told = {"true_cfg_scale": guidance, "negative_prompt": " " if family[0] == "Q" else ""}
    if family == "ZImagePipeline":
        told = {"guidance_scale": guidance - 1}
    if family in ("FluxPipeline", "QwenImagePipeline", "ZImagePipeline"):
        told |= {"height": 16, "width": 16}
    if family.startswith(("PixArt", "Sana")):
        told |= {"use_resolution_binning": False, "clean_caption": False}
    if "flow_shift" in pipe.scheduler.config:
        # It starts just below pure noise, where noisy pictures are a little smaller.
        pipe.scheduler.set_timesteps(steps)
        t = float(pipe.scheduler.sigmas[0])
        latents = latents * math.hypot(1 - t, t)
    if family == "SanaPipeline":
        told |= {"height": 32, "width": 32}  # looked at by the pipeline, but not by its networks
    [image] = pipe(prompt, latents=latents, num_inference_steps=steps, output_type="np", **told).images
    pixels: Pixels = np.rint(image * 255).astype(np.uint8)
    return pixels


def apart(one: Pixels, other: Pixels) -> int:
    """The largest difference, in levels."""
    return int(np.abs(one.astype(int) - other.astype(int)).max())


def encoded_by_diffusers(vae: Any, unit_BCHW: torch.Tensor) -> Floats:
    """The autoencoder's most likely latents, as the denoisers are used to them."""
    config = vae.config
    with torch.no_grad():
        if "z_dim" in config:
            raw_BChw = vae.encode(unit_BCHW[:, :, None]).latent_dist.mode()[:, :, 0].numpy()
            mean, deviation = (
                np.reshape(each, (4, 1, 1)) for each in (config.latents_mean, config.latents_std)
            )
            normal_BChw: Floats = (raw_BChw - mean) / deviation
            return normal_BChw
        encoded = vae.encode(unit_BCHW)
    raw_BChw = (encoded.latent if hasattr(encoded, "latent") else encoded.latent_dist.mode()).numpy()
    scaled_BChw: Floats = (raw_BChw - (config.get("shift_factor") or 0.0)) * config.scaling_factor
    return scaled_BChw


@pytest.mark.parametrize(("steps", "guidance"), [(5, 1.0), (4, 3.0)])
def test_a_picture_is_the_pipelines_own(opened: tuple[Engine, Any], steps: int, guidance: float) -> None:
    """The same noise, steps and guidance draw what diffusers draws."""
    engine, pipe = opened
    [ours] = draw(engine, [begin(engine, 7, steps, guidance)])
    theirs = draw_with_diffusers(pipe, 7, steps, guidance)
    assert theirs.std() > 10
    assert apart(ours, theirs) <= LEVELS


def test_in_a_mixed_batch_too(opened: tuple[Engine, Any]) -> None:
    """Other prompts, steps and guidances beside it make no difference."""
    engine, pipe = opened
    orders = [(1, 3, 1.0, "a cat"), (7, 5, 2.0, PROMPT), (3, 2, 4.0, "two dogs")]
    drawn = draw(engine, [begin(engine, *order) for order in orders])
    for ours, order in zip(drawn, orders, strict=True):
        assert apart(ours, draw_with_diffusers(pipe, *order)) <= LEVELS


def test_guidance_inside_the_network_is_the_pipelines_own() -> None:
    """FLUX dev is told its guidance, and its schedule depends on the picture's size."""
    pipe = tiny.flux(guidance_inside=True)
    engine = open_tiny(pipe)
    [ours] = draw(engine, [begin(engine, 7, 4, 3.5)])
    assert apart(ours, draw_with_diffusers(pipe, 7, 4, 3.5)) <= LEVELS
    assert apart(ours, draw_with_diffusers(pipe, 7, 4, 9.0)) > LEVELS


def test_guidance_inside_the_network_has_no_negative_prompt() -> None:
    """It is refused by name."""
    engine = open_tiny(tiny.flux(guidance_inside=True))
    rendering = begin(engine, 7, 4, 3.5)
    rendering.features = replace(rendering.features, negative=rendering.features)
    with pytest.raises(InvalidRequestError) as caught:
        step_together(engine, [rendering])
    assert caught.value.param == "negative_prompt"


def test_times_descend_to_zero(opened: tuple[Engine, Any]) -> None:
    """Whatever the number of steps, the model's times are as many and one more, and end in 0."""
    engine, _ = opened
    for steps in (1, 2, 10, 50):
        times = engine.times(steps)
        assert times.shape == (steps + 1,)
        assert times[0] <= 1
        assert times[-1] == 0
        assert (np.diff(times) < 0).all()


def test_pictures_go_through_the_checkpoints_autoencoder(opened: tuple[Engine, Any]) -> None:
    """Latents are the encoder's most likely ones, shifted and scaled as the checkpoint says."""
    engine, pipe = opened
    pixels_BHWC = gradients(engine)
    unit_BCHW = torch.from_numpy(pixels_BHWC.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1)
    expected = encoded_by_diffusers(pipe.vae, unit_BCHW)
    np.testing.assert_allclose(engine.encode_image(pixels_BHWC), expected, atol=1e-5)


def test_attention_is_the_networks_own(opened: tuple[Engine, Any]) -> None:
    """Looking at attention changes no estimate, and other prompts are attended to differently."""
    engine, _ = opened
    x_BChw, t_B, features, guidance_B = noisy(engine)
    before = engine.denoise(x_BChw, t_B, features, guidance_B)
    one, other = engine.attend(x_BChw, t_B, features), engine.attend(x_BChw, t_B, features[::-1])
    np.testing.assert_array_equal(engine.denoise(x_BChw, t_B, features, guidance_B), before)
    assert not np.allclose(one, other, atol=1e-4)
