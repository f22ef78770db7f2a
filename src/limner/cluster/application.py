"""All replicas as one application of Ray Serve.

`serve run limner.cluster.application:build` runs it with the settings of the LIMNER_* variables, and so does a
configuration of Ray Serve or KubeRay with that `import_path`; its `args` are the fields of `Plan`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from limner.cluster.plan import Plan
from limner.cluster.replica import Replica, builder
from limner.errors import EngineUnavailableError, InvalidRequestError
from limner.settings import Settings

__all__ = ["DRAIN_SECONDS", "NAME", "QUIET", "application_of", "build", "plan_from"]

NAME = "limner"
"""What the application is called in Ray."""

DRAIN_SECONDS = 45
"""How long a replica that is taken away has for what was asked of it: the server's own 30 and 10, and to leave."""

QUIET: Mapping[str, Any] = MappingProxyType({"enable_access_log": False})
"""The server has a line of its own for each request."""

# So often a replica is asked whether it is ready; one that has died is noticed as soon.
_HEALTH_SECONDS = 1.0


def application_of(settings: Settings, plan: Plan, *, closed: bool = True) -> Any:
    """The application of Ray Serve.

    Args:
        settings: what the operator chose, for all replicas.
        plan: how many there are.
        closed: others can reach it, so that a replica that finds no API key must not start.

    Raises:
        EngineUnavailableError: Ray is not installed.
    """
    try:
        from ray import serve
    except ImportError as error:
        raise EngineUnavailableError(
            f"Ray Serve cannot be imported: {error}. Install it with: pip install 'limner[cluster]'"
        ) from error
    settings = plan.settings_of(settings)
    replica = serve.ingress(builder(settings, closed=closed))(Replica)
    return serve.deployment(replica, **_options(settings, plan)).bind()


def build(args: Mapping[str, Any]) -> Any:
    """The application, from the LIMNER_* variables and the `args` of a configuration; it needs an API key.

    Args:
        args: fields of `Plan`; text where they come from a command line.

    Raises:
        LimnerError: one is wrong, or Ray is not installed.
    """
    return application_of(Settings(), plan_from(args))


def plan_from(args: Mapping[str, Any]) -> Plan:
    """The plan that a configuration tells of.

    Raises:
        InvalidRequestError: it names what is no field of `Plan`, or gives one a value that cannot be.
    """
    kinds: dict[str, Callable[[Any], Any]] = {
        field.name: float if field.name == "gpus" else int for field in fields(Plan)
    }
    for name in args:
        if name not in kinds:
            raise InvalidRequestError(
                f"There is no argument {name!r}: use {', '.join(kinds)}, and LIMNER_* variables for the rest",
                param=name,
            )
    try:
        return Plan(**{name: kinds[name](value) for name, value in args.items()})
    except (TypeError, ValueError) as error:
        raise InvalidRequestError(f"{dict(args)} cannot be: {error}. Write numbers", param="args") from error


def _options(settings: Settings, plan: Plan) -> dict[str, Any]:
    how_many: dict[str, Any] = {"num_replicas": plan.replicas}
    if plan.scales:
        how_many = {
            "autoscaling_config": {
                "min_replicas": plan.replicas,
                "max_replicas": plan.most,
                "target_ongoing_requests": plan.target,
            }
        }
    return how_many | {
        "name": "Replica",
        "max_ongoing_requests": plan.admitted(settings),
        "health_check_period_s": _HEALTH_SECONDS,
        "graceful_shutdown_timeout_s": DRAIN_SECONDS,
        "graceful_shutdown_wait_loop_s": 0.1,
        # A replica that cannot start would fail the same way again.
        "max_constructor_retry_count": 1,
        "logging_config": dict(QUIET),
        "ray_actor_options": {"num_cpus": plan.cpus, "num_gpus": plan.gpus},
    }
