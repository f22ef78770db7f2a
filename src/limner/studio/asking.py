"""What a person filled in becomes what the API is asked for; nothing here knows the page or the server's state.

The page sends what any client could send, and it is judged by the same table of fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from limner.errors import InvalidRequestError

__all__ = ["Ask", "lines", "whole"]

_MOST_DIGITS = 19


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """The fields of the page, as they were filled in.

    Attributes:
        prompt: what the pictures show.
        size: like "512x256"; "" or "auto" is the model's own, or the source picture's.
        n: how many pictures.
        steps: denoising steps.
        guidance: how strictly to follow the prompt, from 1.
        seed: a number in digits; "" for any.
        style: "vivid" or "natural".
        negative_prompt: what to lead away from; "" for nothing.
    """

    prompt: str = ""
    size: str = "auto"
    n: float = 1
    steps: float | None = None
    guidance: float | None = None
    seed: str = ""
    style: str = "vivid"
    negative_prompt: str = ""

    @classmethod
    def of(cls, values: Sequence[Any]) -> Ask:
        """The fields in the order above, as a page's components hand them over."""
        return cls(**dict(zip(cls.__dataclass_fields__, values, strict=True)))

    def body(self, model: str) -> dict[str, Any]:
        """The JSON body of a call to `/v1/images/generations`.

        Raises:
            InvalidRequestError: there is no prompt, or the seed is no whole number.
        """
        return self._settings(model) | {"prompt": self._words(), "style": self.style or "vivid"}

    def picture_body(self, model: str, *, variation: bool = False) -> dict[str, Any]:
        """The same for an edit or a variation, which have no style; a variation has no words either."""
        settings = self._settings(model)
        if variation:
            settings.pop("negative_prompt", None)
            return settings
        return settings | {"prompt": self._words()}

    def _words(self) -> str:
        words = (self.prompt or "").strip()
        if not words:
            raise InvalidRequestError("There is no prompt: say in words what to draw.", param="prompt")
        return words

    def _settings(self, model: str) -> dict[str, Any]:
        """What all three kinds of call have."""
        size = (self.size or "").strip().lower() or "auto"
        return {"model": model, "n": int(self.n), "size": size} | self._extensions()

    def _extensions(self) -> dict[str, Any]:
        seed, negative = (self.seed or "").strip(), (self.negative_prompt or "").strip()
        wanted: dict[str, Any] = {
            "seed": whole(seed, "seed") if seed else None,
            "steps": None if self.steps is None else int(self.steps),
            "guidance_scale": None if self.guidance is None else float(self.guidance),
            "negative_prompt": negative or None,
        }
        return {name: value for name, value in wanted.items() if value is not None}


def whole(text: str, name: str) -> int:
    """A whole number that somebody typed.

    Raises:
        InvalidRequestError: it is none.
    """
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS):
        raise InvalidRequestError(
            f"The {name} must be a whole number such as 42, not {text[:40]!r}: correct it, or leave it empty.",
            param=name,
        )
    return int(digits)


def lines(text: str) -> list[str]:
    """What stands in the lines of a text, empty ones left out."""
    return [line.strip() for line in (text or "").splitlines() if line.strip()]
