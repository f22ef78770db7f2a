"""Which things can stand to each other in which way, so that a person would say it in these words."""

from __future__ import annotations

from collections.abc import Callable

from limner.training.scenes.concepts import Concept, flies

__all__ = ["CUT_BELOW", "PASSIVE", "can_be_many", "can_stand"]

CUT_BELOW = frozenset({"waist", "head"})
"""The bodies of people who are cut off at the picture's lower edge."""

PASSIVE = frozenset(
    {"left of", "right of", "next to", "near", "far from", "between", "in front of", "under", "below", "on"}
)
"""The relations that most things can have to most others."""

_PLAYERS = frozenset({"animal", "bird", "person"})
_TOYS = frozenset({"sport", "toy"})
_SEATS = frozenset({"furniture", "vehicle", "animal"})
_MOUNTS = frozenset({"vehicle", "animal"})
_NEVER_SIT = frozenset({"plant", "vehicle"})
_HELD = frozenset({"animal", "bird", "clothes", "food", "music", "object", "plant", "sport", "toy"})

# Sizes: what is held is small; a medium thing can sit on another or stand before it, and seat a smaller one; from
# large on a thing still shows when another stands before it; a huge one comes alone and stays outdoors.
_SMALL, _MEDIUM, _LARGE, _HUGE = 2, 3, 4, 5


def can_be_many(concept: Concept) -> bool:
    """Whether there can be two of it in a picture, and more."""
    return not (concept.size >= _HUGE or concept.is_plural or concept.when or concept.body == "cut")


def can_stand(first: Concept, relation: str, second: Concept) -> bool:
    """Whether `first relation second` can be drawn so that a person would say it in these words."""
    up = (flies(first), flies(second))
    match relation:
        case "above" | "below":
            return up == (relation == "above", relation == "below")
        case "on" | "riding" | "under" | "holding" | "playing with" | "in front of" | "behind":
            return not any(up) and _CAN[relation](first, second)
        case "carrying":
            return not any(up) and _can_ride(second, first)
        case "chasing" | "running from":
            return not any(up) and _can_run(first) and _can_run(second)
        case "between":
            return up[0] == up[1] and first.body != "cut" and can_be_many(second)
        case _:
            # What is cut off at its right has nothing on that side.
            left = second if relation == "right of" else first
            return up[0] == up[1] and left.body != "cut"


def _can_sit_on(top: Concept, seat: Concept) -> bool:
    small = top.size < seat.size and _is_movable(top) and "ground" in top.support
    return small and top.group not in _NEVER_SIT and seat.group in _SEATS and seat.size >= _MEDIUM


def _can_ride(rider: Concept, mount: Concept) -> bool:
    alive = rider.group in _PLAYERS and rider.body == mount.body == "full"
    return alive and mount.group in _MOUNTS and mount.facing != "front" and _can_sit_on(rider, mount)


def _can_run(concept: Concept) -> bool:
    """All who run look to the left, so that the left one is the pursued."""
    return concept.group in _PLAYERS and concept.facing == "left" and concept.body == "full"


def _is_movable(concept: Concept) -> bool:
    """Whether a thing is small enough to be before, under or on another, and no half of a person."""
    return concept.size <= _MEDIUM and concept.body not in CUT_BELOW


def _can_stand_before(front: Concept, back: Concept) -> bool:
    return _is_movable(front) and back.size >= _LARGE and back.body not in CUT_BELOW


def _can_be_under(below: Concept, roof: Concept) -> bool:
    return _is_movable(below) and roof.group == "plant" and roof.size >= _LARGE


def _can_hold(person: Concept, held: Concept) -> bool:
    return person.body == "waist" and held.size <= _SMALL and held.group in _HELD


_CAN: dict[str, Callable[[Concept, Concept], bool]] = {
    "on": _can_sit_on,
    "riding": _can_ride,
    "under": _can_be_under,
    "holding": _can_hold,
    "playing with": lambda first, second: first.group in _PLAYERS and second.group in _TOYS,
    "in front of": _can_stand_before,
    "behind": lambda first, second: _can_stand_before(second, first),
}
