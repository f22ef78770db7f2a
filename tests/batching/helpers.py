"""Small real things for the tests of batching: engines to break, listeners that note, loops to drive."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from limner.batching.base import Loop
from limner.batching.events import Event, Failed, Finished, Preview, Queued, Started
from limner.batching.jobs import Job
from limner.batching.loop import DeviceLoop, LoopConfig
from limner.engines.base import Engine, Inpaint
from limner.engines.fake import FakeEngine
from limner.errors import EngineError
from limner.pipeline import Pipeline
from limner.types import Floats, ImageRequest, Pixels, TextFeatures
from tests.clock import Clock

__all__ = ["Ear", "TestEngine", "alone", "ask", "run_dry", "warm"]


_LETTERS = {Queued: "Q", Started: "S", Preview: "P", Finished: "D", Failed: "F"}


class TestEngine(FakeEngine):
    """The fake engine with small pictures, a price in seconds, a memory, and ways to fail.

    A prompt with "poison" fails every batch that it is in; one with "nan" draws NaN.

    Attributes:
        clock: goes on with each step.
        seconds: how far, by the number of places.
        batches: the prompts of each step, in order.
        calls: how many calls of any kind there were.
        fail_at: the numbers of the calls that fail, from 1.
    """

    __test__ = False

    def __init__(self, clock: Clock | None = None, seconds: Callable[[int], float] = lambda _: 1.0) -> None:
        super().__init__()
        self.capabilities = replace(self.capabilities, picture_size=(8, 8))
        self.batches: list[list[str]] = []
        self.calls = 0
        self.fail_at: set[int] = set()
        self.clock = clock or Clock()
        self.seconds = seconds

    def _called(self) -> None:
        self.calls += 1
        if self.calls in self.fail_at:
            raise EngineError(f"call {self.calls} fails")

    def encode(self, prompts: Sequence[str]) -> list[TextFeatures]:
        """As the fake engine."""
        self._called()
        return super().encode(prompts)

    def denoise(
        self,
        x_BChw: Floats,
        t_B: Floats,
        features: Sequence[TextFeatures],
        guidance_B: Floats,
        inpaint: Inpaint | None = None,
    ) -> Floats:
        """As the fake engine, but for poison and NaN; it takes as long as its places cost."""
        self.batches.append([feature.prompt for feature in features])
        self.clock.now += self.seconds(len(x_BChw) + int((guidance_B != 1).sum()))
        self._called()
        if any("poison" in feature.prompt for feature in features):
            raise EngineError("out of memory")
        x0_BChw = super().denoise(x_BChw, t_B, features, guidance_B, inpaint)
        for x0_Chw, feature in zip(x0_BChw, features, strict=True):
            if "nan" in feature.prompt:
                x0_Chw[0, 0, 0] = np.nan
        return x0_BChw

    def decode(self, x0_BChw: Floats) -> Pixels:
        """The latents themselves, as colours."""
        self._called()
        return np.rint(127.5 + 127.5 * x0_BChw.clip(-1.0, 1.0)).astype(np.uint8).transpose(0, 2, 3, 1)


class Ear:
    """A listener that notes what it hears."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        """Note an event."""
        self.events.append(event)

    @property
    def in_order(self) -> bool:
        """What was heard so far is the beginning of one life: places, a start, previews, one end."""
        letters = "".join(_LETTERS[type(event)] for event in self.events)
        return re.fullmatch("Q+(F|(S(P*(D|F)?)?)?)?", letters) is not None

    @property
    def over(self) -> bool:
        """The last event has come."""
        return bool(self.events) and isinstance(self.events[-1], Finished | Failed)

    @property
    def started(self) -> bool:
        """The request was begun."""
        return any(isinstance(event, Started) for event in self.events)

    @property
    def pixels(self) -> list[bytes]:
        """The finished pictures' pixels."""
        last = self.events[-1]
        assert isinstance(last, Finished), last
        return [picture.pixels_HWC.tobytes() for picture in last.pictures]

    @property
    def error(self) -> Exception:
        """Why it failed."""
        last = self.events[-1]
        assert isinstance(last, Failed), last
        return last.error


def warm(engine: TestEngine, config: LoopConfig | None = None) -> DeviceLoop:
    """A loop that knows how long steps of this engine take."""
    loop = DeviceLoop(Pipeline(engine), config, engine.clock)
    for places in (1, 2, 4, 8, 16):
        for _ in range(3):
            loop._times.record(engine.capabilities.latent_shape, places, engine.seconds(places))
    return loop


def ask(loop: Loop, prompt: str = "a boat", *, steps: int = 4, n: int = 1, key: str = "") -> tuple[Job, Ear]:
    """Submit a request; the job, and who hears of it."""
    ear = Ear()
    request = ImageRequest(prompt=prompt, steps=steps, n=n, seed=len(prompt))
    return loop.submit(request, key=key, listener=ear), ear


def run_dry(loop: Loop, limit: int = 10_000) -> int:
    """Tick until there is nothing left to do; the number of ticks."""
    for ticks in range(limit):
        if not loop.tick():
            loop.deliver()
            return ticks
    raise AssertionError(f"not done after {limit} ticks")


def alone(request: ImageRequest, engine: Engine | None = None) -> list[bytes]:
    """The pixels that the library draws for a request."""
    pipeline = Pipeline(engine or TestEngine())
    pictures = pipeline.generate(
        request.prompt,
        n=request.n,
        seed=request.seed,
        size=request.size,
        steps=request.steps,
        guidance=request.guidance,
        sampler=request.sampler,
        negative_prompt=request.negative_prompt,
        image=request.image_HWC,
        mask=request.mask_HW,
        strength=request.strength,
    )
    return [picture.pixels_HWC.tobytes() for picture in pictures]
