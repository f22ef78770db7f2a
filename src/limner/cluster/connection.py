"""Ray on this machine or on a cluster of them: started, or found."""

from __future__ import annotations

import os
from typing import Any

from limner.errors import EngineUnavailableError

__all__ = ["connect"]


def connect(address: str | None, **options: Any) -> Any:
    """Start Ray here, or find a cluster's.

    Args:
        address: the cluster's, as Ray writes it; None starts Ray on this machine.
        options: what else `ray.init` is told.

    Returns:
        The module `ray`, connected.

    Raises:
        EngineUnavailableError: Ray is not installed, or cannot be reached.
    """
    # Before Ray is imported, for the processes that it starts, too: nobody is called home to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise EngineUnavailableError(
            f"Ray cannot be imported: {error}. Install it with: pip install 'limner[cluster]'"
        ) from error
    if address is None:
        # As many cores as the plan was checked against, whatever Ray takes a container to have.
        options |= {"num_cpus": os.cpu_count(), "include_dashboard": False}
    try:
        ray.init(address=address or "local", **options)
    # Ray tells of a machine that is too slow to start it with an Exception of no kind.
    except Exception as error:
        raise EngineUnavailableError(
            f"Ray cannot be reached at {address or 'this machine'}: {error}. Check the address, that Ray "
            "and Python have the same versions there and here, and that the machine is not too busy to start it"
        ) from error
    return ray
