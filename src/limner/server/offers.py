"""From the settings to the models that can be had."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from limner.engines.base import EngineOptions
from limner.errors import SettingsError
from limner.hosting.estimate import estimate
from limner.hosting.places import Offer
from limner.loading import load, name_of, options_of
from limner.settings import Settings

__all__ = ["offers_of"]

_NAMED = re.compile(r"([\w][\w.:-]*)=(.+)")


def offers_of(settings: Settings, first: str | None = None) -> list[Offer]:
    """The models that a server has, the first of them first. None is loaded.

    Args:
        settings: what the operator chose.
        first: the name of the first model, if it is loaded already.

    Raises:
        SettingsError: a pinned model is none of these.
        LimnerError: there is no such engine, or one of the models is not there.
    """
    own = options_of(settings)
    # Which weights of a checkpoint, and what is added to them, makes sense for one of them only.
    others = replace(own, variant="", revision="", loras=())
    name, model = _named(settings, settings.model) if first is None else (first, settings.model)
    offers = [_offer(settings, name, model, own)]
    offers += [_offer(settings, *_named(settings, text), others) for text in settings.more_models]
    _check_pinned(settings, [offer.name for offer in offers])
    return offers


def _named(settings: Settings, text: str) -> tuple[str, str]:
    """The name and the place of a model."""
    found = None if Path(text).exists() else _NAMED.fullmatch(text)
    if found is None:
        return name_of(text, settings.engine), text
    # Looked for now, so that a wrong place is told at the start.
    name_of(found[2], settings.engine)
    return found[1], found[2]


def _offer(settings: Settings, name: str, model: str, options: EngineOptions) -> Offer:
    return Offer(
        name=name,
        open=partial(load, model, engine=settings.engine, **asdict(options)),
        weigh=partial(estimate, model, settings.engine, options),
        pinned=name in settings.pinned,
    )


def _check_pinned(settings: Settings, names: list[str]) -> None:
    if unknown := set(settings.pinned) - set(names):
        raise SettingsError(
            f"LIMNER_PINNED names {min(unknown)!r}, which is none of the models: choose from {', '.join(names)}",
            param="LIMNER_PINNED",
        )
