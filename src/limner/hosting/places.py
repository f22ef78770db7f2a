"""A model that can be had, a model that is loaded, and the place on the shelf that has room for either."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, TypeAlias

from limner.batching.base import Loop
from limner.batching.reception import LoadReport
from limner.engines.base import Capabilities
from limner.errors import DoesNotFitError
from limner.hosting.estimate import Estimate
from limner.hosting.policy import Holding
from limner.pipeline import Pipeline

__all__ = ["Loaded", "Offer", "Place", "State", "Status", "check_fits", "together"]

State: TypeAlias = Literal["loaded", "loading", "not loaded"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A model that can be had.

    Attributes:
        name: by which it is asked for.
        open: loads it.
        weigh: tells what it would take; with `fetch=True` it fetches what must be fetched for that, otherwise
            it may not know.
        pinned: it is never unloaded.
    """

    name: str
    open: Callable[[], Pipeline]
    weigh: Callable[..., Estimate | None]
    pinned: bool = False


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Loaded:
    """A model that can draw.

    Attributes:
        pipeline: has it open.
        loop: draws with it, on a thread of its own.
    """

    pipeline: Pipeline
    loop: Loop

    @property
    def able(self) -> Capabilities:
        """What it can do, and its defaults."""
        return self.pipeline.engine.capabilities


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """Where a model stands.

    Attributes:
        state: whether it can draw now.
        size: the bytes that it is estimated to take, or None if that is not known.
        pinned: it is never unloaded.
        able: what it can do; None if it was never loaded.
    """

    state: State
    size: int | None
    pinned: bool
    able: Capabilities | None


@dataclass(kw_only=True, slots=True, eq=False)
class Place:
    """A model's place on the shelf.

    Attributes:
        offer: the model.
        pinned: it is never unloaded.
        used_at: when somebody last let go of it, or it was last seen at work.
        loaded: the model, while it is there.
        able: what it can do, from when it was first there.
        estimate: what it takes, as far as that is known.
        weighed: all its files were there when that was told.
        users: how many hold it, or wait for it.
        wish: what they wait for, while it is not there.
        asked: the wish's number.
        loading: the keeper is loading it.
    """

    offer: Offer
    pinned: bool
    used_at: float
    loaded: Loaded | None = None
    able: Capabilities | None = None
    estimate: Estimate | None = None
    weighed: bool = False
    users: int = 0
    wish: Future[Loaded] | None = None
    asked: int = 0
    loading: bool = False

    @property
    def size(self) -> int:
        """The bytes that it takes; what is not known counts as nothing."""
        return self.estimate.total if self.estimate else 0

    @property
    def device(self) -> str:
        """Where it takes them."""
        return self.estimate.device if self.estimate else "cpu"

    def look(self, now: float) -> Holding | None:
        """As the policy sees it, if it is there; whoever holds it or has work uses it now."""
        if self.loaded is None:
            return None
        load = self.loaded.loop.load()
        is_busy = bool(self.users or load.queued or load.running)
        if is_busy:
            self.used_at = now
        return Holding(
            name=self.offer.name,
            size=self.size,
            used_at=self.used_at,
            idle=not is_busy,
            pinned=self.pinned,
        )

    def status(self) -> Status:
        """Where it stands."""
        state: State = "loading" if self.loading else "not loaded"
        return Status(
            state="loaded" if self.loaded else state,
            size=self.estimate.total if self.estimate else None,
            pinned=self.pinned,
            able=self.able,
        )


def together(reports: Sequence[LoadReport]) -> LoadReport:
    """The work of several loops; who comes now waits for the busiest at most."""
    return LoadReport(
        queued=sum(report.queued for report in reports),
        running=sum(report.running for report in reports),
        estimated_wait=max((report.estimated_wait for report in reports), default=0.0),
    )


def check_fits(name: str, estimate: Estimate, limit: int, held: Iterable[Holding]) -> None:
    """Refuse a model that cannot be loaded, whoever leaves.

    Raises:
        DoesNotFitError: it takes more than there can be for it; the message has the numbers.
    """
    pinned = sum(holding.size for holding in held if holding.pinned)
    if estimate.total + pinned <= limit:
        return
    kept = f", {_read(pinned)} of it for pinned models" if pinned else ""
    raise DoesNotFitError(
        f"{name} needs about {_read(estimate.total)} of memory ({_read(estimate.weights)} of weights at "
        f"{estimate.width} bytes a number, {_read(estimate.activations)} for a picture of {estimate.side} pixels a "
        f"side), and models may take {_read(limit)} on {_PLACES.get(estimate.device, estimate.device)}{kept}: choose "
        "LIMNER_PRECISION=bf16 or a smaller model, use another device, pin fewer models, or raise "
        "LIMNER_MEMORY_LIMIT",
        needed=estimate.total,
        room=max(0, limit - pinned),
    )


_PLACES = {"cpu": "the processor", "cuda": "the GPU", "mps": "the GPU"}


def _read(size: int) -> str:
    """A size as people read it."""
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
