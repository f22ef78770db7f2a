"""What one picture cannot show, left out of its prompt: what is denied, a second colour, a third kind of thing.

A model that was taught captions of what is there draws the dog of "no dog", mixes the colours of "a red blue car", and
of five kinds of things draws two, whichever it likes. A pink elephant it draws gray, for it knows no other. Better
that it is told what it can draw, and whoever asks, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice, takewhile, zip_longest
from typing import Literal, NamedTuple

from limner.text.lexicon import Lexicon
from limner.text.words import (
    ARTICLES,
    LITTLE_WORDS,
    WORD,
    WORDS_READ,
    is_deed,
    let_article_agree,
    stem,
    tidied,
)
from limner.types import Reading, Swap

__all__ = ["MOST_KINDS", "within_limits"]

MOST_KINDS = 2
"""No scene that a model of ours was trained on is about more kinds of things."""

_DENIALS = frozenset({"no", "not", "without", "never", "neither", "nor"})
_EMPTY = frozenset({"any", "even", "or", "single"})
_JOINING = frozenset({"and", "or"})
_LONGEST_PHRASE = 6

_Kind = Literal["thing", "quality", "relation", "setting", "denial", "article", "little", "other"]


class _Part(NamedTuple):
    """Words `start` to `stop` of a prompt, what they are, and what they name."""

    kind: _Kind
    start: int
    stop: int
    name: str
    clause: int


class _Cut(NamedTuple):
    """Words that are left out, and why."""

    start: int
    stop: int
    why: str


def within_limits(lexicon: Lexicon, prompt: str) -> Reading:
    """Leave out of a prompt what is denied, the kinds of things but two, and a thing's colours and sizes but one.

    That one too, if the thing is known in other colours only.

    Returns:
        What is left, which may be nothing, and an account of what is not.
    """
    text, told = prompt, tuple[Swap, ...]()
    # What is left may be read otherwise than it was with the rest in between.
    while cuts := _cuts(lexicon, text, words := list(islice(WORD.finditer(text), WORDS_READ))):
        told += tuple(Swap(word=_said(text, words, cut), read_as="", why=cut.why) for cut in cuts)
        text = _without(text, words, cuts)
    return Reading(text=text, swaps=told)


def _cuts(lexicon: Lexicon, prompt: str, words: Sequence[re.Match[str]]) -> list[_Cut]:
    """All that is to be left out, in the order of the words."""
    parts = list(_parts(lexicon, prompt, words))
    denied = list(_denied(parts))
    asserted = [part for part in parts if not any(cut.start <= part.start < cut.stop for cut in denied)]
    first = sorted([*denied, *_contradicted(lexicon, asserted), *_surplus(asserted)])
    return first or list(_unpaintable(lexicon, asserted))


def _parts(lexicon: Lexicon, prompt: str, words: Sequence[re.Match[str]]) -> Iterator[_Part]:
    """The prompt as phrases, the longest first, none across a comma."""
    stems, clauses = [stem(word.group()) for word in words], list(_clauses(prompt, words))
    at = 0
    while at < len(words):
        part = _part(lexicon, stems, clauses, at)
        yield part
        at = part.stop


def _clauses(prompt: str, words: Sequence[re.Match[str]]) -> Iterator[int]:
    """In which clause each word stands."""
    clause, end = 0, 0
    for word in words:
        clause += bool(prompt[end : word.start()].strip())
        end = word.end()
        yield clause


def _part(lexicon: Lexicon, stems: Sequence[str], clauses: Sequence[int], at: int) -> _Part:
    """The longest phrase that begins with a word."""
    clause, word = clauses[at], stems[at]
    if word in _DENIALS:
        return _Part("denial", at, at + 1, word, clause)
    most = sum(other == clause for other in clauses[at : at + _LONGEST_PHRASE])
    for length in range(most, 0, -1):
        phrase = " ".join(stems[at : at + length])
        if phrase in lexicon.settings:
            return _Part("setting", at, at + length, phrase, clause)
        if phrase in lexicon.qualities:
            return _Part("quality", at, at + length, phrase, clause)
        if phrase in lexicon.relations:
            return _Part("relation", at, at + length, phrase, clause)
        if phrase in lexicon.things:
            return _Part("thing", at, at + length, lexicon.things[phrase], clause)
    kind: _Kind = "article" if word in ARTICLES else "little" if word in LITTLE_WORDS else "other"
    return _Part(kind, at, at + 1, word, clause)


def _denied(parts: Sequence[_Part]) -> Iterator[_Cut]:
    """From each denial as far as it reaches, and what joins it to what is before it."""
    for number, denial in enumerate(parts):
        if denial.kind == "denial" and (stop := _reach(parts, number)):
            yield _Cut(_joined(parts, number), stop, "it is not to be seen")


def _joined(parts: Sequence[_Part], number: int) -> int:
    """Where the words begin that say how a denial belongs to what is before it: its own place, if there are none."""
    at = number
    while (
        at and parts[at - 1].kind in ("relation", "little") and parts[at - 1].clause == parts[number].clause
    ):
        at -= 1
    return parts[at].start


def _reach(parts: Sequence[_Part], number: int) -> int:
    """Where what a denial is about ends: with the first thing or setting, or others after an "or"; 0 if nowhere."""
    stop, after = 0, parts[number + 1 :]
    for part, follower in zip_longest(after, after[1:]):
        joins = part.kind in ("relation", "little", "article", "setting") and part.name != "or"
        if part.clause != parts[number].clause or part.kind == "denial" or (stop and joins):
            break
        if part.kind in ("thing", "setting"):
            stop = part.stop
            if follower is None or follower.name != "or":
                break
        elif not joins and part.name not in _EMPTY:
            stop = part.stop
    return stop


def _contradicted(lexicon: Lexicon, parts: Sequence[_Part]) -> Iterator[_Cut]:
    """Each quality of a thing that is followed by another one of the same kind."""
    for number, part in enumerate(parts):
        if part.kind != "quality":
            continue
        run = list(takewhile(lambda one: one.kind == "quality" or one.name in _JOINING, parts[number + 1 :]))
        others = [one for one in run if one.kind == "quality"]
        quality = lexicon.qualities[part.name]
        rivals = [
            one.name for one in others if lexicon.qualities[one.name] == quality and one.name != part.name
        ]
        if rivals and _names_a_thing(parts[number + 1 + len(run) :]):
            yield _Cut(part.start, others[0].start, f"a thing has one {quality}, here {rivals[-1]}")


def _unpaintable(lexicon: Lexicon, parts: Sequence[_Part]) -> Iterator[_Cut]:
    """Each colour of a thing that is known in other ones only."""
    for number, part in enumerate(parts):
        if lexicon.qualities.get(part.name) != "colour" or part.kind != "quality":
            continue
        described = next((one for one in parts[number + 1 :] if one.kind != "quality"), None)
        if described is None or described.kind != "thing":
            continue
        own = lexicon.unpaintable.get(described.name)
        if own is not None and part.name not in own.split():
            yield _Cut(part.start, part.stop, f"{described.name}: known in its own colours only")


def _names_a_thing(parts: Sequence[_Part]) -> bool:
    """Whether the words before these belong to a thing, known or not."""
    return bool(parts) and parts[0].kind in ("thing", "other")


def _surplus(parts: Sequence[_Part]) -> Iterator[_Cut]:
    """Every thing of a third kind, with all that belongs to it."""
    kinds: list[str] = []
    for number, part in enumerate(parts):
        if part.kind != "thing" or part.name in kinds:
            continue
        if len(kinds) < MOST_KINDS:
            kinds.append(part.name)
        else:
            why = f"a picture has room for {MOST_KINDS} kinds of things"
            yield _Cut(parts[_beginning(parts, number)].start, part.stop, why)


def _beginning(parts: Sequence[_Part], number: int) -> int:
    """Where a thing's description begins, and what joins it to what is before it."""
    at = number

    def follows(*kinds: _Kind, deeds: bool = False) -> bool:
        if not at or parts[at - 1].clause != parts[number].clause:
            return False
        return parts[at - 1].kind in kinds or (deeds and is_deed(parts[at - 1].name))

    while follows("quality", "other") and parts[at - 1].name not in _JOINING:
        at -= 1
    if follows("article"):
        at -= 1
    while follows("relation", "little", deeds=True):
        at -= 1
    return at


def _said(prompt: str, words: Sequence[re.Match[str]], cut: _Cut) -> str:
    """The words of a cut, without what joins them to others."""
    said = prompt[words[cut.start].start() : words[cut.stop - 1].end()].lower()
    return re.sub(r"^(?:and|or)\s+|\s+(?:and|or)$", "", said)


def _without(prompt: str, words: Sequence[re.Match[str]], cuts: Sequence[_Cut]) -> str:
    """The prompt without these words, and without a gap at their side: that with a comma, if there is one without."""
    gone = {at for cut in cuts for at in range(cut.start, cut.stop)}
    kept: list[str] = []
    end, gap_before_cut = 0, ""
    for at, word in enumerate(words):
        gap, end = prompt[end : word.start()], word.end()
        if at in gone:
            gap_before_cut = gap_before_cut if at - 1 in gone else gap
            continue
        kept += [gap_before_cut if at - 1 in gone and gap.strip() and not gap_before_cut.strip() else gap]
        kept += [word.group()]
        let_article_agree(kept)
    return tidied("".join([*kept, prompt[end:]]))
