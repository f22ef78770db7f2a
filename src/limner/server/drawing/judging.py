"""Whether a call that makes sense may be drawn: what its words say, and how much its key has had drawn."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import anyio.to_thread

from limner.batching.metrics import Metrics
from limner.errors import DatabaseError, LimnerError
from limner.safety.prompts import PromptGuard, Verdict
from limner.server.access.auth import Caller
from limner.server.access.limits import ImageLimiter
from limner.server.contract.calls import Call
from limner.server.errors import BAD_PICTURE, ApiError, refusal

__all__ = ["admit", "check_prompt", "dismiss", "refusals_counted"]

_logger = logging.getLogger("limner.server")


@contextmanager
def refusals_counted(metrics: Metrics) -> Iterator[None]:
    """Count what is not even handed to the loop, which counts what it refuses itself."""
    try:
        yield
    except LimnerError as error:
        reason = refusal(error)
        if reason is not None:
            metrics.refused(reason)
        raise


def check_prompt(guard: PromptGuard, call: Call, request_id: str) -> None:
    """Refuse a prompt that must not be drawn, in the words of the call's family.

    Raises:
        ApiError: it must not.
    """
    verdict = guard.check(call.prompt, call.moderation)
    if not verdict.flagged:
        return
    if call.model.family.is_dalle:
        raise ApiError(
            "Your request was rejected as a result of our safety system. Image descriptions generated from your "
            "prompt may contain text that is not allowed by our safety system. If you believe this was done in "
            "error, your request may succeed if retried, or by adjusting your prompt.",
            code="content_policy_violation",
        )
    raise _blocked(verdict, request_id)


def _blocked(verdict: Verdict, request_id: str) -> ApiError:
    flagged = [category for category, is_flagged in verdict.categories.items() if is_flagged]
    violations = ", ".join(dict.fromkeys(category.partition("/")[0] for category in flagged))
    return ApiError(
        "Your request was rejected by the safety system. If you believe this is an error, tell the operator of "
        f"this server the request ID {request_id}. safety_violations=[{violations}].",
        type=BAD_PICTURE,
        code="moderation_blocked",
        details={"moderation_details": {"moderation_stage": "input", "categories": flagged}},
    )


async def admit(limiter: ImageLimiter, caller: Caller, call: Call) -> dict[str, str]:
    """Count a call's pictures; the headers that tell what is left.

    Raises:
        ApiError: there were too many in the last minute.
        DatabaseError: they cannot be counted now.
    """
    # On other threads, of which a database that does not answer holds up few.
    admission = await anyio.to_thread.run_sync(limiter.take, caller.key, call.n, limiter=limiter.turns)
    headers = dict(admission.headers())
    if not admission.allowed:
        raise ApiError(
            admission.message(call.model.id),
            status=429,
            type="images",
            code="rate_limit_exceeded",
            headers=headers,
        )
    return headers


async def dismiss(limiter: ImageLimiter, caller: Caller, call: Call) -> None:
    """Take back the count of a call that was admitted, and is then refused for another reason."""
    try:
        await anyio.to_thread.run_sync(limiter.give_back, caller.key, call.n, limiter=limiter.turns)
    except DatabaseError:
        # It flows back within a minute, and whoever asked hears of the other reason.
        _logger.warning("%d pictures of %s stay counted", call.n, caller.key, exc_info=True)
